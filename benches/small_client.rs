//! What the small client for load on this machine spends on a message: to read it, to read the numbers of its delivery, and to write one.
//!
//! Targets, 128 B: read and counted below 60 ns together, written below 40 ns. Measured on a VM with 2 vCPU (AMD EPYC) that did nothing else: a read of
//! 250 messages 15.6 µs, so 62 ns a message; the numbers of a delivery 17 ns; written 26 ns. Instructions are counted in `benches/instructions.rs`.
//! A whole core message, recorded and sent, cost its process 80 ns of processor time on 2026-11-22 (`scripts/compare-nats-bench`,
//! the same machine): the target is 60 % of what `nats bench` spends, 170 ns then.

use std::hint::black_box;

use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jetlag::nats::plain::Envelope;
use jetlag::nats::plain::frames::{Frame, Frames};
use jetlag::nats::plain::words;
use lease_group::Delivery;

/// As many as one read of 64 KiB brings.
const MESSAGES: u64 = 250;

fn said() -> Vec<u8> {
    (1..=MESSAGES)
        .flat_map(|at| {
            let head = format!(
                "MSG jetlag.7a.0 3 $JS.ACK.jetlag-7a.jetlag-7a.1.{at}.{at}.1700000000000000000.{} 128\r\n",
                MESSAGES - at
            );
            [head.into_bytes(), vec![b'x'; 128], b"\r\n".to_vec()].concat()
        })
        .collect()
}

fn small_client(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("small_client");
    let said = said();
    group.throughput(Throughput::Elements(MESSAGES));
    group.bench_function("read", |bench| {
        let mut frames = Frames::default();
        bench.iter(|| {
            frames.room().extend_from_slice(black_box(&said));
            let mut sum = 0;
            while let Ok(Some(Frame::Message(_, message))) = frames.take() {
                sum += message.reply().and_then(Delivery::parse).map_or(0, |delivery| delivery.stream_sequence);
            }
            assert_eq!(sum, MESSAGES * (MESSAGES + 1) / 2);
        });
    });
    group.throughput(Throughput::Elements(1));
    let reply = "$JS.ACK.jetlag-7a.jetlag-7a.1.123456.123456.1700000000000000000.376544";
    group.bench_function("delivery", |bench| bench.iter(|| Delivery::parse(black_box(reply))));
    let mut out = BytesMut::with_capacity(1 << 12);
    let envelope =
        Envelope { subject: "jetlag.7a.0", reply: Some("_INBOX.0011223344556677.0.411"), ..Envelope::default() };
    group.bench_function("write", |bench| {
        bench.iter(|| {
            out.clear();
            words::message(black_box(&envelope), &[b'x'; 128], &mut out);
        });
    });
    group.finish();
}

criterion_group!(benches, small_client);
criterion_main!(benches);
