//! Throughput: rates over the measure phase.

use super::Metric;
use crate::model::reading::{Better, Scope};

/// The family.
pub(super) const METRICS: &[Metric] = &[
    Metric {
        id: "ordered_per_s",
        unit: "msg/s",
        better: Better::Higher,
        about: "handlings with the verdict in_order that ended in the measure phase, a second: the headline",
        read: |found, pen| {
            pen.value(Scope::Run, found.flow.ordered_per_s, found.flow.ordered);
        },
    },
    Metric {
        id: "handled_per_s",
        unit: "msg/s",
        better: Better::Higher,
        about: "handlings that ended with success in the measure phase, a second, repeats included",
        read: |found, pen| {
            pen.value(Scope::Run, found.flow.handled_per_s, found.flow.handled);
        },
    },
    Metric {
        id: "stored_per_s",
        unit: "msg/s",
        better: Better::Higher,
        about: "messages whose storage was confirmed in the measure phase, a second",
        read: |found, pen| {
            pen.value(Scope::Run, found.flow.stored_per_s, found.flow.stored);
        },
    },
    Metric {
        id: "offered_per_s",
        unit: "msg/s",
        better: Better::None,
        about: "messages that the schedule wanted sent in the measure phase, a second; in a closed loop those sent",
        read: |found, pen| {
            pen.value(Scope::Run, found.flow.offered_per_s, found.flow.offered);
        },
    },
];
