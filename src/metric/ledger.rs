//! The ledger: accounts of messages and handlings over all phases.

use super::Metric;
use super::Pen;
use crate::analysis::Findings;
use crate::model::reading::{Better, Scope, Stat};

/// The family.
pub(super) const METRICS: &[Metric] = &[
    Metric {
        id: "attempted",
        unit: "count",
        better: Better::None,
        about: "messages handed to the connection",
        read: |found, pen| {
            pen.count(Scope::Run, found.publisher.attempted, found.publisher.attempted);
        },
    },
    Metric {
        id: "stored",
        unit: "count",
        better: Better::None,
        about: "messages whose storage was confirmed",
        read: |found, pen| {
            pen.count(Scope::Run, found.publisher.stored, found.publisher.attempted);
        },
    },
    Metric {
        id: "failed",
        unit: "count",
        better: Better::Lower,
        about: "messages known not to be stored",
        read: |found, pen| {
            pen.count(Scope::Run, found.publisher.failed, found.publisher.attempted);
        },
    },
    Metric {
        id: "unknown",
        unit: "count",
        better: Better::Lower,
        about: "messages cut off before an answer and never seen again",
        read: |found, pen| {
            pen.count(Scope::Run, found.publisher.unknown, found.publisher.attempted);
        },
    },
    Metric {
        id: "surfaced",
        unit: "count",
        better: Better::None,
        about: "messages cut off before an answer and found stored",
        read: |found, pen| {
            pen.count(Scope::Run, found.publisher.surfaced, found.publisher.attempted);
        },
    },
    Metric {
        id: "forgotten_by_server",
        unit: "count",
        better: Better::Lower,
        about: "repeats of acknowledged messages that a server had confirmed and forgot when its process ended: charged to the server",
        read: |found, pen| {
            // Only a run whose server ended has anything to say about it.
            let is_end = |name: &&String| name.starts_with("server");
            let struck = found.faults.iter().filter(|fault| fault.kind != "step-down" && fault.kind != "server-pause");
            if found.forgotten_by_server > 0 || struck.flat_map(|fault| &fault.struck).any(|name| is_end(&name)) {
                pen.count(Scope::Run, found.forgotten_by_server, found.handled);
            }
        },
    },
    Metric {
        id: "lost_by_server",
        unit: "count",
        better: Better::Lower,
        about: "stored, and not in the stream when it was read back: charged to the server, never to the strategy; absent when it was not read",
        read: |found, pen| {
            if let Some(lost) = found.lost_by_server {
                pen.count(Scope::Run, lost, stored(found));
            }
        },
    },
    Metric {
        id: "duplicate_stored",
        unit: "count",
        better: Better::Lower,
        about: "second stored copies of a message: charged to the publisher or the server",
        read: |found, pen| {
            pen.count(Scope::Run, found.publisher.duplicate_stored, found.publisher.attempted);
        },
    },
    Metric {
        id: "publish_reordered",
        unit: "count",
        better: Better::Lower,
        about: "messages that stand in the stream behind a later one of their key: charged to the publisher or the server",
        read: |found, pen| {
            pen.count(Scope::Run, found.publisher.publish_reordered, found.publisher.attempted);
        },
    },
    Metric {
        id: "handled",
        unit: "count",
        better: Better::None,
        about: "handlings that ended with success, repeats included",
        read: |found, pen| {
            pen.count(Scope::Run, found.handled, found.handled);
            for (member, handled) in &found.handled_by_member {
                pen.count(Scope::Member(member.clone()), *handled, found.handled);
            }
        },
    },
    Metric {
        id: "aborted",
        unit: "count",
        better: Better::None,
        about: "starts without success: the handler failed or its member died",
        read: |found, pen| {
            pen.count(Scope::Run, found.aborted, found.handled);
        },
    },
    Metric {
        id: "phantom",
        unit: "count",
        better: Better::Lower,
        about: "handlings of messages that nobody published in this run, or that are not intact",
        read: |found, pen| {
            pen.count(Scope::Run, found.phantom, found.handled);
        },
    },
    Metric {
        id: "extra_copy",
        unit: "count",
        better: Better::None,
        about: "repeats that a second stored copy caused",
        read: |found, pen| {
            pen.count(Scope::Run, found.extra_copies, found.handled);
        },
    },
    Metric {
        id: "misrouted",
        unit: "count",
        better: Better::Lower,
        about: "handlings in a partition that is not the one the key hashes to",
        read: |found, pen| {
            pen.count(Scope::Run, found.misrouted, found.handled);
        },
    },
    Metric {
        id: "lost",
        unit: "count",
        better: Better::Lower,
        about: "stored and never handled, and not merely waiting when the drain was cut; absent when the run did not get there",
        read: |found, pen| {
            read_lost(found, pen);
        },
    },
    Metric {
        id: "evicted",
        unit: "count",
        better: Better::Lower,
        about: "stored, and removed by the stream's own limits before anybody had handled it; only where limits may evict",
        read: |found, pen| {
            if let Some(evicted) = found.evicted {
                pen.count(Scope::Run, evicted, stored(found));
            }
        },
    },
    Metric {
        id: "dropped",
        unit: "count",
        better: Better::Lower,
        about: "stored and never handled, because a member gave it up (term) or the server did (max-deliver); absent where it is 0",
        read: |found, pen| {
            if found.dropped > 0 {
                pen.count(Scope::Run, found.dropped, stored(found));
            }
        },
    },
    Metric {
        id: "not_offered",
        unit: "count",
        better: Better::None,
        about: "stored before the place where the consumers begin; absent where it is 0",
        read: |found, pen| {
            if found.not_offered > 0 {
                pen.count(Scope::Run, found.not_offered, stored(found));
            }
        },
    },
    Metric {
        id: "acks_refused",
        unit: "count",
        better: Better::Lower,
        about: "acks that the server had nobody to take, because the consumer was gone or its leader was; absent where it is 0",
        read: |found, pen| {
            if found.acks_refused > 0 {
                pen.count(Scope::Run, found.acks_refused, found.handled);
            }
        },
    },
    Metric {
        id: "unhandled",
        unit: "count",
        better: Better::Lower,
        about: "stored and never handled by the end of the evidence, however it ended, though offered and not dropped",
        read: |found, pen| {
            pen.count(Scope::Run, found.unhandled, stored(found));
        },
    },
];

/// The final set of stored messages.
fn stored(found: &Findings) -> u64 {
    found.publisher.stored + found.publisher.surfaced
}

fn read_lost(found: &Findings, pen: &mut Pen<'_>) {
    let judged = |lost: u64| found.loss_judged.then_some(lost as f64);
    // What still waited when the drain was cut may or may not have been lost in the end.
    let censored = |lost: u64, unhandled: u64| !found.loss_judged || lost < unhandled;
    pen.write(Scope::Run, Stat::Count, judged(found.lost), stored(found)).censored =
        censored(found.lost, found.unhandled);
    for (partition, counts) in
        (0..found.run.partitions).zip(&found.partitions).filter(|(_, counts)| counts.unhandled > 0)
    {
        let scope = Scope::Partition(partition);
        pen.write(scope, Stat::Count, judged(counts.lost), counts.stored).censored =
            censored(counts.lost, counts.unhandled);
    }
}
