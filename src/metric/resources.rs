//! Resources: processor and memory by kind of process.

use super::Metric;
use crate::model::reading::{Better, Scope, Stat};

/// The family.
pub(super) const METRICS: &[Metric] = &[
    Metric {
        id: "cpu_per_million",
        unit: "s",
        better: Better::Lower,
        about: "processor time in the measure phase a million messages handled in it",
        read: |found, pen| {
            for of_kind in &found.processes {
                pen.value(
                    Scope::Process(of_kind.kind.to_owned()),
                    of_kind.cpu_s_per_million,
                    found.flow.handled_messages,
                );
            }
        },
    },
    Metric {
        id: "memory_max",
        unit: "MiB",
        better: Better::Lower,
        about: "greatest resident memory of one process of the kind",
        read: |found, pen| {
            for of_kind in &found.processes {
                let memory = of_kind.memory_max_bytes as f64 / f64::from(1 << 20);
                pen.write(Scope::Process(of_kind.kind.to_owned()), Stat::Max, Some(memory), of_kind.processes);
            }
        },
    },
];
