//! What a publisher's own bookkeeping costs a message: when it is wanted, which key it has, its place in the window.
//!
//! `cargo bench --bench pace`
//!
//! Measured 2026-11-21 on a 2 vCPU VM, shared with compilers at work: schedule 6–7 ns uniform, 12–14 ns Poisson; key 19–33 ns
//! uniform, 49–57 ns zipf, 11 ns hot; line 7–8 ns, whatever the window. Target: all three together below 40 ns with uniform
//! keys, because a whole core message costs a publisher 100 ns (decision 46).

use std::collections::VecDeque;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jetlag::model::bank::Workload;
use jetlag::model::units::Rate;
use jetlag::profile::document::Arrivals;
use jetlag::profile::plan::{KeyChoice, Load, Way};
use jetlag::worker::line::Line;
use jetlag::worker::load::{Keys, Schedule, Share};

const SEED: u64 = 1;
const SHARE: Share = Share { index: 0, publishers: 2 };

fn load(key_choice: KeyChoice) -> Load {
    Load {
        publishers: SHARE.publishers,
        rate: Rate::Max,
        arrivals: Arrivals::Poisson,
        payload_bytes: 256,
        way: Way::Sync,
        backlog: 0,
        keys: 10_000,
        key_choice,
        message_id: true,
        path: jetlag::nats::link::Path::Plain,
        workload: Workload::Plain,
    }
}

fn schedule(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pace/schedule");
    group.throughput(Throughput::Elements(1));
    for (name, arrivals) in [("uniform", Arrivals::Uniform), ("poisson", Arrivals::Poisson)] {
        let mut schedule = Schedule::new(arrivals, 100_000.0, SEED, SHARE);
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let intended = schedule.peek();
                schedule.advance();
                intended
            });
        });
    }
    group.finish();
}

fn keys(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pace/key");
    group.throughput(Throughput::Elements(1));
    let choices = [
        ("uniform", KeyChoice::Uniform),
        ("zipf", KeyChoice::Zipf { exponent: 1.0 }),
        ("hot", KeyChoice::Hot { share: 0.5 }),
    ];
    for (name, choice) in choices {
        let mut keys = Keys::new(&load(choice), SEED, SHARE).expect("there are more keys than publishers");
        group.bench_function(name, |bench| bench.iter(|| keys.draw()));
    }
    group.finish();
}

fn line(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pace/line, send and stored");
    group.throughput(Throughput::Elements(1));
    for window in [64, 1024] {
        let mut line = Line::new(window);
        let mut under_way = VecDeque::with_capacity(usize::from(window));
        while line.has_room() {
            under_way.push_back(line.send([0_u64; 6]));
        }
        // Full as in a closed loop: each answer makes room for one more message, as long as the publisher's own.
        group.bench_function(BenchmarkId::new("window", window), |bench| {
            bench.iter(|| {
                let ticket = under_way.pop_front().expect("the window is full");
                let stored = line.stored(black_box(ticket));
                under_way.push_back(line.send([0_u64; 6]));
                stored
            });
        });
    }
    group.finish();
}

criterion_group!(benches, schedule, keys, line);
criterion_main!(benches);
