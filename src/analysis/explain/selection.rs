//! Which events are shown: those around the violation that matter most, and what happened to the messages concerned.

use super::events::{Found, Weight};
use super::facts::Facts;
use crate::model::explanation::{Event, View};

/// Of the messages concerned not more events than these are shown from outside of what is looked at.
const CONCERNED_MAX: usize = 200;

/// The events shown, the oldest first, each with the number of those left out before it; and how many are left out at the end.
pub(super) fn select(facts: &Facts<'_>, mut found: Vec<Found>, view: View) -> (Vec<Event>, u64) {
    let distance = |it: &Found| it.at.since(facts.at).0.max(facts.at.since(it.at).0);
    let near = |it: &Found| view.around_ms.is_none_or(|around| distance(it) as f64 <= around * 1e6);
    // Stable, so that of one instant what was done first stays first: the kinds are in the order in which they happen.
    found.sort_by_key(|it| (it.at, it.event.what));
    // From the first to the last that happened to the messages concerned it matters who owned the partition.
    let concerned = || found.iter().filter(|it| it.weight == Weight::Concerned).map(|it| it.at);
    let span = concerned().min().zip(concerned().max());
    let spanned = |it: &Found| span.is_some_and(|(first, last)| first <= it.at && it.at <= last);
    let wanted = |it: &Found| match it.weight {
        Weight::Concerned => true,
        Weight::Ownership => spanned(it) || near(it),
        Weight::Key | Weight::Partition => near(it),
    };
    let mut order: Vec<usize> = (0..found.len()).filter(|&index| found.get(index).is_some_and(wanted)).collect();
    order.sort_by_key(|&index| found.get(index).map(|it| (it.weight, distance(it))));
    if let Some(most) = view.events_max {
        let concerned = order.iter().filter(|&&index| found[index].weight == Weight::Concerned).count();
        order.truncate((most as usize).max(concerned.min(CONCERNED_MAX)));
    }
    let mut shown = vec![false; found.len()];
    for index in order {
        shown[index] = true;
    }
    let (mut events, mut left_out) = (Vec::new(), 0);
    for (it, shown) in found.into_iter().zip(shown) {
        if shown {
            events.push(Event { left_out: std::mem::take(&mut left_out), ..it.event });
        } else {
            left_out += 1;
        }
    }
    (events, left_out)
}
