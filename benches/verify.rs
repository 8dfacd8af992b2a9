//! How fast the verifier is: the ledger alone, and the whole study up to the readings, on a generated run of a million
//! messages (1,000 keys, 16 partitions, four members, a replay of 50 messages in every thousand of a partition).
//!
//! `cargo bench --bench verify`
//!
//! Two shared cores of a busy cloud machine, 1.05 million handlings, release build: ledger 3.1 million handlings a second,
//! whole study 1.3 million a second.

#[path = "generated/history.rs"]
mod history;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
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
    group.bench_function("study", |bencher| {
        bencher.iter_batched(
            || (),
            |()| black_box(metric::readings(&analysis::study(&history))),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);
