//! Which of the messages that were never handled are lost, and which were merely still waiting.

use super::commits::Commits;
use super::deed::Deed;
use super::ledger::Ledger;
use super::message::Message;
use super::refusals::{self, Refusal};
use crate::model::history::History;
use crate::model::record::OwnershipChange;
use crate::model::story::StoryEvent;
use crate::model::time::{MonoNs, SpanNs};

/// A fleet that began or ended no handling for this long, and two lease times for a takeover, works no more.
pub(super) const REST: SpanNs = SpanNs(1_000_000_000);

/// Marks the lost ones. What was not handled in a drain that ended by itself is lost. So it is when the drain was cut and
/// the fleet had come to rest by then: more time would have changed nothing. But a fleet that still worked would have come
/// to what is in front of it: then only what nobody goes back for is lost. The same holds for what nobody knew to be stored, and for a
/// fleet that was refused a right while it worked: it rests because it may not go on.
pub(super) fn judge(ledger: &mut Ledger, history: &History, deeds: &[Deed], commits: &Commits<'_>) {
    if !ledger.messages.iter().any(Message::is_unhandled) {
        return;
    }
    let forbidden = || refusals::in_mid_run(history).any(|refusal| Refusal::is_of_a_member(&refusal));
    let working = cut(history).is_some_and(|at| works(history, deeds, at) || forbidden());
    // What was found only when the stream was read back, no drain waited for.
    let hidden = ledger.messages.iter().any(|message| message.found && message.is_unhandled());
    let passed = if working || hidden { passed_over(ledger, history, deeds) } else { Vec::new() };
    for (id, message) in ledger.messages.iter_mut().enumerate() {
        let unhandled = message.is_unhandled();
        let covered = || commits.cover(message.partition, message.stream_seq, MonoNs(u64::MAX));
        let had_its_time = !working && !message.found;
        message.lost = unhandled && (had_its_time || passed[id] || covered());
    }
}

/// When the drain was cut.
fn cut(history: &History) -> Option<MonoNs> {
    let is_cut = |event: &StoryEvent| matches!(event, StoryEvent::DrainCut { .. });
    history.story.iter().find(|line| is_cut(&line.event)).map(|line| line.at)
}

/// Whether some handler was busy shortly before `at`.
fn works(history: &History, deeds: &[Deed], at: MonoNs) -> bool {
    let takeover = history.manifest.lease_ttl.map_or(0, |ttl| ttl.0.saturating_mul(2));
    let since = at - SpanNs(REST.0.saturating_add(takeover));
    deeds.iter().any(|deed| deed.started <= at && deed.ended >= since)
}

/// One a message: whether it was passed over for good. Who keeps the order of keys does not go back within an epoch, so that
/// is so when a later message of its key was handled in the last epoch of its partition. (Not of its partition: handlers
/// of other keys may run ahead.) Without that promise a message comes back after later ones, so nothing is known.
fn passed_over(ledger: &Ledger, history: &History, deeds: &[Deed]) -> Vec<bool> {
    let mut passed = vec![false; ledger.messages.len()];
    if !history.manifest.promises.order_per_key {
        return passed;
    }
    let mut epochs = vec![0; ledger.partitions.len()];
    let grants = history.journals.iter().flat_map(|journal| &journal.ownership);
    let grants = grants.filter(|record| matches!(record.change, OwnershipChange::Granted { .. }));
    let seen = grants.map(|record| (record.partition, record.epoch));
    for (partition, epoch) in seen.chain(deeds.iter().map(|deed| (deed.partition, deed.epoch))) {
        if let Some(last) = epochs.get_mut(usize::from(partition)) {
            *last = epoch.max(*last);
        }
    }
    let mut reached = vec![false; ledger.messages.len()];
    for deed in deeds.iter().filter(|deed| deed.ok && epochs.get(usize::from(deed.partition)) == Some(&deed.epoch)) {
        if let Some(reached) = reached.get_mut(deed.message as usize) {
            *reached = true;
        }
    }
    // Messages are sorted by key; within one the stream's order counts.
    let mut base = 0;
    for of_key in ledger.messages.chunk_by(|left, right| left.key == right.key) {
        let ranks = (base..).zip(of_key).filter(|(id, _)| reached[*id]).map(|(_, message)| message.rank);
        let greatest = ranks.max().unwrap_or(0);
        for (id, message) in (base..).zip(of_key) {
            passed[id] = message.rank < greatest;
        }
        base += of_key.len();
    }
    passed
}
