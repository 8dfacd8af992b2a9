//! How many lines a second a worker takes from a program of the user's own: pipe, line protocol and journal together.
//!
//! `cat` plays the program: it writes what it has as fast as the pipe takes it, so the reader is what is measured.
//! The target is 200,000 lines a second on two cores. Measured with `cargo bench --bench external_pipe` on a VM with 2 vCPU
//! (AMD EPYC), shared with compilers at work (load 11), Rust 1.95: 3.8 million lines a second when each is a `done`, 8.6 million
//! when half are `start`. Without optimisation (`--profile dev`) 0.35 and 0.55 million.

use std::hint::black_box;
use std::process::Stdio;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jetlag::clock;
use jetlag::evidence::{Layout, Writer};
use jetlag::model::message_id::MessageId;
use jetlag::model::record::{Author, Role};
use jetlag::strategy::desk::Notebook;
use jetlag::strategy::external::line::{Grammar, Splitter};
use jetlag::strategy::external::scribe::Scribe;
use tokio::io::AsyncReadExt;

const GRAMMAR: Grammar = Grammar { run_tag: 7, partitions: 16 };
const KEYS: u32 = 1000;
const MESSAGES: u32 = 200_000;

/// What a program says of `MESSAGES` messages.
fn said(starts: bool) -> String {
    let mut text = String::from("ready 1\n");
    for number in 0..MESSAGES {
        let id = MessageId { key: number % KEYS, key_seq: 1 + number / KEYS }.text(GRAMMAR.run_tag);
        let id = std::str::from_utf8(&id).expect("digits");
        if starts {
            text += &format!("start {id}\n");
        }
        text += &format!("done {id} {}\n", number + 1);
    }
    text
}

/// Takes in all that `cat` says of `file`. Returns how long it took from the first byte to the last.
async fn listen(file: &std::path::Path) -> Duration {
    let folder = tempfile::tempdir().expect("a folder");
    let author = Author { role: Role::Consumer, index: 0, life: 1 };
    let writer = Writer::create(folder.path(), author, GRAMMAR.run_tag, Layout::default()).expect("a journal");
    let notebook = Notebook::new(writer);
    let mut scribe = Scribe::new(notebook.clone(), GRAMMAR);
    let mut splitter = Splitter::default();
    let mut buffer = vec![0; 64 << 10];
    let mut program = tokio::process::Command::new("cat").arg(file).stdout(Stdio::piped()).spawn().expect("cat starts");
    let mut stdout = program.stdout.take().expect("a pipe");
    let mut count = stdout.read(&mut buffer).await.expect("a pipe");
    let begun = Instant::now();
    while count > 0 {
        let at = clock::now();
        let take = |number, text: &[u8], too_long| {
            let remark = scribe.take(number, text, too_long, at).expect("the disk has room");
            assert_eq!(remark, None);
            Ok::<(), ()>(())
        };
        splitter.feed(black_box(&buffer[..count]), take).expect("nothing fails");
        count = stdout.read(&mut buffer).await.expect("a pipe");
    }
    let took = begun.elapsed();
    let _ = program.wait().await;
    scribe.close();
    notebook.close().expect("a journal");
    took
}

fn external_pipe(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut group = criterion.benchmark_group("external_pipe");
    group.sample_size(10);
    for (name, starts, lines) in [("done", false, MESSAGES), ("start_done", true, 2 * MESSAGES)] {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), said(starts)).expect("a file");
        group.throughput(Throughput::Elements(u64::from(lines)));
        group.bench_function(BenchmarkId::from_parameter(name), |bench| {
            bench.iter_custom(|times| (0..times).map(|_| runtime.block_on(listen(file.path()))).sum());
        });
    }
    group.finish();
}

criterion_group!(benches, external_pipe);
criterion_main!(benches);
