//! A run that was followed to its end has the report that its whole evidence gives, and what is held meanwhile does not grow
//! with the number of messages.
//!
//! `FOLLOWED_MESSAGES=5000000 cargo test --test followed grow` feeds more of them.

use std::fs::{self, File};
use std::path::Path;

use jetlag::analysis::Following;
use jetlag::model::history::History;
use jetlag::model::manifest::Manifest;
use jetlag::model::reading::{Scope, Stat};
use jetlag::model::record::{
    Author, Commit, Fate, Finish, Handling, Ownership, OwnershipChange, Publish, Reach, Record, Role,
};
use jetlag::model::report::{Figures, LatencyPoint, Report};
use jetlag::model::story::{Phase, StoryEvent, StoryLine};
use jetlag::model::time::{MonoNs, SpanNs};
use jetlag::verdict::stream::Patience;
use jetlag::{evidence, metric};

const LOOK_EVERY: SpanNs = SpanNs(250_000_000);

/// The evidence of a golden run, whole again.
fn golden(name: &str) -> History {
    let whole = tempfile::tempdir().expect("a temporary folder");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    copy(&from, whole.path());
    let lengths = fs::read_to_string(whole.path().join("lengths.txt")).expect("the lengths are there");
    for line in lengths.lines() {
        let (length, file) = line.split_once(' ').expect("a length and a name");
        let file = File::options().write(true).open(whole.path().join(file)).expect("the file is there");
        file.set_len(length.parse().expect("a length")).expect("room for nothing but zeros");
    }
    evidence::load(whole.path()).expect("it is a run")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the folder is there") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}

/// A record, when it begins to be there and when it is complete.
struct Piece {
    author: Author,
    number: u64,
    record: Record,
    begun: MonoNs,
    complete: MonoNs,
}

fn pieces(history: &History) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for journal in &history.journals {
        let author = journal.author;
        let mut add = |number: usize, record, begun, complete| {
            pieces.push(Piece { author, number: number as u64, record, begun, complete });
        };
        for (number, publish) in journal.publishes.iter().enumerate() {
            let complete = match publish.fate {
                Fate::Stored { at, .. } | Fate::Failed { at } => at,
                Fate::Unknown => MonoNs(u64::MAX),
            };
            add(number, Record::Publish(*publish), publish.sent, complete);
        }
        for (number, handling) in journal.handlings.iter().enumerate() {
            let complete = handling.finished.map_or(handling.started, |finish| finish.at);
            add(number, Record::Handling(*handling), handling.started, complete);
        }
        journal.commits.iter().for_each(|it| add(0, Record::Commit(*it), it.at, it.at));
        journal.ownership.iter().for_each(|it| add(0, Record::Ownership(*it), it.at, it.at));
        journal.terms.iter().for_each(|it| add(0, Record::Term(*it), it.at, it.at));
        journal.life.iter().for_each(|it| add(0, Record::Life(*it), it.at, it.at));
    }
    pieces.sort_by_key(|piece| piece.complete);
    pieces
}

/// The report of a history that is followed by one who looks every so often.
fn followed(history: &History) -> Report {
    let mut following = Following::new(&history.manifest, Patience::default());
    let pieces = pieces(history);
    let (mut told, mut heard) = (0, 0);
    let end = history.story.last().map_or(MonoNs(0), |line| line.at) + SpanNs(60_000_000_000);
    let mut now = history.manifest.started_mono;
    while now < end {
        now = now + LOOK_EVERY;
        while let Some(line) = history.story.get(heard).filter(|line| line.at < now) {
            following.tell(line);
            heard += 1;
        }
        while let Some(piece) = pieces.get(told).filter(|piece| piece.complete < now) {
            following.take(piece.author, piece.number, &piece.record, false);
            told += 1;
        }
        // A handling that goes on holds the judgement back.
        let going_on = pieces[told..].iter().filter(|piece| matches!(piece.record, Record::Handling(_)));
        let watermark = going_on.map(|piece| piece.begun).fold(now - LOOK_EVERY, MonoNs::min);
        following.advance(watermark);
        following.take_sightings();
    }
    history.story[heard..].iter().for_each(|line| following.tell(line));
    for piece in &pieces[told..] {
        following.take(piece.author, piece.number, &piece.record, false);
    }
    let history = History { journals: Vec::new(), stored: Vec::new(), ..history.clone() };
    metric::report_followed(history, following.finish())
}

/// A second that was closed keeps its median and its percentile when something comes to it late.
fn exact(figures: &Figures) -> Figures {
    let point = |point: &LatencyPoint| LatencyPoint { p50_ms: 0.0, p99_ms: 0.0, ..point.clone() };
    Figures { latency: figures.latency.iter().map(point).collect(), ..figures.clone() }
}

#[test]
fn a_golden_run_that_is_followed_has_its_report() {
    for name in ["safe", "resume"] {
        let history = golden(name);
        let whole = metric::report(&History { stored: Vec::new(), ..history.clone() });
        let found = followed(&history);
        assert_eq!(found.state, whole.state, "{name}");
        assert_eq!(found.state_reasons, whole.state_reasons, "{name}");
        for (ours, theirs) in found.readings.iter().zip(&whole.readings) {
            assert_eq!(ours, theirs, "{name}");
        }
        assert_eq!(found.readings.len(), whole.readings.len(), "{name}");
        assert_eq!(found.faults, whole.faults, "{name}");
        assert_eq!(exact(&found.figures), exact(&whole.figures), "{name}");
        assert_eq!(found.hazards, whole.hazards, "{name}");
        // Every kind of violation is told, with its first handling.
        let kinds = |report: &Report| {
            let mut kinds: Vec<_> = report.violations.iter().map(|it| it.kind.clone()).collect();
            kinds.sort();
            kinds.dedup();
            kinds
        };
        assert_eq!(kinds(&found), kinds(&whole), "{name}");
    }
}

const PARTITIONS: u16 = 8;
const KEYS: u32 = 250;
const RATE: u64 = 1_000;

/// A run at a steady rate, made up as it is told: nothing of it is kept but what the follower keeps.
fn steady(manifest: &Manifest, messages: u64, mut looked: impl FnMut(u64, usize)) -> Report {
    let zero = manifest.started_mono;
    let mut following = Following::new(manifest, Patience::default());
    let publisher = Author { role: Role::Publisher, index: 0, life: 1 };
    let member = Author { role: Role::Consumer, index: 0, life: 1 };
    let line = |at, event| StoryLine { at, event };
    let mut story = vec![
        line(zero, StoryEvent::Spawned { process: publisher.to_string(), pid: 1 }),
        line(zero, StoryEvent::Spawned { process: member.to_string(), pid: 2 }),
        line(zero, StoryEvent::Phase { phase: Phase::Measure }),
    ];
    story.iter().for_each(|line| following.tell(line));
    let step = SpanNs(1_000_000_000 / RATE);
    let owned = |partition, at, change| Record::Ownership(Ownership { at, partition, epoch: 1, change });
    let deadline = |at: MonoNs| at + SpanNs(10_000_000_000);
    for partition in 0..PARTITIONS {
        following.take(
            member,
            0,
            &owned(partition, zero, OwnershipChange::Granted { deadline: deadline(zero) }),
            false,
        );
    }
    let mut at = zero;
    for number in 0..messages {
        at = at + step;
        let (key, key_seq) = ((number % u64::from(KEYS)) as u32, (number / u64::from(KEYS)) as u32 + 1);
        let (partition, stream_seq) = ((key % u32::from(PARTITIONS)) as u16, number + 1);
        let stored = at + SpanNs(200_000);
        let publish = Publish {
            key,
            key_seq,
            partition,
            publisher: 0,
            intended: at,
            possible: at,
            sent: at,
            bytes: 256,
            fate: Fate::Stored { at: stored, stream_seq, duplicate: false },
        };
        following.take(publisher, number, &Record::Publish(publish), false);
        let started = stored + SpanNs(150_000 + number % 7 * 40_000);
        let handling = Handling {
            key,
            key_seq,
            partition,
            publisher: 0,
            epoch: 1,
            stream_seq,
            consumer_seq: key_seq,
            delivered: 1,
            intact: true,
            intended: at,
            received: stored,
            started,
            finished: Some(Finish { at: started + SpanNs(10_000), ok: true }),
        };
        // Sequences of a consumer have no holes: it is given the messages of its partition.
        let consumer_seq = (number / u64::from(PARTITIONS)) as u32 + 1;
        following.take(member, number, &Record::Handling(Handling { consumer_seq, ..handling }), false);
        if number % 100 >= 100 - u64::from(PARTITIONS) {
            let commit = Commit { at: started + SpanNs(500_000), partition, epoch: 1, stream_seq, reach: Reach::UpTo };
            following.take(member, 0, &Record::Commit(commit), false);
        }
        if number % RATE == 0 {
            for partition in 0..PARTITIONS {
                let renewed = OwnershipChange::Renewed { deadline: deadline(at) };
                following.take(member, 0, &owned(partition, at, renewed), false);
            }
        }
        if number % (RATE / 4) == 0 {
            following.advance(at - SpanNs(500_000_000));
            following.take_sightings();
            looked(number, following.under_way());
        }
    }
    story.push(line(at + step, StoryEvent::Phase { phase: Phase::Drain }));
    story.push(line(at + SpanNs(1_000_000_000), StoryEvent::End));
    story[3..].iter().for_each(|line| following.tell(line));
    let history = History {
        manifest: manifest.clone(),
        story,
        journals: Vec::new(),
        stored: Vec::new(),
        damage: Vec::new(),
        dropped: None,
    };
    metric::report_followed(history, following.finish())
}

#[test]
fn what_is_held_does_not_grow_with_messages() {
    let messages = std::env::var("FOLLOWED_MESSAGES").ok().and_then(|it| it.parse().ok()).unwrap_or(90_000);
    let mut manifest = golden("safe").manifest;
    (manifest.partitions, manifest.keys, manifest.rate_per_s) = (PARTITIONS, KEYS, Some(RATE as f64));
    let (mut early, mut late) = (0, 0);
    let report = steady(&manifest, messages, |number, held| {
        let most = if number < messages / 2 { &mut early } else { &mut late };
        *most = held.max(*most);
    });
    let count = |metric: &str| {
        let whole =
            report.readings.iter().find(|it| it.metric == metric && it.scope == Scope::Run && it.stat == Stat::Count);
        whole.and_then(|reading| reading.value)
    };
    assert_eq!(count("stored"), Some(messages as f64));
    assert_eq!(count("lost"), Some(0.0));
    assert_eq!(count("order_violations"), Some(0.0));
    assert!(late <= early + early / 20, "{early} messages and handlings were held at most, later {late}");
    assert!(early < 40 * RATE as usize, "{early} held at most");
    assert!(report.figures.throughput.len() <= 2_000 && report.figures.latency.len() <= 2_000);
    println!("{messages} messages: {early} held at most in the first half, {late} in the second");
}
