//! What it costs to write and to check the header that travels in each message.
//!
//! Target, 128 B: written below 40 ns, checked below 40 ns.
//!
//! Measured with `cargo bench --bench payload` on a VM with 2 vCPU (AMD EPYC), shared with
//! compilers at work (load 3), Rust 1.95: encode 37, 82 and 2100 ns,
//! decode 16, 46 and 1100 ns, for payloads of 128 B, 1 KiB and 64 KiB. With the id as text in front (layout 2): encode 42, 74 and
//! 1620 ns, decode 31, 60 and 1050 ns.

use std::hint::black_box;

use bytes::BytesMut;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jetlag::model::payload::{self, Template};
use jetlag::model::time::MonoNs;

fn payload(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("payload");
    for size in [128, 1024, 64 * 1024] {
        let template = Template::new(7, 1, size);
        let mut bytes = BytesMut::with_capacity(size);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("encode", size), |bench| {
            let mut seq = 0;
            bench.iter(|| {
                seq += 1;
                bytes.clear();
                template.append(black_box(5), seq, 3, MonoNs(u64::from(seq)), &mut bytes);
            });
        });
        bytes.clear();
        template.append(5, 1, 3, MonoNs(1), &mut bytes);
        group.bench_function(BenchmarkId::new("decode", size), |bench| {
            bench.iter(|| payload::decode(black_box(&bytes)).expect("an undamaged payload"));
        });
    }
    group.finish();
}

criterion_group!(benches, payload);
criterion_main!(benches);
