//! What it costs to record a message: the price of evidence on the hot path.
//!
//! Each sample writes a journal of its own with real files in the temporary folder (`TMPDIR`), at full speed, with the
//! helper thread at work beside it; the folder is removed outside the measured time.
//!
//! MEASURED

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
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

/// Runs `rounds` on a new journal and gives the time that they took.
fn timed(rounds: impl FnOnce(&mut Writer) -> Result<(), Error>) -> Duration {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let author = Author { role: Role::Consumer, index: 0, life: 1 };
    let mut writer = Writer::create(dir.path(), author, 1, Layout::default()).expect("a journal");
    let start = Instant::now();
    rounds(&mut writer).expect("room on the disk");
    let took = start.elapsed();
    writer.close().expect("a closed journal");
    took
}

fn journal(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("journal");
    // Short, because each round leaves 64 bytes on the disk until its sample ends.
    group.sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    group.throughput(Throughput::Elements(1));
    group.bench_function("begin and finish a handling, two clock reads included", |bench| {
        bench.iter_custom(|rounds| {
            timed(|writer| {
                let received = now();
                for seq in 0..rounds {
                    let slot = writer.begin_handling(&handling(seq, received, now()))?;
                    writer.finish(slot, now(), true);
                }
                Ok(())
            })
        });
    });
    group.bench_function("begin and finish a handling, no clock", |bench| {
        bench.iter_custom(|rounds| {
            timed(|writer| {
                for seq in 0..rounds {
                    let slot = writer.begin_handling(&handling(seq, MonoNs(seq), MonoNs(seq)))?;
                    writer.finish(slot, MonoNs(seq + 1), true);
                }
                Ok(())
            })
        });
    });
    group.bench_function("begin and settle a publish, window of 1000, no clock", |bench| {
        bench.iter_custom(|rounds| {
            timed(|writer| {
                let mut window = std::collections::VecDeque::with_capacity(1001);
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
            })
        });
    });
    group.bench_function("append a commit, no clock", |bench| {
        bench.iter_custom(|rounds| {
            timed(|writer| {
                for seq in 0..rounds {
                    let commit =
                        Commit { at: MonoNs(seq), partition: 3, epoch: 2, stream_seq: seq, reach: Reach::UpTo };
                    writer.append(&Record::Commit(commit))?;
                }
                Ok(())
            })
        });
    });
    group.finish();
    criterion.bench_function("clock/one read of CLOCK_MONOTONIC", |bench| bench.iter(now));
}

criterion_group!(benches, journal);
criterion_main!(benches);
