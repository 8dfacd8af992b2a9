//! Evidence: the first hundred of each kind of what went wrong, each told in one sentence.

use super::findings::FaultFinding;
use super::liveness::Liveness;
use super::rebalance::fault_at;
use super::timeline::Timeline;
use crate::model::effect::EffectRun;
use crate::model::history::{History, Journal};
use crate::model::promise::Promises;
use crate::model::record::Handling;
use crate::model::report::Violation;
use crate::model::time::MonoNs;
use crate::verdict::{Entry, Ledger, Message, Place, StaleEffects, Verdict};

/// As many of each kind are told.
const TOLD: usize = 100;

/// What the tellers look at.
struct Scene<'a> {
    history: &'a History,
    timeline: &'a Timeline,
    ledger: &'a Ledger,
    faults: &'a [FaultFinding],
}

/// All evidence, kind by kind, each by time.
pub(super) fn violations(
    history: &History,
    timeline: &Timeline,
    ledger: &Ledger,
    liveness: &Liveness,
    faults: &[FaultFinding],
) -> Vec<Violation> {
    let scene = Scene { history, timeline, ledger, faults };
    let promises = history.manifest.promises;
    let mut told = Vec::new();
    for (verdict, kind, promised) in [
        (Verdict::Skipped, "skipped", promises.order_per_key),
        (Verdict::Late, "late", promises.order_per_key),
        (Verdict::Regressed, "regressed", promises.order_per_key),
        (Verdict::Phantom, "phantom", true),
    ] {
        scene.tell_verdicts(verdict, kind, promised, &mut told);
    }
    if timeline.reached_end_of_drain() {
        scene.tell_lost(promises.at_least_once, &mut told);
    }
    scene.tell_exclusion(promises.exclusive, &mut told);
    scene.tell_succession(promises, &mut told);
    scene.tell_liveness(liveness, &mut told);
    scene.tell_stale_effects(promises.fenced, &mut told);
    scene.tell_publishes(&mut told);
    told
}

impl Scene<'_> {
    fn tell_verdicts(&self, verdict: Verdict, kind: &str, promised: bool, told: &mut Vec<Violation>) {
        let lines = self.ledger.lines(self.history).enumerate().filter(|(_, line)| line.0.verdict == verdict);
        let ids = lines.map(|(id, line)| (line.2.started, id as u32)).collect();
        for id in earliest(ids) {
            let Some((entry, journal, handling)) = self.line(id) else { continue };
            let what = name(handling);
            let story = match verdict {
                Verdict::Skipped => format!(
                    "{} began {what} while {} before it had never been handled",
                    journal.author,
                    messages(entry.distance)
                ),
                Verdict::Late => format!(
                    "{} first handled {what} only after the key had gone on by {}",
                    journal.author,
                    messages(entry.distance)
                ),
                Verdict::Regressed => format!(
                    "{} handled {what} again, {} behind what had been handled, and not as part of a legal replay",
                    journal.author,
                    messages(entry.distance)
                ),
                _ if !handling.intact => format!("{} handled {what} although its checksum is wrong", journal.author),
                _ => format!("{} handled {what}, which nobody published in this run", journal.author),
            };
            told.push(Violation {
                distance: (verdict != Verdict::Phantom).then_some(entry.distance.into()),
                ..self.about_handling(kind, promised, journal, handling, story)
            });
        }
    }

    fn tell_lost(&self, promised: bool, told: &mut Vec<Violation>) {
        let lost = self.ledger.messages.iter().enumerate().filter(|(_, message)| message.lost);
        let ids = lost.map(|(id, message)| (message.stored.unwrap_or(message.sent), id as u32)).collect();
        for id in earliest(ids) {
            let message = &self.ledger.messages[id as usize];
            let story = format!("message {} of key {} was stored and never handled", message.key_seq, message.key);
            let mut violation = self.about_message("lost", promised, message, story);
            violation.fault = violation.fault.or_else(|| self.stranding_fault(id as usize));
            told.push(violation);
        }
    }

    /// The fault that struck while a lost message was next in its key: it had not been passed over before.
    fn stranding_fault(&self, id: usize) -> Option<u32> {
        let lost = &self.ledger.messages[id];
        let stored = lost.stored?;
        let later = self.ledger.messages[id + 1..].iter().take_while(|message| message.key == lost.key);
        let passed = later
            .filter_map(|message| Some(self.ledger.source(self.history, message.first?)?.1.started))
            .min()
            .unwrap_or(MonoNs(u64::MAX));
        self.faults.iter().find(|fault| stored <= fault.at && fault.at <= passed).map(|fault| fault.id)
    }

    fn tell_exclusion(&self, promised: bool, told: &mut Vec<Violation>) {
        let found = &self.ledger.exclusion;
        let started = |id: u32| self.line(id).map_or(MonoNs(u64::MAX), |line| line.2.started);
        for id in earliest(found.stale_handling.iter().map(|&id| (started(id), id)).collect()) {
            let Some((_, journal, handling)) = self.line(id) else { continue };
            let (author, epoch) = (journal.author, handling.epoch);
            let what = name(handling);
            let story = format!("{author} began {what} in epoch {epoch} after a later epoch had been granted");
            told.push(self.about_handling("stale_handling", promised, journal, handling, story));
        }
        let overlaps = (0..).zip(&found.overlaps).map(|(index, overlap)| (started(overlap.later), index)).collect();
        for index in earliest(overlaps) {
            let overlap = &found.overlaps[index as usize];
            let (Some(earlier), Some(later)) = (self.line(overlap.earlier), self.line(overlap.later)) else { continue };
            let (what, other) = (name(later.2), name(earlier.2));
            let story = format!("{} began {what} while {} was handling {other}", later.1.author, earlier.1.author);
            let mut violation = self.about_handling("overlap", promised, later.1, later.2, story);
            violation.members.insert(0, earlier.1.author.to_string());
            violation.epochs.insert(0, earlier.2.epoch);
            told.push(violation);
        }
        let pairs = (0..).zip(&found.dual_ownership).map(|(index, pair)| (found.beliefs[pair.later].from, index));
        for index in earliest(pairs.collect()) {
            let pair = &found.dual_ownership[index as usize];
            let (earlier, later) = (&found.beliefs[pair.earlier], &found.beliefs[pair.later]);
            let shared = earlier.to.min(later.to).since(later.from);
            told.push(Violation {
                members: vec![earlier.owner.to_string(), later.owner.to_string()],
                epochs: vec![earlier.epoch, later.epoch],
                ..self.blank(
                    "dual_ownership",
                    promised,
                    later.from,
                    later.partition,
                    format!(
                        "{} and {} both believed to own partition {} for {shared}",
                        earlier.owner, later.owner, later.partition
                    ),
                )
            });
        }
    }

    fn tell_stale_effects(&self, promised: bool, told: &mut Vec<Violation>) {
        let stale = self.ledger.exclusion.effects.iter().flat_map(|effects| &effects.stale);
        for StaleEffects { run, behind } in stale.take(TOLD) {
            let EffectRun { partition, epoch, effects, first, from, .. } = *run;
            let handling = self.handling_of(partition, epoch, from);
            let at =
                handling.map_or(MonoNs(0), |(_, handling)| handling.finished.map_or(handling.started, |end| end.at));
            let who = handling.map_or_else(|| format!("epoch {epoch}"), |(journal, _)| journal.author.to_string());
            let more = if effects > 1 { format!(" and {} more", effects - 1) } else { String::new() };
            let story = format!(
                "the effect of {who} for stream sequence {from}{more}, of epoch {epoch}, stands in the sink at {first}, behind one of epoch {behind}"
            );
            told.push(Violation {
                key: handling.map(|(_, handling)| handling.key),
                key_seq: handling.map(|(_, handling)| handling.key_seq),
                stream_seq: Some(from),
                members: handling.map(|(journal, _)| journal.author.to_string()).into_iter().collect(),
                epochs: vec![epoch, *behind],
                ..self.blank("stale_effect", promised, at, partition, story)
            });
        }
    }

    /// The handling of a message under an epoch: a few are looked for, so a look through all of them will do.
    fn handling_of(&self, partition: u16, epoch: u32, stream_seq: u64) -> Option<(&Journal, &Handling)> {
        let all =
            self.history.journals.iter().flat_map(|journal| journal.handlings.iter().map(move |one| (journal, one)));
        let is_it = |handling: &Handling| {
            (handling.partition, handling.epoch, handling.stream_seq) == (partition, epoch, stream_seq)
        };
        all.into_iter().find(|(_, handling)| is_it(handling))
    }

    fn tell_publishes(&self, told: &mut Vec<Violation>) {
        let at = |id: u32| self.ledger.messages[id as usize].sent;
        for id in earliest(self.ledger.reordered.iter().map(|&id| (at(id), id)).collect()) {
            let message = &self.ledger.messages[id as usize];
            let (seq, key) = (message.key_seq, message.key);
            let story = format!("message {seq} of key {key} stands in the stream behind a later one of its key");
            told.push(self.about_message("publish_reordered", false, message, story));
        }
        let gone = self.ledger.messages.iter().enumerate().filter(|(_, message)| message.lost_by_server);
        for id in earliest(gone.map(|(id, _)| (at(id as u32), id as u32)).collect()) {
            let message = &self.ledger.messages[id as usize];
            let (seq, key) = (message.key_seq, message.key);
            let handled = if message.perished { "nobody had handled it" } else { "it had been handled" };
            let story =
                format!("message {seq} of key {key} was stored, and the stream does not hold it at the end; {handled}");
            told.push(self.about_message("lost_by_server", false, message, story));
        }
        let copies = (0..).zip(&self.ledger.copies).map(|(index, copy)| (at(copy.0), index)).collect();
        for index in earliest(copies) {
            let (id, copy) = self.ledger.copies[index as usize];
            let message = &self.ledger.messages[id as usize];
            let (seq, key, first) = (message.key_seq, message.key, message.stream_seq);
            let story = format!("message {seq} of key {key} was stored twice: at {first} and at {copy}");
            told.push(Violation {
                stream_seq: Some(copy),
                ..self.about_message("duplicate_stored", false, message, story)
            });
        }
    }

    fn tell_succession(&self, promises: Promises, told: &mut Vec<Violation>) {
        let found = &self.ledger.succession;
        let started = |id: u32| self.line(id).map_or(MonoNs(u64::MAX), |line| line.2.started);
        for (kind, ids, promised, how) in [
            (
                "epoch_rewind",
                &found.epoch_rewinds,
                promises.order_per_key,
                "although its own epoch had been there before",
            ),
            (
                "bad_rewind",
                &found.bad_rewinds,
                promises.order_per_key,
                "and left out what had been handled before its epoch",
            ),
            ("delivery_gap", &found.delivery_gaps, false, "although the delivery before it never came"),
            ("ghost_delivery", &found.ghost_deliveries, false, "which came to it after a later epoch had been granted"),
        ] {
            for id in earliest(ids.iter().map(|&id| (started(id), id)).collect()) {
                let Some((_, journal, handling)) = self.line(id) else { continue };
                let story = format!("{} began {} in epoch {}, {how}", journal.author, name(handling), handling.epoch);
                told.push(self.about_handling(kind, promised, journal, handling, story));
            }
        }
        let commit = |place: &Place| {
            let journal = self.history.journals.get(place.journal as usize)?;
            Some((journal, journal.commits.get(place.record as usize)?))
        };
        let commits = (0..).zip(&found.stale_commits);
        let commits = commits.filter_map(|(index, place)| Some((commit(place)?.1.at, index))).collect();
        for index in earliest(commits) {
            let Some((journal, commit)) = commit(&found.stale_commits[index as usize]) else { continue };
            let (author, seq, epoch) = (journal.author, commit.stream_seq, commit.epoch);
            let story = format!(
                "the server confirmed {author}'s commit of stream sequence {seq} in epoch {epoch}, which was over when it began that message"
            );
            told.push(Violation {
                stream_seq: Some(seq),
                members: vec![author.to_string()],
                epochs: vec![epoch],
                ..self.blank("stale_commit", false, commit.at, commit.partition, story)
            });
        }
        let at = |id: u32| self.ledger.messages[id as usize].stored.unwrap_or_default();
        for id in earliest(found.commits_ahead.iter().map(|&id| (at(id), id)).collect()) {
            let message = &self.ledger.messages[id as usize];
            let (seq, key) = (message.key_seq, message.key);
            let story =
                format!("a confirmed commit covers message {seq} of key {key}, which nobody had handled by then");
            told.push(self.about_message("commit_ahead", false, message, story));
        }
        for start in found.skipped_starts.iter().take(TOLD) {
            let journal = self.history.journals.get(start.opened.journal as usize);
            let Some(journal) = journal else { continue };
            let Some(record) = journal.ownership.get(start.opened.record as usize) else { continue };
            let (author, epoch) = (journal.author, record.epoch);
            let story = format!(
                "{author} opened the consumer of epoch {epoch} behind {} that nobody had handled by then",
                messages(start.messages)
            );
            told.push(Violation {
                members: vec![author.to_string()],
                epochs: vec![epoch],
                distance: Some(start.messages.into()),
                ..self.blank("skipped_start", promises.at_least_once, record.at, record.partition, story)
            });
        }
    }

    fn tell_liveness(&self, found: &Liveness, told: &mut Vec<Violation>) {
        for (kind, stretches, what) in [
            ("orphaned", &found.orphaned, "belonged to nobody"),
            ("stalled", &found.stalled, "stood still although messages waited,"),
        ] {
            for stretch in stretches.iter().take(TOLD) {
                let lasted = stretch.to.since(stretch.from);
                let story = format!("partition {} {what} for {lasted}", stretch.partition);
                told.push(self.blank(kind, false, stretch.from, stretch.partition, story));
            }
        }
    }

    fn line(&self, id: u32) -> Option<(&Entry, &Journal, &Handling)> {
        let (journal, handling) = self.ledger.source(self.history, id)?;
        Some((self.ledger.entries.get(id as usize)?, journal, handling))
    }

    fn about_handling(
        &self,
        kind: &str,
        promised: bool,
        journal: &Journal,
        handling: &Handling,
        story: String,
    ) -> Violation {
        Violation {
            key: Some(handling.key),
            key_seq: Some(handling.key_seq),
            stream_seq: (handling.stream_seq > 0).then_some(handling.stream_seq),
            members: vec![journal.author.to_string()],
            epochs: vec![handling.epoch],
            ..self.blank(kind, promised, handling.started, handling.partition, story)
        }
    }

    fn about_message(&self, kind: &str, promised: bool, message: &Message, story: String) -> Violation {
        Violation {
            key: Some(message.key),
            key_seq: Some(message.key_seq),
            stream_seq: (message.stream_seq > 0).then_some(message.stream_seq),
            members: vec![format!("p{}", message.publisher)],
            ..self.blank(kind, promised, message.stored.unwrap_or(message.sent), message.partition, story)
        }
    }

    fn blank(&self, kind: &str, promised: bool, at: MonoNs, partition: u16, story: String) -> Violation {
        Violation {
            kind: kind.to_owned(),
            promised,
            at_ms: self.timeline.ms(at),
            partition,
            key: None,
            key_seq: None,
            stream_seq: None,
            members: Vec::new(),
            epochs: Vec::new(),
            distance: None,
            fault: fault_at(self.faults, at),
            story,
        }
    }
}

/// The first of them by time. A run without order has a hundred thousand, so they are selected before they are sorted.
fn earliest(mut found: Vec<(MonoNs, u32)>) -> Vec<u32> {
    if found.len() > TOLD {
        found.select_nth_unstable(TOLD);
        found.truncate(TOLD);
    }
    found.sort_unstable();
    found.into_iter().map(|(_, id)| id).collect()
}

fn name(handling: &Handling) -> String {
    match handling.stream_seq {
        0 => format!("message {} of key {}", handling.key_seq, handling.key),
        seq => format!("message {} of key {} (stream sequence {seq})", handling.key_seq, handling.key),
    }
}

fn messages(count: u32) -> String {
    if count == 1 { "1 message".to_owned() } else { format!("{count} messages") }
}
