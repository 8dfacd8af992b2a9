//! How fast do members consume what is stored? Joins with as many members as are asked for, all in this process, a thread each, and
//! says once a second how many messages were handled and how many of them again.
//!
//! `cargo run --release -p lease-group --example drain -- URL STREAM PREFIX PARTITIONS MEMBERS MODE CATCH_UP MESSAGES`, with MODE one of
//! `checkpoint`, `ack-all` and `explicit`. It ends when MESSAGES were handled.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lease_group::{Commit, Group, HandlerError, Message};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [url, stream, prefix, partitions, members, mode, catch_up, messages] = words.as_slice() else {
        return Err("expected: URL STREAM PREFIX PARTITIONS MEMBERS MODE CATCH_UP MESSAGES".into());
    };
    let commit = match mode.as_str() {
        "checkpoint" => Commit::default(),
        "ack-all" => Commit::AckAll { every: 100 },
        "explicit" => Commit::Explicit,
        other => return Err(format!("{other} is no mode").into()),
    };
    let (partitions, messages): (u32, u64) = (partitions.parse()?, messages.parse()?);
    let group = Group::builder(url.as_str())
        .stream(stream.as_str())
        .name(format!("drain-{}", std::process::id()))
        .subject_prefix(prefix)
        .partitions(partitions)
        .lease_ttl(Duration::from_secs(2))
        .commit(commit)
        .catch_up(catch_up.parse()?)
        .build()?;
    let counts = Arc::new(Counts::new(partitions));
    for _ in 0..members.parse::<u32>()? {
        let (group, counts) = (group.clone(), Arc::clone(&counts));
        std::thread::spawn(move || {
            let ended = run(&group, &counts);
            println!("a member ended: {ended:?}");
        });
    }
    let (mut began, mut before, mut second) = (None, 0, 0);
    loop {
        std::thread::sleep(Duration::from_millis(20));
        let handled = counts.first.load(Ordering::Relaxed);
        let began = *began.get_or_insert_with(Instant::now);
        if began.elapsed().as_secs() > second || handled >= messages {
            second = began.elapsed().as_secs();
            println!(
                "{:6.2} s: {:8} handled, {} again",
                began.elapsed().as_secs_f64(),
                handled - before,
                counts.again()
            );
            before = handled;
        }
        if handled >= messages {
            let rate = handled as f64 / began.elapsed().as_secs_f64();
            println!("{handled} in {:.2} s: {rate:.0}/s", began.elapsed().as_secs_f64());
            return Ok(());
        }
    }
}

/// What was handled for the first time, and what again.
struct Counts {
    first: AtomicU64,
    again: AtomicU64,
    last: Vec<AtomicU64>,
}

impl Counts {
    fn new(partitions: u32) -> Self {
        let last = (0..partitions).map(|_| AtomicU64::new(0)).collect();
        Self { first: AtomicU64::new(0), again: AtomicU64::new(0), last }
    }

    fn add(&self, message: &Message) {
        let is_new = self
            .last
            .get(message.partition as usize)
            .is_some_and(|last| last.fetch_max(message.stream_sequence, Ordering::Relaxed) < message.stream_sequence);
        if is_new { &self.first } else { &self.again }.fetch_add(1, Ordering::Relaxed);
    }

    fn again(&self) -> u64 {
        self.again.load(Ordering::Relaxed)
    }
}

fn run(group: &Group, counts: &Counts) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let member = group.join().await?;
        let handler = async |message: &Message| -> Result<(), HandlerError> {
            counts.add(message);
            Ok(())
        };
        Ok(member.run(handler).await?)
    })
}
