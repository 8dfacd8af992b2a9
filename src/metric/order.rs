//! Order: the verdicts, by key and by partition, over all phases.

use super::Metric;
use super::Pen;
use crate::analysis::Findings;
use crate::model::reading::{Better, Scope, Stat};

/// The family.
pub(super) const METRICS: &[Metric] = &[
    Metric {
        id: "order_violations",
        unit: "count",
        better: Better::Lower,
        about: "skipped + late + regressed, judged by key: the contract",
        read: |found, pen| {
            read_violations(found, pen);
        },
    },
    Metric {
        id: "order_violations_per_million",
        unit: "count",
        better: Better::Lower,
        about: "order_violations a million handlings",
        read: |found, pen| {
            let handled = found.order.handled();
            let per_million = found.order.violations() as f64 / handled as f64 * 1e6;
            pen.value(Scope::Run, (handled > 0).then_some(per_million), handled);
        },
    },
    Metric {
        id: "order_distance",
        unit: "messages",
        better: Better::Lower,
        about: "greatest distance of a late or regressed handling, or size of a hole",
        read: |found, pen| {
            let n = found.order.violations();
            pen.write(Scope::Run, Stat::Max, (n > 0).then_some(found.order.distance_max as f64), n);
        },
    },
    Metric {
        id: "in_order",
        unit: "count",
        better: Better::None,
        about: "first handlings right behind what had been handled of the key",
        read: |found, pen| {
            pen.count(Scope::Run, found.order.in_order, found.order.handled());
        },
    },
    Metric {
        id: "skipped",
        unit: "count",
        better: Better::Lower,
        about: "first handlings with a hole before them: holes",
        read: |found, pen| {
            pen.count(Scope::Run, found.order.skipped, found.order.handled());
        },
    },
    Metric {
        id: "hole_messages",
        unit: "count",
        better: Better::Lower,
        about: "messages in the holes that skipped counts",
        read: |found, pen| {
            pen.count(Scope::Run, found.order.hole_messages, found.order.handled());
        },
    },
    Metric {
        id: "late",
        unit: "count",
        better: Better::Lower,
        about: "first handlings behind what had been handled of the key",
        read: |found, pen| {
            pen.count(Scope::Run, found.order.late, found.order.handled());
        },
    },
    Metric {
        id: "redelivered",
        unit: "count",
        better: Better::Lower,
        about: "legal repeats: uncommitted, in a contiguous replay",
        read: |found, pen| {
            pen.count(Scope::Run, found.order.redelivered, found.order.handled());
        },
    },
    Metric {
        id: "regressed",
        unit: "count",
        better: Better::Lower,
        about: "repeats of any other kind: state goes backwards",
        read: |found, pen| {
            pen.count(Scope::Run, found.order.regressed, found.order.handled());
        },
    },
    Metric {
        id: "partition_order_violations",
        unit: "count",
        better: Better::Lower,
        about: "order_violations with each partition judged as one sequence: more than the contract asks",
        read: |found, pen| {
            read_partition_violations(found, pen);
        },
    },
];

fn read_violations(found: &Findings, pen: &mut Pen<'_>) {
    pen.count(Scope::Run, found.order.violations(), found.order.handled());
    for (partition, counts) in (0..found.run.partitions).zip(&found.partitions) {
        pen.count(Scope::Partition(partition), counts.by_key.violations(), counts.by_key.handled());
    }
}

fn read_partition_violations(found: &Findings, pen: &mut Pen<'_>) {
    pen.count(Scope::Run, found.partition_order.violations(), found.partition_order.handled());
    for (partition, counts) in (0..found.run.partitions).zip(&found.partitions) {
        let order = counts.by_partition;
        pen.count(Scope::Partition(partition), order.violations(), order.handled());
    }
}
