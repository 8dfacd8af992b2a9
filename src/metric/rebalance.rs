//! Rebalance: what each fault cost, one scope a fault and one a kind. Kinds are never pooled.

use super::Metric;
use super::Pen;
use crate::analysis::{FaultFinding, Findings, PartitionFinding, quantile};
use crate::model::reading::{Better, Scope, Stat};
use crate::model::time::SpanNs;

/// The family.
pub(super) const METRICS: &[Metric] = &[
    Metric {
        id: "gap",
        unit: "ms",
        better: Better::Lower,
        about: "longest silence of an affected partition in the window of the fault",
        read: |found, pen| {
            gaps(found, pen, true, |p| p.gap);
        },
    },
    Metric {
        id: "gap_bystander",
        unit: "ms",
        better: Better::Lower,
        about: "the same of partitions that the fault did not affect",
        read: |found, pen| {
            gaps(found, pen, false, |p| p.gap);
        },
    },
    Metric {
        id: "gap_before",
        unit: "ms",
        better: Better::None,
        about: "the same of affected partitions in the window before the fault: what is noise",
        read: |found, pen| {
            gaps(found, pen, true, |p| p.gap_before);
        },
    },
    Metric {
        id: "gap_bystander_before",
        unit: "ms",
        better: Better::None,
        about: "the same of bystanders in the window before the fault",
        read: |found, pen| {
            gaps(found, pen, false, |p| p.gap_before);
        },
    },
    Metric {
        id: "gap_bystander_excess",
        unit: "ms",
        better: Better::Lower,
        about: "how far the bystanders' p99 is above their greatest before; up to schedule_lag p99 it is noise",
        read: |found, pen| {
            bystander_excess(found, pen);
        },
    },
    Metric {
        id: "outage",
        unit: "ms",
        better: Better::Lower,
        about: "faults of servers: longest stretch with an offered message waiting, stored or not, and nothing new handled",
        read: |found, pen| {
            outages(found, pen);
        },
    },
    Metric {
        id: "arrival_interval",
        unit: "ms",
        better: Better::None,
        about: "mean interval between arrivals of an affected partition in the window",
        read: |found, pen| {
            gaps(found, pen, true, |p| p.arrival_interval);
        },
    },
    Metric {
        id: "detect",
        unit: "ms",
        better: Better::Lower,
        about: "fault to the first record that the owner is gone",
        read: |found, pen| {
            gaps(found, pen, true, |p| p.phases?.detect);
        },
    },
    Metric {
        id: "claim",
        unit: "ms",
        better: Better::Lower,
        about: "from there to the new grant",
        read: |found, pen| {
            gaps(found, pen, true, |p| p.phases?.claim);
        },
    },
    Metric {
        id: "resume",
        unit: "ms",
        better: Better::Lower,
        about: "from there to the first delivery received",
        read: |found, pen| {
            gaps(found, pen, true, |p| p.phases?.resume);
        },
    },
    Metric {
        id: "first_handled",
        unit: "ms",
        better: Better::Lower,
        about: "from there to the start of the first never-handled message",
        read: |found, pen| {
            gaps(found, pen, true, |p| p.phases?.first_handled);
        },
    },
    Metric {
        id: "converged",
        unit: "ms",
        better: Better::Lower,
        about: "fault to every partition owned by a working member and the numbers even to one",
        read: |found, pen| {
            once(found, pen, |fault| fault.converged);
        },
    },
    Metric {
        id: "catch_up",
        unit: "ms",
        better: Better::Lower,
        about: "fault to backlog back at its level",
        read: |found, pen| {
            once(found, pen, |fault| fault.catch_up);
        },
    },
    Metric {
        id: "stranded",
        unit: "ms",
        better: Better::Lower,
        about: "fault to the last message that was in flight then is handled",
        read: |found, pen| {
            once(found, pen, |fault| fault.stranded);
        },
    },
    Metric {
        id: "stranded_messages",
        unit: "count",
        better: Better::Lower,
        about: "messages in flight when the fault struck",
        read: |found, pen| {
            counts(found, pen, |fault| Some(fault.stranded_messages));
        },
    },
    Metric {
        id: "stranded_unhandled",
        unit: "count",
        better: Better::Lower,
        about: "of these, messages never handled by the end of the evidence",
        read: |found, pen| {
            counts(found, pen, |fault| Some(fault.stranded_unhandled));
        },
    },
    Metric {
        id: "moved",
        unit: "count",
        better: Better::Lower,
        about: "partitions that changed owner",
        read: |found, pen| {
            counts(found, pen, |fault| fault.moved);
        },
    },
    Metric {
        id: "moved_least",
        unit: "count",
        better: Better::None,
        about: "the least number of partitions that had to change owner",
        read: |found, pen| {
            counts(found, pen, |fault| fault.moved_least);
        },
    },
    Metric {
        id: "takeover_redelivered",
        unit: "count",
        better: Better::Lower,
        about: "repeated handlings in affected partitions in the window",
        read: |found, pen| {
            counts(found, pen, |fault| Some(fault.takeover_redelivered));
        },
    },
];

/// The faults, each by itself, then together by kind.
fn scopes(found: &Findings) -> impl Iterator<Item = (Scope, Vec<&FaultFinding>)> {
    let mut kinds: Vec<&str> = found.faults.iter().map(|fault| fault.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let each = found.faults.iter().map(|fault| (Scope::Fault(fault.id), vec![fault]));
    let by_kind = kinds.into_iter().map(|kind| {
        let faults = found.faults.iter().filter(|fault| fault.kind == kind).collect();
        (Scope::FaultKind(kind.to_owned()), faults)
    });
    each.chain(by_kind)
}

/// A span a partition: p50, p99, max over the affected ones or the bystanders.
fn gaps(found: &Findings, pen: &mut Pen<'_>, affected: bool, span: fn(&PartitionFinding) -> Option<SpanNs>) {
    for (scope, faults) in scopes(found) {
        let partitions = faults.iter().flat_map(|fault| &fault.partitions);
        let spans = partitions.filter(|partition| partition.affected == affected).filter_map(span).collect();
        pen.spans(&scope, spans, faults.iter().any(|fault| fault.censored));
    }
}

/// Outages: p50, p99, max over the partitions, for faults of servers only.
fn outages(found: &Findings, pen: &mut Pen<'_>) {
    for (scope, faults) in scopes(found) {
        let partitions = faults.iter().flat_map(|fault| &fault.partitions);
        let spans: Vec<SpanNs> = partitions.filter_map(|partition| partition.outage).collect();
        if !spans.is_empty() {
            pen.spans(&scope, spans, faults.iter().any(|fault| fault.censored));
        }
    }
}

/// p99 of the bystanders' gaps less their greatest before, not below 0; absent when either was not observed.
fn bystander_excess(found: &Findings, pen: &mut Pen<'_>) {
    for (scope, faults) in scopes(found) {
        let bystanders = || faults.iter().flat_map(|fault| &fault.partitions).filter(|partition| !partition.affected);
        let mut gaps: Vec<SpanNs> = bystanders().filter_map(|partition| partition.gap).collect();
        gaps.sort_unstable();
        let before = bystanders().filter_map(|partition| partition.gap_before).max();
        let excess = quantile(&gaps, 0.99).zip(before).map(|(p99, before)| p99.0.saturating_sub(before.0));
        let censored = faults.iter().any(|fault| fault.censored);
        pen.value(scope, excess.map(|ns| SpanNs(ns).as_ms()), gaps.len() as u64).censored = censored;
    }
}

/// A span a fault: its value for a fault, p50, p99, max for a kind.
fn once(found: &Findings, pen: &mut Pen<'_>, span: fn(&FaultFinding) -> Option<SpanNs>) {
    for (scope, faults) in scopes(found) {
        let censored = faults.iter().any(|fault| fault.censored);
        let spans: Vec<SpanNs> = faults.iter().copied().filter_map(span).collect();
        if let Scope::Fault(_) = scope {
            let n = spans.len() as u64;
            pen.value(scope, spans.first().map(|span| span.as_ms()), n).censored = censored;
        } else {
            pen.spans(&scope, spans, censored);
        }
    }
}

/// A number a fault: its value for a fault, the sum for a kind; absent when the strategy has no such number.
fn counts(found: &Findings, pen: &mut Pen<'_>, count: fn(&FaultFinding) -> Option<u64>) {
    for (scope, faults) in scopes(found) {
        let counted: Vec<u64> = faults.iter().copied().filter_map(count).collect();
        let sum = (!counted.is_empty()).then(|| counted.iter().sum::<u64>() as f64);
        pen.write(scope, Stat::Count, sum, counted.len() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{planted, study};
    use crate::metric::find;
    use crate::model::reading::Reading;

    fn read(found: &Findings, metric: &str) -> Vec<Reading> {
        let mut readings = Vec::new();
        let metric = find(metric).expect("it is listed");
        (metric.read)(found, &mut Pen::new(metric, &mut readings));
        readings
    }

    #[test]
    fn a_bystander_shows_what_it_suffered_beyond_the_noise_before() {
        let mut found = study(&planted::killed());
        let excess = |found: &Findings| read(found, "gap_bystander_excess").iter().map(|r| r.value).collect::<Vec<_>>();
        // One for the fault, one for its kind. The silences of the affected one do not count.
        assert_eq!(excess(&found), [Some(0.0), Some(0.0)]);
        found.faults[0].partitions[1].gap = Some(SpanNs(5_800_000));
        assert_eq!(excess(&found), [Some(5.0), Some(5.0)], "0.8 ms of it was there before");
        found.faults[0].partitions[1].gap = Some(SpanNs(1));
        assert_eq!(excess(&found), [Some(0.0), Some(0.0)], "calmer than before is no excess");
        found.faults[0].partitions[1].gap_before = None;
        assert_eq!(excess(&found), [None, None], "nothing to compare with");
    }

    #[test]
    fn kinds_are_compared_with_their_own_before() {
        let mut found = study(&planted::killed());
        let mut leave = found.faults[0].clone();
        (leave.id, leave.kind) = (1, "leave".to_owned());
        leave.partitions[1].gap_before = Some(SpanNs(50_000_000));
        found.faults[0].partitions[1].gap = Some(SpanNs(20_800_000));
        found.faults.push(leave);
        let kinds = read(&found, "gap_bystander_excess").into_iter().filter_map(|reading| match reading.scope {
            Scope::FaultKind(kind) => Some((kind, reading.value)),
            _ => None,
        });
        let expected = [("kill".to_owned(), Some(20.0)), ("leave".to_owned(), Some(0.0))];
        assert_eq!(kinds.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_stayed_stranded_is_a_reading() {
        let mut found = study(&planted::killed());
        found.faults[0].stranded_unhandled = 3;
        let values: Vec<_> = read(&found, "stranded_unhandled").iter().map(|reading| reading.value).collect();
        assert_eq!(values, [Some(3.0), Some(3.0)]);
    }
}
