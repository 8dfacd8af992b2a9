//! Latencies: histograms of the messages whose intended instant is in the measure phase.

use super::Metric;
use crate::model::reading::{Better, Scope};

/// The family.
pub(super) const METRICS: &[Metric] = &[
    Metric {
        id: "end_to_end",
        unit: "ms",
        better: Better::Lower,
        about: "finished − intended: from the schedule to the end of the handler",
        read: |found, pen| {
            pen.histogram(&Scope::Run, &found.latencies.end_to_end, found.latencies.censored > 0);
        },
    },
    Metric {
        id: "publish",
        unit: "ms",
        better: Better::Lower,
        about: "stored − intended: from the schedule to confirmed storage",
        read: |found, pen| {
            pen.histogram(&Scope::Run, &found.latencies.publish, false);
        },
    },
    Metric {
        id: "publish_service",
        unit: "ms",
        better: Better::Lower,
        about: "stored − sent: what the server took to confirm storage",
        read: |found, pen| {
            pen.histogram(&Scope::Run, &found.latencies.publish_service, false);
        },
    },
    Metric {
        id: "transit",
        unit: "ms",
        better: Better::Lower,
        about: "received − sent: from the connection of the publisher to the read of the member",
        read: |found, pen| {
            pen.histogram(&Scope::Run, &found.latencies.transit, found.latencies.censored > 0);
        },
    },
    Metric {
        id: "handling",
        unit: "ms",
        better: Better::None,
        about: "finished − started: the handler itself",
        read: |found, pen| {
            pen.histogram(&Scope::Run, &found.latencies.handling, found.latencies.censored > 0);
        },
    },
    Metric {
        id: "schedule_lag",
        unit: "ms",
        better: Better::Lower,
        about: "sent − max(intended, possible): the lateness of the generator itself",
        read: |found, pen| {
            pen.histogram(&Scope::Run, &found.latencies.schedule_lag, false);
        },
    },
    Metric {
        id: "blocked",
        unit: "ms",
        better: Better::Lower,
        about: "the rest of sent − intended: a full window or a stalled server",
        read: |found, pen| {
            pen.histogram(&Scope::Run, &found.latencies.blocked, false);
        },
    },
    Metric {
        id: "censored",
        unit: "count",
        better: Better::Lower,
        about: "messages of the measure phase that were stored and not handled by the end: missing in end_to_end",
        read: |found, pen| {
            pen.count(Scope::Run, found.latencies.censored, found.flow.offered);
        },
    },
];
