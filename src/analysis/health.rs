//! Health of the measurement: in which state the run ended, and why.

use std::collections::BTreeMap;

use super::findings::EffectCounts;
use super::latency::Latencies;
use super::timeline::Timeline;
use crate::model::history::History;
use crate::model::record::LifeEvent;
use crate::model::report::RunState;
use crate::model::story::{StoryEvent, StoryLine};
use crate::model::time::SpanNs;
use crate::verdict::refusals;
use crate::verdict::stream::Account;

/// How the sentence begins that tells of a starved generator.
pub const STARVED: &str = "the load generator was starved";
/// How the sentence begins that tells of a drain that was cut.
pub const DRAIN_CUT: &str = "the drain was too short";
/// In the sentence that tells of a member whose client dropped messages.
pub const READ_TOO_SLOWLY: &str = "read too slowly";

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The state, by precedence: damaged evidence, a broken promise, other causes, interrupted, complete.
    pub state: RunState,
    /// Why, a sentence each, the ones that decided first; empty for `complete`.
    pub reasons: Vec<String>,
    /// What is worth knowing and decided nothing.
    pub notes: Vec<String>,
    /// What broke a promise, a sentence each.
    pub broken_promises: Vec<String>,
    /// Members whose client dropped messages because they read too slowly.
    pub slow_consumers: u64,
    /// Processes of jetlag that died unasked.
    pub unordered_deaths: u64,
}

/// Judges the health of a run.
pub(super) fn examine(
    history: &History,
    timeline: &Timeline,
    account: &Account,
    effects: Option<EffectCounts>,
    latencies: &Latencies,
) -> Health {
    let damage = damage(history, account);
    let broken = broken_promises(history, timeline, account, effects);
    let mut other = Vec::new();
    let mut notes = notes(history, timeline, account);
    let slow_consumers = slow_consumers(history, &mut other);
    let unordered_deaths = deaths(history, timeline.broken_off, &mut other, &mut notes);
    schedule(history, latencies, &mut other);
    let withdrawn = withdrawn(history, &mut other);
    drain(timeline, account, withdrawn, &mut other);
    stopped(history, !broken.is_empty(), &mut other, &mut notes);
    if !timeline.ended && !timeline.interrupted {
        other.push("the driver died in mid-run: its story has no last line".to_owned());
    }
    let interrupted = timeline.interrupted.then(|| "interrupted by the user".to_owned());

    let state = if !damage.is_empty() {
        RunState::Invalid
    } else if !broken.is_empty() {
        RunState::Violated
    } else if !other.is_empty() {
        RunState::Invalid
    } else if timeline.interrupted {
        RunState::Interrupted
    } else {
        RunState::Complete
    };
    let reasons = damage.into_iter().chain(broken.clone()).chain(other).chain(interrupted).collect();
    Health { state, reasons, notes, broken_promises: broken, slow_consumers, unordered_deaths }
}

/// What is wrong with the evidence itself.
fn damage(history: &History, account: &Account) -> Vec<String> {
    let mut damage = history.damage.clone();
    damage.extend(history.story.iter().filter_map(|line| match &line.event {
        StoryEvent::Damage { reason } => Some(reason.clone()),
        _ => None,
    }));
    if account.misplaced > 0 {
        damage.push(format!("{} name a partition that the run does not have", counted(account.misplaced, "record")));
    }
    damage
}

/// Promises that were broken. A phantom breaks what no strategy needs to promise.
fn broken_promises(
    history: &History,
    timeline: &Timeline,
    account: &Account,
    effects: Option<EffectCounts>,
) -> Vec<String> {
    let promises = history.manifest.promises;
    let mut broken = Vec::new();
    if promises.at_least_once && timeline.reached_end_of_drain() && account.lost > 0 {
        broken.push(format!("promised at least once: {} lost", counted(account.lost, "stored message")));
    }
    let order = account.order;
    if promises.order_per_key && order.violations() > 0 {
        broken.push(format!(
            "promised order per key: {} ({} skipped, {} late, {} regressed)",
            counted(order.violations(), "violation"),
            order.skipped,
            order.late,
            order.regressed
        ));
    }
    if promises.exclusive {
        for (count, what) in [
            (account.dual_ownership, "overlapping ownership"),
            (account.stale_handling, "handling by a superseded owner"),
            (account.overlap, "handling beside another member's"),
        ] {
            if count > 0 {
                broken.push(format!("promised exclusion: {count} × {what}"));
            }
        }
    }
    if promises.owners {
        broken.extend(broken_succession(history, account));
    }
    let stale = effects.map_or(0, |effects| effects.stale);
    if promises.fenced && stale > 0 {
        broken
            .push(format!("promised no superseded effect: {} stored behind a later epoch's", counted(stale, "effect")));
    }
    if account.phantom > 0 {
        broken.push(format!("{} handled that nobody published, or not intact", counted(account.phantom, "message")));
    }
    broken
}

/// Every epoch starts at or before the first message that nobody has handled, and what it repeats it repeats whole.
fn broken_succession(history: &History, account: &Account) -> Vec<String> {
    let promises = history.manifest.promises;
    let found = &account.succession;
    let mut broken = Vec::new();
    if promises.at_least_once && found.skipped_openings > 0 {
        let openings = counted(found.skipped_openings, "consumer");
        broken.push(format!("promised at least once: {openings} opened behind messages that nobody had handled"));
    }
    if promises.order_per_key {
        for (count, what) in [
            (found.epoch_rewind, "a step back within an epoch"),
            (found.bad_rewind, "a replay that leaves messages out"),
        ] {
            if count > 0 {
                broken.push(format!("promised order per key: {count} × {what}"));
            }
        }
    }
    broken
}

fn notes(history: &History, timeline: &Timeline, account: &Account) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    if account.unhandled > 0 && !timeline.reached_end_of_drain() {
        notes.push(format!(
            "{} not handled; the run was broken off before the end of its drain, so loss cannot be judged",
            counted(account.unhandled, "stored message")
        ));
    }
    if let Some(evicted) = account.evicted.filter(|evicted| *evicted > 0) {
        notes.push(format!(
            "{} evicted by the stream's own limits before anybody had handled them: not lost, and no hole in an order",
            counted(evicted, "stored message")
        ));
    }
    if account.not_offered > 0 {
        let what = counted(account.not_offered, "message");
        notes.push(format!("{what} stored before the place where the consumers begin: not offered, and not lost"));
    }
    if account.dropped > 0 {
        let what = counted(account.dropped, "message");
        notes.push(format!("{what} given up, by a member (term) or by the server (max-deliver), and never handled"));
    }
    if account.forgotten_by_server > 0 {
        let what = counted(account.forgotten_by_server, "repeat");
        notes.push(format!(
            "{what} of messages whose acknowledgement a server had confirmed and forgot when its process ended: charged to the server"
        ));
    }
    if let Some(lost) = account.lost_by_server.filter(|lost| *lost > 0) {
        notes.push(format!(
            "{} not in the stream when it was read back at the end, {} of them gone before anybody had handled them: charged to the server",
            counted(lost, "stored message"),
            account.perished
        ));
    }
    if account.hidden > 0 {
        let what = counted(account.hidden, "message");
        notes.push(format!(
            "{what} found when the stream was read back: no publisher knew, so nobody waited until they were handled, and they are not counted as lost"
        ));
    }
    let publisher = account.publisher;
    if publisher.publish_reordered > 0 {
        notes.push(format!("{} stored out of their key's order", counted(publisher.publish_reordered, "message")));
    }
    if publisher.duplicate_stored > 0 {
        notes.push(format!("{} stored by publishing", counted(publisher.duplicate_stored, "second copy")));
    }
    let relayed = &history.manifest.relayed;
    if !relayed.is_empty() {
        let whose = if *relayed == ["members"] { "all members".to_owned() } else { relayed.join(", ") };
        notes.push(format!(
            "the connections of {whose} ran through jetlag's relay, because a cut may strike them: their latencies include it"
        ));
    }
    notes.extend(history.story.iter().filter_map(|line| unmet(&history.story, &line.event)));
    for line in &history.story {
        match &line.event {
            StoryEvent::Note { text } => notes.push(text.clone()),
            StoryEvent::Remark { process, text } => notes.push(format!("{process}: {text}")),
            StoryEvent::Refused { process, reason } => {
                notes.push(format!("{process}: the server refused it something: {reason}"));
            }
            StoryEvent::ProgramEnded { process, code, signal, ordered, message } => {
                let what = if *ordered { "did not stop in good order: it ended" } else { "ended unasked" };
                let how = how_it_ended(*code, *signal);
                let words = if message.is_empty() { String::new() } else { format!("; {message}") };
                notes.push(format!("the program of {process} {what} {how}{words}"));
            }
            StoryEvent::FaultSkipped { id, kind, reason } => {
                notes.push(format!("fault {id} ({kind}) could not be done: {reason}"));
            }
            _ => {}
        }
    }
    notes
}

/// A cut that has passed and that nothing met shows nothing: somebody should know.
fn unmet(story: &[StoryLine], event: &StoryEvent) -> Option<String> {
    let StoryEvent::Healed { id, process } = event else { return None };
    let of_it = |line: &StoryLine| match &line.event {
        StoryEvent::Observed { id: fault, process: whose, .. } => fault == id && whose == process,
        _ => false,
    };
    let nothing = !story.iter().any(of_it);
    nothing.then(|| format!("nothing of {process} met fault {id} before it had passed: it shows nothing"))
}

/// Acks that the server had nobody to take.
pub(super) fn acks_refused(history: &History) -> u64 {
    let events = history.journals.iter().flat_map(|journal| &journal.life);
    events.filter(|event| event.event == LifeEvent::AckRefused).count() as u64
}

fn slow_consumers(history: &History, other: &mut Vec<String>) -> u64 {
    let is_slow = |event: &&crate::model::record::Life| event.event == LifeEvent::SlowConsumer;
    let mut members = 0;
    for journal in &history.journals {
        let drops = journal.life.iter().filter(is_slow).count() as u64;
        if drops > 0 {
            members += 1;
            other.push(format!("{} {READ_TOO_SLOWLY}: its client dropped messages {drops} ×", journal.author));
        }
    }
    members
}

/// For a sentence that ends in it.
fn how_it_ended(code: Option<i32>, signal: Option<i32>) -> String {
    match (code, signal) {
        (_, Some(signal)) => format!("by signal {signal}"),
        (Some(code), None) => format!("with exit code {code}"),
        (None, None) => "without a status".to_owned(),
    }
}

/// Deaths that nobody ordered: a jetlag process makes the run invalid, a server is a finding about the server. When the
/// run was broken off because of it, there is no whole measurement, and that is why.
fn deaths(history: &History, broken_off: bool, other: &mut Vec<String>, notes: &mut Vec<String>) -> u64 {
    let mut deaths = 0;
    for line in &history.story {
        let StoryEvent::Exited { process, code, signal, ordered: false, message } = &line.event else { continue };
        let how = how_it_ended(*code, *signal);
        let words = message.as_ref().map_or_else(String::new, |words| format!(": {words}"));
        let sentence = format!("{process} died unasked {how}{words}");
        match (process.starts_with("server"), broken_off) {
            (true, false) => notes.push(sentence),
            (true, true) => other.push(format!("the run was broken off: {sentence}")),
            (false, _) => {
                deaths += 1;
                other.push(sentence);
            }
        }
    }
    deaths
}

/// A starved generator makes the run invalid, not slow. In a closed loop there is no schedule to lag behind.
fn schedule(history: &History, latencies: &Latencies, other: &mut Vec<String>) {
    let manifest = &history.manifest;
    let p99 = SpanNs(latencies.schedule_lag.value_at_quantile(0.99));
    if manifest.rate_per_s.is_some() && !latencies.schedule_lag.is_empty() && p99 > manifest.schedule_lag_limit {
        other.push(format!("{STARVED}: schedule lag p99 {p99} is above the limit of {}", manifest.schedule_lag_limit));
    }
}

/// A right that is taken away in mid-run: what was then not sent or not handled is nobody's doing here, so nothing was measured whole.
/// One sentence, however many it struck.
fn withdrawn(history: &History, other: &mut Vec<String>) -> bool {
    let refused: BTreeMap<&str, &str> =
        refusals::in_mid_run(history).map(|refusal| (refusal.process, refusal.reason)).collect();
    let Some((process, reason)) = refused.first_key_value() else { return false };
    let too = match refused.len() - 1 {
        0 => String::new(),
        1 => " and one more process".to_owned(),
        others => format!(" and {others} more processes"),
    };
    other.push(format!(
        "the server refused {process}{too} a right in mid-run: {reason}; give the user that right and measure again"
    ));
    true
}

/// A drain that is cut while the fleet still works leaves open what would have become of the rest: the measurement ended too
/// early, and that is no fault of the strategy.
fn drain(timeline: &Timeline, account: &Account, withdrawn: bool, other: &mut Vec<String>) {
    let waiting = account.unhandled - account.lost - account.hidden;
    if waiting == 0 || !timeline.reached_end_of_drain() {
        return;
    }
    if withdrawn {
        // More time would not have helped.
        other.push(format!("{} still waited when the drain ended", counted(waiting, "stored message")));
    } else {
        other.push(format!(
            "{DRAIN_CUT}: {} still waited when it ended; give `run.drain` more time, or offer less",
            counted(waiting, "stored message")
        ));
    }
}

/// A run that was ended at a broken promise says so. What was seen then must be found in the whole evidence, too: if it is
/// not, the run was ended for nothing, and measured nothing whole.
fn stopped(history: &History, confirmed: bool, other: &mut Vec<String>, notes: &mut Vec<String>) {
    for line in &history.story {
        let StoryEvent::StoppedAtViolation { kind, text } = &line.event else { continue };
        if confirmed {
            notes.push(format!(
                "ended at the first broken promise that was seen, as --stop-on-violation asks: {kind}: {text}"
            ));
        } else {
            other.push(format!("ended at a broken promise that the whole evidence does not confirm: {kind}: {text}"));
        }
    }
}

/// `1 message`, `2 messages`.
fn counted(count: u64, noun: &str) -> String {
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {noun}s"),
    }
}
