//! A generated run for benches of the study: 1,000 keys, 16 partitions, four members, a replay of 50 messages in every
//! thousand of a partition. The same in every build.

use jetlag::model::history::{History, Journal};
use jetlag::model::manifest::{Confirmation, Environment, FORMAT, Manifest};
use jetlag::model::promise::Promises;
use jetlag::model::record::{Author, Commit, Fate, Finish, Handling, Publish, Reach, Role};
use jetlag::model::story::{Phase, StoryEvent, StoryLine};
use jetlag::model::time::{MonoNs, SpanNs};

const KEYS: u32 = 1_000;
const PARTITIONS: u16 = 16;
const MEMBERS: u16 = 4;
const PUBLISHERS: u16 = 2;

/// The evidence of a run of so many messages that went well, with replays.
pub(crate) fn generated(messages: u32) -> History {
    let manifest = Manifest {
        commit_mode: None,
        format: FORMAT,
        run_id: "bench".to_owned(),
        run_tag: 1,
        profile: "bench".to_owned(),
        question: String::new(),
        variant: None,
        strategy: "lease-group".to_owned(),
        promises: Promises { at_least_once: true, order_per_key: true, exclusive: true, owners: true, fenced: false },
        confirmation: Confirmation::Stored,
        command: String::new(),
        seed: 1,
        started_wall: String::new(),
        started_mono: MonoNs(0),
        partitions: PARTITIONS,
        keys: KEYS,
        members: MEMBERS,
        lease_ttl: None,
        rate_per_s: Some(100_000.0),
        bank: None,
        relayed: Vec::new(),
        schedule_lag_limit: SpanNs(5_000_000),
        settings: serde_json::Value::Null,
        environment: Environment::default(),
    };
    let author = |role, index| Journal::new(Author { role, index, life: 1 });
    let mut publishers: Vec<Journal> = (0..PUBLISHERS).map(|index| author(Role::Publisher, index)).collect();
    let mut members: Vec<Journal> = (0..MEMBERS).map(|index| author(Role::Consumer, index)).collect();
    let mut sequences = vec![0_u32; KEYS as usize];
    let mut handled: Vec<Vec<Handling>> = vec![Vec::new(); usize::from(PARTITIONS)];
    // A linear congruential generator: keys come in an order that no cache foresees, the same in every run.
    let mut random = 1_u64;
    for number in 0..messages {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let key = (random >> 33) as u32 % KEYS;
        let partition = (key % u32::from(PARTITIONS)) as u16;
        sequences[key as usize] += 1;
        let key_seq = sequences[key as usize];
        let at = MonoNs(1_000_000 + u64::from(number) * 10_000);
        let stream_seq = u64::from(number) + 1;
        let publisher = (key % u32::from(PUBLISHERS)) as u16;
        let fate = Fate::Stored { at: at + SpanNs(200_000), stream_seq, duplicate: false };
        let publish =
            Publish { key, key_seq, partition, publisher, intended: at, possible: at, sent: at, bytes: 256, fate };
        publishers[usize::from(publisher)].publishes.push(publish);
        let started = at + SpanNs(300_000);
        let handling = Handling {
            key,
            key_seq,
            partition,
            publisher,
            epoch: 1,
            stream_seq,
            consumer_seq: 0,
            delivered: 1,
            intact: true,
            intended: at,
            received: started - SpanNs(5_000),
            started,
            finished: Some(Finish { at: started + SpanNs(2_000), ok: true }),
        };
        let member = &mut members[usize::from(partition % MEMBERS)];
        let of_partition = &mut handled[usize::from(partition)];
        member.handlings.push(handling);
        of_partition.push(handling);
        if of_partition.len().is_multiple_of(1_000) {
            for (step, replayed) in (1..).zip(of_partition.iter().rev().take(50).rev()) {
                let mut again = *replayed;
                again.started = started + SpanNs(step * 2_500);
                again.finished = Some(Finish { at: again.started + SpanNs(2_000), ok: true });
                member.handlings.push(again);
            }
            let upto = of_partition[of_partition.len() - 51].stream_seq;
            member.commits.push(Commit { at: started, partition, epoch: 1, stream_seq: upto, reach: Reach::UpTo });
        }
    }
    for member in &mut members {
        member.handlings.sort_by_key(|handling| handling.started);
    }
    let end = MonoNs(1_000_000 + u64::from(messages) * 10_000);
    let line = |at, event| StoryLine { at, event };
    let story = vec![
        line(MonoNs(0), StoryEvent::Phase { phase: Phase::Measure }),
        line(
            MonoNs(end.0 / 2),
            StoryEvent::Fault { id: 0, kind: "slow".into(), target: "c0".into(), struck: vec!["c0.1".into()] },
        ),
        line(end, StoryEvent::Phase { phase: Phase::Drain }),
        line(end + SpanNs(1_000_000_000), StoryEvent::End),
    ];
    let journals = publishers.into_iter().chain(members).collect();
    History { manifest, story, journals, stored: Vec::new(), dropped: None, damage: Vec::new() }
}
