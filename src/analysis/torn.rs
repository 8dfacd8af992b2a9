//! Torn evidence: whatever a crash leaves behind is studied without a panic, and nothing grows beyond it.

use proptest::prelude::*;

use super::study;
use crate::model::record::{
    Commit, Fate, Finish, Handling, Life, LifeEvent, Ownership, OwnershipChange, Publish, Reach,
};
use crate::model::story::{Phase, StoryEvent, StoryLine};
use crate::model::time::MonoNs;
use crate::verdict::scenario::{Scenario, us};

/// Mostly an instant of the run, now and then any at all.
fn instant() -> impl Strategy<Value = MonoNs> {
    prop_oneof![8 => (0..2_000_000_u64).prop_map(us), 1 => any::<u64>().prop_map(MonoNs), 1 => Just(MonoNs(u64::MAX))]
}

fn small() -> impl Strategy<Value = u32> {
    prop_oneof![9 => 0..4_u32, 1 => any::<u32>()]
}

fn partition() -> impl Strategy<Value = u16> {
    prop_oneof![9 => 0..3_u16, 1 => any::<u16>()]
}

fn publish() -> impl Strategy<Value = Publish> {
    (small(), small(), partition(), instant(), instant(), instant(), 0..3_u8, any::<u64>()).prop_map(
        |(key, key_seq, partition, intended, sent, at, fate, stream_seq)| Publish {
            key,
            key_seq,
            partition,
            publisher: 0,
            intended,
            possible: intended,
            sent,
            bytes: 1,
            fate: match fate {
                0 => Fate::Unknown,
                1 => Fate::Failed { at },
                _ => Fate::Stored { at, stream_seq: stream_seq % 20, duplicate: false },
            },
        },
    )
}

fn handling() -> impl Strategy<Value = Handling> {
    (small(), small(), partition(), small(), instant(), instant(), any::<(bool, bool, bool)>(), 0..20_u64).prop_map(
        |(key, key_seq, partition, epoch, started, at, (intact, ended, ok), stream_seq)| Handling {
            key,
            key_seq,
            partition,
            publisher: 0,
            epoch,
            stream_seq,
            consumer_seq: 0,
            delivered: 1,
            intact,
            intended: at,
            received: at,
            started,
            finished: ended.then_some(Finish { at, ok }),
        },
    )
}

fn ownership() -> impl Strategy<Value = Ownership> {
    (instant(), partition(), small(), 0..6_u8, instant()).prop_map(|(at, partition, epoch, change, deadline)| {
        let change = match change {
            0 => OwnershipChange::GoneObserved,
            1 | 2 => OwnershipChange::Granted { deadline },
            3 => OwnershipChange::Renewed { deadline },
            4 => OwnershipChange::Released,
            _ => OwnershipChange::Lost,
        };
        Ownership { at, partition, epoch, change }
    })
}

fn commit() -> impl Strategy<Value = Commit> {
    (instant(), partition(), 0..20_u64, any::<bool>()).prop_map(|(at, partition, stream_seq, exact)| {
        let reach = if exact { Reach::Exact } else { Reach::UpTo };
        Commit { at, partition, epoch: 0, stream_seq, reach }
    })
}

fn event() -> impl Strategy<Value = StoryEvent> {
    let process = (0..4_u8).prop_map(|at| ["c0.1", "c1.1", "server-0", "x"][usize::from(at)].to_owned());
    let kind = (0..7_u8)
        .prop_map(|at| ["kill", "pause", "join", "leave", "server-kill", "cut", ""][usize::from(at)].to_owned());
    (process, kind, 0..13_u8, 0..5_u32).prop_map(|(process, kind, event, id)| match event {
        0 => StoryEvent::Phase { phase: Phase::Measure },
        1 => StoryEvent::Phase { phase: Phase::Drain },
        2 => StoryEvent::Spawned { process, pid: 1 },
        3..=5 => StoryEvent::Fault { id, kind, target: String::new(), struck: vec![process] },
        6 => StoryEvent::Resumed { id, process },
        10 => StoryEvent::Healed { id, process },
        11 => StoryEvent::Delivered { id, process },
        12 => StoryEvent::Observed { id, process, what: kind },
        7 => StoryEvent::Exited { process, code: None, signal: None, ordered: id > 0, message: None },
        8 => StoryEvent::Interrupted,
        _ => StoryEvent::Sample { process, cpu_ns: id.into(), memory_bytes: id.into() },
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_evidence_is_studied(
        partitions in 0..4_u16,
        owners in any::<bool>(),
        publishes in prop::collection::vec(publish(), 0..20),
        handlings in prop::collection::vec((0..2_u16, handling()), 0..30),
        ownership in prop::collection::vec((0..2_u16, ownership()), 0..20),
        commits in prop::collection::vec(commit(), 0..5),
        story in prop::collection::vec((instant(), event()), 0..20),
        end in prop::option::of(instant()),
    ) {
        let mut scenario = Scenario::new(1, 3);
        scenario.history.manifest.partitions = partitions;
        scenario.history.manifest.promises.owners = owners;
        scenario.history.journals[0].publishes = publishes;
        for (member, handling) in handlings {
            scenario.member(member).handlings.push(handling);
        }
        for (member, record) in ownership {
            scenario.member(member).ownership.push(record);
        }
        scenario.member(0).commits = commits;
        scenario.member(1).life.push(Life { at: us(1_000), event: LifeEvent::Stopping });
        // The story is a file of its own: it is sane where it is whole, so only its order and its end are disturbed here.
        let believable = |at: MonoNs| MonoNs(at.0.min(us(2_000_000).0));
        for (at, event) in story {
            scenario.tell(believable(at), event);
        }
        if let Some(end) = end {
            scenario.history.story.push(StoryLine { at: believable(end), event: StoryEvent::End });
        }
        let found = study(&scenario.history);
        prop_assert!(found.figures.throughput.len() <= 20);
        prop_assert!(found.figures.backlog.len() <= 3_001);
    }
}
