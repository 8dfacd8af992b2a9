//! What it costs to find the partition of a key, for keys of 4, 16 and 64 bytes.
//!
//! `cargo bench --bench partitioner`
//!
//! MEASURED

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lease_group::partitioner;

/// Keys enough that no branch predictor learns them, few enough to stay in the first-level cache.
const KEYS: usize = 256;
const PARTITIONS: u32 = 16;

fn keys(length: usize) -> Vec<Vec<u8>> {
    // A linear congruential generator: the same keys in every run.
    let mut random = 1_u64;
    let mut letter = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        b'a' + (random >> 33) as u8 % 26
    };
    (0..KEYS).map(|_| (0..length).map(|_| letter()).collect()).collect()
}

fn partitioner(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("partitioner");
    for length in [4, 16, 64] {
        let keys = keys(length);
        let mut keys = keys.iter().cycle();
        group.throughput(Throughput::Bytes(length as u64));
        group.bench_function(BenchmarkId::new("partition of a key", length), |bench| {
            bench.iter(|| {
                let key = keys.next().map_or(&[][..], Vec::as_slice);
                partitioner::partition(black_box(key), black_box(PARTITIONS))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, partitioner);
criterion_main!(benches);
