//! What was sighted while a run was followed, in the words of the report; and what such a report has to say about itself.

use std::collections::BTreeMap;

use super::findings::FaultFinding;
use super::rebalance::fault_at;
use super::timeline::Timeline;
use crate::model::report::Violation;
use crate::verdict::stream::{Sight, Sighting};

/// The first of each kind, kind by kind, each by time.
pub(super) fn violations(
    timeline: &Timeline,
    sightings: &BTreeMap<&'static str, Vec<Sighting>>,
    faults: &[FaultFinding],
) -> Vec<Violation> {
    let tell = |sighting: &Sighting| {
        let Sight { at, author, partition, key, key_seq, stream_seq, epoch } = sighting.sight;
        let of_message = key_seq > 0;
        Violation {
            kind: sighting.kind.to_owned(),
            promised: sighting.promised,
            at_ms: timeline.ms(at),
            partition,
            key: of_message.then_some(key),
            key_seq: of_message.then_some(key_seq),
            stream_seq: (stream_seq > 0).then_some(stream_seq),
            members: vec![if sighting.kind == "lost" { author.member() } else { author.to_string() }],
            epochs: if sighting.kind == "lost" { Vec::new() } else { vec![epoch] },
            distance: (sighting.distance > 0).then_some(sighting.distance.into()),
            fault: fault_at(faults, at),
            story: sighting.to_string(),
        }
    };
    let by_time = |of_kind: &Vec<Sighting>| {
        let mut of_kind = of_kind.clone();
        of_kind.sort_by_key(|sighting| sighting.sight.at);
        of_kind
    };
    let judged = |(kind, _): &(&&'static str, &Vec<Sighting>)| **kind != "lost" || timeline.reached_end_of_drain();
    sightings
        .iter()
        .filter(judged)
        .map(|(_, of_kind)| of_kind)
        .flat_map(by_time)
        .map(|sighting| tell(&sighting))
        .collect()
}

/// What a report of what was followed cannot have.
pub(super) fn notes(surprises: u64, cut: u64, crowded: bool, has_bank: bool) -> Vec<String> {
    let mut notes = vec![
        "this report was added up while the run went on, so evidence that was verified may be gone; it has no explanations: `jetlag explain` tells what the evidence that is left shows".to_owned(),
    ];
    if surprises > 0 {
        notes
            .push(format!("{surprises} × evidence came later than it should: counts of order may be wrong by as much"));
    }
    if cut > 0 {
        notes.push(format!(
            "the windows of {cut} faults were not followed up to the next fault: what came of them after two minutes, or in a rush of messages sooner, is not told"
        ));
    }
    if crowded {
        notes.push("messages waited in so great a number that some were put away before it was known how their wait ended: silences around that time may be told too long or too short".to_owned());
    }
    if has_bank {
        notes.push("the accounts are not audited in a run that is followed".to_owned());
    }
    notes
}
