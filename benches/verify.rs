//! How fast the verifier is: the ledger alone, and the whole study up to the readings, on a generated run of a million
//! messages (1,000 keys, 16 partitions, four members, a replay of 50 messages in every thousand of a partition).
//!
//! `cargo bench --bench verify`
//!
//! Aim: 20 million records a second on one core, at most 16 bytes a message in flight. It is not reached; ADR 48 says what it would take.
//!
//! One of two shared cores of a busy cloud machine (`taskset -c 0`), 1.05 million handlings of a million messages, release build, in turn with the
//! version before ADR 48: ledger 2.3 million handlings a second before, 3.1 million after, and 4.1 million in a quieter minute (7.9 million records);
//! whole study 0.70 million before, 1.19 million after. Much of what is left of the study are sentences about replays, of which this run is full. The
//! ledger that is followed does 2.3 to 2.6 million handlings a second, which is 4.5 to 5.0 million records. It held 1.0 million messages at once of a
//! million, and 1.1 million of four: ten seconds of 100,000 a second, and what was never committed. A message under way takes 104 bytes by key and 24
//! by stream sequence, and up to twice that in the room that its tables keep.

#[path = "generated/history.rs"]
mod history;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use jetlag::model::history::{History, Journal};
use jetlag::model::record::{Author, Fate, Record};
use jetlag::model::time::{MonoNs, SpanNs};
use jetlag::verdict::stream::{Patience, Stream};
use jetlag::{analysis, metric, verdict};

const MESSAGES: u32 = 1_000_000;

fn verify(criterion: &mut Criterion) {
    let history = history::generated(MESSAGES);
    let handlings: usize = history.journals.iter().map(|journal| journal.handlings.len()).sum();
    let mut group = criterion.benchmark_group("verify");
    group.sample_size(10).throughput(Throughput::Elements(handlings as u64));
    group.bench_function("ledger", |bencher| {
        bencher.iter_batched(|| (), |()| black_box(verdict::judge(&history)), BatchSize::PerIteration);
    });
    group.bench_function("followed", |bencher| {
        bencher.iter_batched(|| (), |()| black_box(followed(&history)), BatchSize::PerIteration);
    });
    group.bench_function("study", |bencher| {
        bencher.iter_batched(
            || (),
            |()| black_box(metric::readings(&analysis::study(&history))),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// How often the journals are looked into.
const LOOK_EVERY: SpanNs = SpanNs(250_000_000);

/// The ledger that is followed, fed as by one who looks into the journals; and the most messages that it held at once.
fn followed(history: &History) -> (verdict::stream::Account, usize) {
    let mut stream = Stream::new(&history.manifest, Patience::default());
    let mut read: Vec<(Author, [usize; 3], &Journal)> =
        history.journals.iter().map(|journal| (journal.author, [0; 3], journal)).collect();
    let (mut now, mut most) = (MonoNs(0), 0);
    loop {
        now = now + LOOK_EVERY;
        let mut left = false;
        for (author, [publishes, handlings, commits], journal) in &mut read {
            let stored = |fate: Fate| matches!(fate, Fate::Stored { at, .. } if at < now);
            let new = journal.publishes[*publishes..].iter().take_while(|publish| stored(publish.fate));
            *publishes += new.map(|it| stream.take(*author, 0, &Record::Publish(*it), false)).count();
            let ended = |handling: &&jetlag::model::record::Handling| handling.finished.is_some_and(|end| end.at < now);
            let new = journal.handlings[*handlings..].iter().take_while(ended);
            let numbered = (*handlings as u64..).zip(new);
            *handlings += numbered.map(|(at, it)| stream.take(*author, at, &Record::Handling(*it), false)).count();
            let new = journal.commits[*commits..].iter().take_while(|commit| commit.at < now);
            *commits += new.map(|it| stream.take(*author, 0, &Record::Commit(*it), false)).count();
            left |= *publishes < journal.publishes.len() || *handlings < journal.handlings.len();
        }
        stream.advance(now - SpanNs(LOOK_EVERY.0 / 2));
        most = most.max(stream.under_way());
        if !left {
            return (stream.finish().0, most);
        }
    }
}

criterion_group!(benches, verify);
criterion_main!(benches);
