//! Every hazard is planted and caught, and its near miss is not.

use super::{ALL, document};
use crate::analysis;
use crate::metric::report;
use crate::model::explanation::{Explanation, View};
use crate::model::history::History;
use crate::model::manifest::Confirmation;
use crate::model::record::{Fate, Finish, OwnershipChange, Reach};
use crate::model::story::StoryEvent;
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::scenario::{Scenario, ms};

/// One row of the table: what is planted, and what only looks like it.
struct Row {
    hazard: &'static str,
    planted: fn() -> History,
    near_miss: fn() -> History,
}

const ROWS: &[Row] = &[
    Row {
        hazard: "first_out_of_order",
        planted: || handled(3, &[1, 3, 2]),
        near_miss: || {
            let mut scenario = Scenario::new(1, 2);
            for (key, seq) in [(0, 1), (1, 1), (0, 2), (1, 2)] {
                scenario.stored(key, seq, ms(seq.into()));
            }
            for (at, (key, seq)) in (100..).zip([(0, 1), (0, 2), (1, 1), (1, 2)]) {
                scenario.handled(0, key, seq, ms(at));
            }
            over(scenario)
        },
    },
    Row {
        hazard: "late_hole",
        planted: || handled(4, &[1, 3, 4, 2]),
        near_miss: || {
            let mut scenario = Scenario::new(1, 1);
            for (seq, stream_seq) in [(1, 1), (2, 3), (3, 2)] {
                scenario.publish(0, seq, ms(seq.into()), Fate::Stored { at: ms(10), stream_seq, duplicate: false });
            }
            for (at, seq) in (100..).zip([1, 3, 2]) {
                scenario.handled(0, 0, seq, ms(at));
            }
            over(scenario)
        },
    },
    Row {
        hazard: "epoch_rewind",
        planted: || in_epochs(4, &[(1, 1), (1, 2), (1, 3), (1, 2), (1, 3)]),
        near_miss: || {
            let mut scenario = stream(2);
            grant(&mut scenario, 0, 1, ms(50));
            for (at, ok) in [(100, false), (101, false), (102, true)] {
                let finish = Finish { at: ms(at) + SpanNs(1_000), ok };
                scenario.handling(0, 0, 1, ms(at), Some(finish)).epoch = 1;
            }
            scenario.handled(0, 0, 2, ms(103)).epoch = 1;
            over(scenario)
        },
    },
    Row {
        hazard: "bad_rewind",
        planted: || in_epochs(5, &[(1, 1), (1, 2), (1, 3), (2, 1), (2, 3), (2, 4), (2, 5)]),
        near_miss: || in_epochs(5, &[(1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (2, 4), (2, 5)]),
    },
    Row {
        hazard: "late_duplicate",
        planted: || handled(4, &[1, 2, 3, 1, 4]),
        near_miss: || handled(4, &[1, 2, 3, 1, 2, 3, 4]),
    },
    Row {
        hazard: "delivery_gap",
        planted: || delivered(&[(1, 1, 1), (1, 2, 2), (1, 4, 3)]),
        near_miss: || delivered(&[(1, 1, 1), (1, 2, 2), (2, 1, 3)]),
    },
    Row { hazard: "dual_owner", planted: || owners(ms(200), ms(150)), near_miss: || owners(ms(150), ms(150)) },
    Row {
        hazard: "overlap",
        planted: || beside(ms(100) + SpanNs(50_000)),
        near_miss: || beside(ms(100) + SpanNs(100_000)),
    },
    Row { hazard: "zombie_start", planted: || superseded(ms(161)), near_miss: || superseded(ms(149)) },
    Row {
        hazard: "stale_write",
        planted: || acknowledged(ms(161)),
        // Begun in time; only its confirmation came after the grant.
        near_miss: || acknowledged(ms(149)),
    },
    Row { hazard: "ghost_delivery", planted: || superseded(ms(161)), near_miss: || superseded(ms(149)) },
    Row {
        hazard: "lost",
        planted: || handled(3, &[1, 2]),
        near_miss: || {
            let mut scenario = stream(2);
            scenario.publish(0, 3, ms(3), Fate::Unknown);
            scenario.handled(0, 0, 1, ms(100));
            scenario.handled(0, 0, 2, ms(101));
            over(scenario)
        },
    },
    Row { hazard: "commit_ahead", planted: || committed(ms(101)), near_miss: || committed(ms(103)) },
    Row { hazard: "given_up", planted: || given_up(&[1, 3]), near_miss: || given_up(&[1, 2, 3]) },
    Row { hazard: "skipped_start", planted: || opened(3), near_miss: || opened(2) },
    Row {
        hazard: "replay",
        planted: || in_epochs(3, &[(1, 1), (1, 2), (2, 2), (2, 3)]),
        near_miss: || {
            let mut scenario = stream(2);
            scenario.publish(0, 1, ms(5), Fate::Stored { at: ms(6), stream_seq: 3, duplicate: false });
            scenario.handled(0, 0, 1, ms(100));
            scenario.handled(0, 0, 2, ms(101));
            scenario.handled(0, 0, 1, ms(102)).stream_seq = 3;
            over(scenario)
        },
    },
    Row {
        hazard: "publish_reordered",
        planted: || published(&[(0, 1, 2), (0, 2, 1)]),
        near_miss: || published(&[(0, 1, 2), (1, 1, 1)]),
    },
    Row { hazard: "publish_duplicate", planted: || stored_again(2, false), near_miss: || stored_again(1, true) },
    Row { hazard: "misrouted", planted: || routed(1), near_miss: || routed(0) },
    Row { hazard: "orphan", planted: || unowned(ms(9_000)), near_miss: || unowned(ms(4_000)) },
    Row {
        hazard: "stall",
        planted: || waited(ms(9_000)),
        // Nothing waits: it was handled at once, and then came nothing.
        near_miss: || waited(ms(2)),
    },
    Row { hazard: "flap", planted: || moved(&[0, 1]), near_miss: || moved(&[]) },
];

#[test]
fn every_hazard_is_planted_and_caught_and_its_near_miss_is_silent() {
    let planted: Vec<&str> = ROWS.iter().map(|row| row.hazard).collect();
    assert_eq!(planted, ALL.iter().map(|hazard| hazard.id).collect::<Vec<_>>(), "a row for each, in order");
    for row in ROWS {
        let count = |history: &History| {
            let report = report(history);
            let hazard = report.hazards.iter().find(|found| found.id == row.hazard).expect("it is in the list");
            hazard.count.unwrap_or(0)
        };
        assert!(count(&(row.planted)()) > 0, "{} was planted and is not caught", row.hazard);
        assert_eq!(count(&(row.near_miss)()), 0, "{}: the near miss is caught", row.hazard);
    }
}

#[test]
fn what_is_counted_has_its_evidence() {
    // Of a replay, of what was given up, and of moves there is nothing to show beyond the count.
    for row in ROWS.iter().filter(|row| !["replay", "given_up", "flap", "misrouted"].contains(&row.hazard)) {
        let report = report(&(row.planted)());
        let hazard = report.hazards.iter().find(|found| found.id == row.hazard).expect("it is in the list");
        let shown = report.violations.iter().any(|violation| hazard.metrics.contains(&violation.kind));
        assert!(shown, "{}: no evidence", row.hazard);
    }
}

#[test]
fn what_is_shown_can_be_explained() {
    // What must be in the words, beside the story that the report has anyway.
    let words = [
        ("first_out_of_order", "skipped", "while message 2 had not been handled"),
        ("late_hole", "late", "when its key had got to message 4"),
        ("late_duplicate", "regressed", "the next of its key was message 4"),
        ("epoch_rewind", "epoch_rewind", "had come to stream sequence 3"),
        ("bad_rewind", "bad_rewind", "It left out message 2 at 2"),
        ("delivery_gap", "delivery_gap", "1 delivery in between never came"),
        ("dual_owner", "dual_ownership", "its deadline passed"),
        ("overlap", "overlap", "in between"),
        ("zombie_start", "stale_handling", "was over when epoch 2 was granted to c1.1"),
        ("stale_write", "stale_commit", "it knows nothing of epochs"),
        ("ghost_delivery", "ghost_delivery", "after that"),
        ("lost", "lost", "nobody ever began it"),
        ("commit_ahead", "commit_ahead", "after that; a crash in between would have lost it"),
        ("skipped_start", "skipped_start", "had not been handled by then"),
        ("publish_reordered", "publish_reordered", "the stream holds the later one at 1 and this one at 2"),
        ("publish_duplicate", "duplicate_stored", "The stream holds it at 1 and 2"),
        ("orphan", "orphaned", "did not renew before its deadline"),
        ("stall", "stalled", "waited from then on"),
    ];
    let view = View { around_ms: Some(2_000.0), events_max: Some(60) };
    for (hazard, kind, expected) in words {
        let row = ROWS.iter().find(|row| row.hazard == hazard).expect("it is in the table");
        let history = (row.planted)();
        let violations = report(&history).violations;
        let at = violations.iter().position(|it| it.kind == kind).expect("it was planted") as u32;
        let explanation = analysis::explain(&history, &violations, at + 1, view).expect("it is in the list");
        let told = explanation.told.join(" ");
        assert!(told.contains(expected), "{hazard}: {told}");
        assert!(!told.contains("tells no more"), "{hazard}: {told}");
        assert!(explanation.events.is_sorted_by(|one, other| one.at_ms <= other.at_ms), "{hazard}");
        assert!(explanation.events.iter().any(|event| event.offset_ms.abs() < 5.0), "{hazard}: nothing stands near it");
    }
    for row in ROWS {
        let history = (row.planted)();
        let violations = report(&history).violations;
        for number in 1..=violations.len() as u32 {
            let all = View { around_ms: None, events_max: None };
            let explanation = analysis::explain(&history, &violations, number, all).expect("it is in the list");
            assert!(!explanation.told.is_empty());
            assert_eq!(explanation.left_out_after + explanation.events.iter().map(|it| it.left_out).sum::<u64>(), 0);
            let text = serde_json::to_string(&explanation).expect("it is data");
            assert_eq!(serde_json::from_str::<Explanation>(&text).expect("it comes back"), explanation);
        }
        assert_eq!(analysis::explain(&history, &violations, 0, view), None);
        assert_eq!(analysis::explain(&history, &violations, violations.len() as u32 + 1, view), None);
    }
}

#[test]
fn every_hazard_is_counted_by_metrics_that_there_are() {
    for (number, hazard) in (1..).zip(ALL) {
        assert_eq!(hazard.number, number);
        assert!(hazard.metrics.iter().all(|metric| crate::metric::find(metric).is_some()), "{}", hazard.id);
        assert!(document().contains(&format!("`{}`", hazard.id)));
    }
}

/// The history of a scenario that went through all phases: measured from the start, ten seconds long.
fn over(scenario: Scenario) -> History {
    scenario.told(2, ms(9_900), ms(10_000))
}

/// `count` messages of key 0, stored a millisecond apart.
fn stream(count: u32) -> Scenario {
    let mut scenario = Scenario::new(1, 1);
    for seq in 1..=count {
        scenario.stored(0, seq, ms(seq.into()));
    }
    scenario
}

fn handled(stored: u32, seqs: &[u32]) -> History {
    let mut scenario = stream(stored);
    for (at, &seq) in (100..).zip(seqs) {
        scenario.handled(0, 0, seq, ms(at));
    }
    over(scenario)
}

fn grant(scenario: &mut Scenario, member: u16, epoch: u32, at: MonoNs) {
    scenario.own(member, 0, epoch, at, OwnershipChange::Granted { deadline: ms(20_000) });
}

/// (epoch, message) in the order in which they were handled; epoch e belongs to member e − 1.
fn in_epochs(stored: u32, steps: &[(u32, u32)]) -> History {
    let mut scenario = stream(stored);
    for (at, &(epoch, seq)) in (100..).zip(steps) {
        scenario.handled((epoch - 1) as u16, 0, seq, ms(at)).epoch = epoch;
    }
    over(scenario)
}

/// (epoch, consumer sequence, message).
fn delivered(steps: &[(u32, u32, u32)]) -> History {
    let mut scenario = stream(3);
    for (at, &(epoch, consumer_seq, seq)) in (100..).zip(steps) {
        let handling = scenario.handled(0, 0, seq, ms(at));
        (handling.epoch, handling.consumer_seq) = (epoch, consumer_seq);
    }
    over(scenario)
}

/// Member 0 believes up to `deadline`, member 1 from `takeover` on.
fn owners(deadline: MonoNs, takeover: MonoNs) -> History {
    let mut scenario = stream(1);
    scenario.own(0, 0, 1, ms(10), OwnershipChange::Granted { deadline });
    grant(&mut scenario, 1, 2, takeover);
    over(scenario)
}

/// Member 0 handles from 100 ms on for 100 µs, member 1 begins at `second`.
fn beside(second: MonoNs) -> History {
    let mut scenario = stream(2);
    scenario.handled(0, 0, 1, ms(100));
    scenario.handled(1, 0, 2, second);
    over(scenario)
}

/// Member 1 is granted the partition at 150 ms; member 0, whose epoch is over then, begins a message at `begun`.
fn superseded(begun: MonoNs) -> History {
    over(zombie(begun))
}

fn zombie(begun: MonoNs) -> Scenario {
    let mut scenario = stream(2);
    scenario.own(0, 0, 1, ms(10), OwnershipChange::Granted { deadline: ms(150) });
    grant(&mut scenario, 1, 2, ms(150));
    scenario.handled(0, 0, 1, begun).epoch = 1;
    scenario.handled(1, 0, 2, ms(170)).epoch = 2;
    scenario
}

/// The same, and the server confirms the commit of that message afterwards.
fn acknowledged(begun: MonoNs) -> History {
    let mut scenario = zombie(begun);
    scenario.commit(0, 0, 1, Reach::Exact, ms(165));
    over(scenario)
}

/// The third message is handled at 102 ms, and a commit up to it is confirmed at `at`.
fn committed(at: MonoNs) -> History {
    let mut scenario = stream(3);
    for (at, seq) in (100..).zip(1..=3) {
        scenario.handled(0, 0, seq, ms(at));
    }
    scenario.commit(0, 0, 3, Reach::UpTo, at);
    over(scenario)
}

/// The server gives up message 2.
fn given_up(seqs: &[u32]) -> History {
    let mut scenario = stream(3);
    for (at, &seq) in (100..).zip(seqs) {
        scenario.handled(0, 0, seq, ms(at));
    }
    scenario.tell(ms(120), StoryEvent::Dropped { stream_seq: 2, deliveries: 5 });
    over(scenario)
}

/// Message 1 is handled; then a consumer is opened at `start_seq`, and the rest is handled in its epoch.
fn opened(start_seq: u64) -> History {
    let mut scenario = stream(3);
    scenario.handled(0, 0, 1, ms(100)).epoch = 1;
    grant(&mut scenario, 1, 2, ms(110));
    scenario.own(1, 0, 2, ms(111), OwnershipChange::Opened { start_seq });
    scenario.handled(1, 0, 2, ms(112)).epoch = 2;
    scenario.handled(1, 0, 3, ms(113)).epoch = 2;
    over(scenario)
}

/// (key, its sequence, stream sequence).
fn published(messages: &[(u32, u32, u64)]) -> History {
    let mut scenario = Scenario::new(1, 2);
    for (at, &(key, seq, stream_seq)) in (1..).zip(messages) {
        scenario.publish(key, seq, ms(at), Fate::Stored { at: ms(10), stream_seq, duplicate: false });
    }
    over(scenario)
}

/// Message 1 is published again, and stored at `stream_seq`.
fn stored_again(stream_seq: u64, duplicate: bool) -> History {
    let mut scenario = stream(1);
    scenario.history.manifest.confirmation = Confirmation::Stored;
    scenario.publish(0, 1, ms(5), Fate::Stored { at: ms(6), stream_seq, duplicate });
    over(scenario)
}

/// Key 0 of two partitions is handled in `partition`; it belongs into 0.
fn routed(partition: u16) -> History {
    let mut scenario = Scenario::new(2, 2);
    for key in [0, 1] {
        scenario.stored(key, 1, ms(1));
    }
    scenario.handled(0, 0, 1, ms(100)).partition = partition;
    scenario.handled(0, 1, 1, ms(101));
    over(scenario)
}

/// The partition belongs to somebody at first, and then again from `again` on.
fn unowned(again: MonoNs) -> History {
    let mut scenario = stream(1);
    scenario.own(0, 0, 1, ms(0), OwnershipChange::Granted { deadline: ms(100) });
    grant(&mut scenario, 1, 2, again);
    over(scenario)
}

/// A message stored at 1 ms is handled at `begun`.
fn waited(begun: MonoNs) -> History {
    let mut scenario = stream(1);
    scenario.handled(0, 0, 1, begun);
    over(scenario)
}

/// Two members own two partitions each; the first is killed at 1 s and the second takes its partitions. It may give them back and
/// take them from a third that nobody asked: `detours` of them.
fn moved(detours: &[u16]) -> History {
    let mut scenario = Scenario::new(4, 4);
    let far = OwnershipChange::Granted { deadline: ms(20_000) };
    for (partition, member) in [(0, 0), (1, 0), (2, 1), (3, 1)] {
        scenario.own(member, partition, 1, ms(10), far);
    }
    let struck = vec!["c0.1".to_owned()];
    scenario.tell(ms(1_000), StoryEvent::Fault { id: 0, kind: "kill".into(), target: "c0".into(), struck });
    for partition in [0, 1] {
        scenario.own(1, partition, 2, ms(1_100), far);
    }
    for &partition in detours {
        scenario.own(1, partition + 2, 1, ms(1_200), OwnershipChange::Released);
        scenario.own(2, partition + 2, 2, ms(1_200), far);
    }
    scenario.told(2 + u16::from(!detours.is_empty()), ms(9_900), ms(10_000))
}
