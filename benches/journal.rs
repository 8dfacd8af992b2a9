//! What it costs to record a message: the price of evidence on the hot path.
//!
//! Target: at most 100 ns a message all in, which is what "all in" measures: processor time of the whole process, with the
//! helper's making of segments, two clock reads a message, and the end of the journal.
//!
//! Journals with real files in the temporary folder (`TMPDIR`), with the helper thread at work. Most figures are CPU
//! time of the writing thread while there is room, as a worker pays it; the last one is elapsed time when a
//! writer does nothing but write, faster than any worker: then the kernel's handing out of pages is the bound.
//!
//! Measured with `cargo bench --bench journal` on a VM with 2 vCPU (AMD EPYC) that did nothing else, Rust 1.95: all in 63 ns a message. Handling begun and
//! finished 54 ns with its two clock reads (21 ns each), 11 ns without; publish begun and settled 7.9 ns; commit 5.5 ns; a million
//! handlings at full speed, without clock, 11 ns each.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use jetlag::evidence::{Error, Layout, Writer};
use jetlag::model::record::{Author, Commit, Fate, Handling, Publish, Reach, Record, Role};
use jetlag::model::time::MonoNs;
use rustix::time::{ClockId, clock_gettime};

fn now() -> MonoNs {
    let time = clock_gettime(ClockId::Monotonic);
    MonoNs(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}

fn handling(seq: u64, received: MonoNs, started: MonoNs) -> Handling {
    Handling {
        key: seq as u32,
        key_seq: seq as u32,
        partition: 3,
        publisher: 1,
        epoch: 2,
        stream_seq: seq,
        consumer_seq: seq as u32,
        delivered: 1,
        intact: true,
        intended: received,
        received,
        started,
        finished: None,
    }
}

fn publish(seq: u64, at: MonoNs) -> Publish {
    Publish {
        key: seq as u32,
        key_seq: seq as u32,
        partition: 3,
        publisher: 1,
        intended: at,
        possible: at,
        sent: at,
        bytes: 128,
        fate: Fate::Unknown,
    }
}

/// Rounds that fit into the first segment of a journal.
const FITTING: u64 = 60_000;

fn writer(journals: &std::path::Path) -> Writer {
    let author = Author { role: Role::Consumer, index: 0, life: 1 };
    Writer::create(journals, author, 1, Layout::default()).expect("a journal")
}

/// CPU time of this thread or process: what else the machine does must not count as ours.
fn cpu_time(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What `rounds` rounds cost the calling thread as long as the helper keeps up: journals are made beforehand.
fn hot(rounds: u64, work: impl Fn(&mut Writer, u64) -> Result<(), Error>) -> Duration {
    let mut took = Duration::ZERO;
    let mut left = rounds;
    while left > 0 {
        let part = left.min(FITTING);
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut writer = writer(dir.path());
        let start = cpu_time(ClockId::ThreadCPUTime);
        work(&mut writer, part).expect("room on the disk");
        took += cpu_time(ClockId::ThreadCPUTime) - start;
        writer.close().expect("a closed journal");
        left -= part;
    }
    took
}

/// What `rounds` rounds in one journal cost the process, its helper included.
fn all_in(rounds: u64, work: impl Fn(&mut Writer, u64) -> Result<(), Error>) -> Duration {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let start = cpu_time(ClockId::ProcessCPUTime);
    let mut writer = writer(dir.path());
    work(&mut writer, rounds).expect("room on the disk");
    writer.close().expect("a closed journal");
    cpu_time(ClockId::ProcessCPUTime) - start
}

/// How long `rounds` rounds take in one journal at full speed: bound by the pages that the helper can get.
fn sustained(rounds: u64, work: impl Fn(&mut Writer, u64) -> Result<(), Error>) -> Duration {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut writer = writer(dir.path());
    let start = Instant::now();
    work(&mut writer, rounds).expect("room on the disk");
    let took = start.elapsed();
    writer.close().expect("a closed journal");
    took
}

fn handle_with_clock(writer: &mut Writer, rounds: u64) -> Result<(), Error> {
    let received = now();
    for seq in 0..rounds {
        let slot = writer.begin_handling(&handling(seq, received, now()))?;
        writer.finish(slot, now(), true);
    }
    Ok(())
}

fn handle(writer: &mut Writer, rounds: u64) -> Result<(), Error> {
    for seq in 0..rounds {
        let slot = writer.begin_handling(&handling(seq, MonoNs(seq), MonoNs(seq)))?;
        writer.finish(slot, MonoNs(seq + 1), true);
    }
    Ok(())
}

fn publish_in_window(writer: &mut Writer, rounds: u64) -> Result<(), Error> {
    let mut window = VecDeque::with_capacity(1001);
    for seq in 0..rounds {
        window.push_back(writer.begin_publish(&publish(seq, MonoNs(seq)))?);
        if window.len() > 1000
            && let Some(slot) = window.pop_front()
        {
            writer.stored(slot, MonoNs(seq), seq, false);
        }
    }
    window.into_iter().for_each(|slot| writer.abandon(slot));
    Ok(())
}

fn commit(writer: &mut Writer, rounds: u64) -> Result<(), Error> {
    for seq in 0..rounds {
        let commit = Commit { at: MonoNs(seq), partition: 3, epoch: 2, stream_seq: seq, reach: Reach::UpTo };
        writer.append(&Record::Commit(commit))?;
    }
    Ok(())
}

fn journal(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("journal");
    // Short, because each round leaves 64 bytes on the disk until its sample ends.
    group.sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    group.throughput(Throughput::Elements(1));
    let mut bench = |name: &str, work: fn(&mut Writer, u64) -> Result<(), Error>| {
        group.bench_function(name, |bench| bench.iter_custom(|rounds| hot(rounds, work)));
    };
    bench("begin and finish a handling, two clock reads included", handle_with_clock);
    bench("begin and finish a handling, no clock", handle);
    bench("begin and settle a publish, window of 1000, no clock", publish_in_window);
    bench("append a commit, no clock", commit);
    // 64 MB a sample.
    const MANY: u64 = 1_000_000;
    group.sample_size(10).sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(MANY));
    group.bench_function("begin and finish a million handlings at full speed, bound by the helper", |bench| {
        bench.iter_custom(|times| (0..times).map(|_| sustained(MANY, handle)).sum());
    });
    group.bench_function("begin and finish a million handlings, all in", |bench| {
        bench.iter_custom(|times| (0..times).map(|_| all_in(MANY, handle_with_clock)).sum());
    });
    group.finish();
    criterion.bench_function("clock/one read of CLOCK_MONOTONIC", |bench| bench.iter(now));
}

criterion_group!(benches, journal);
criterion_main!(benches);
