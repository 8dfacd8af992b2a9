//! From when to when each process of a run worked, and what that cost it: a line of JSON a process. `scripts/compare-nats-bench` reads it.
//!
//! Usage: `cargo run --release --example spans -- RUN`
//!
//! The span of a publisher goes from its first message sent to its last one stored, that of a member from its first message
//! received to its last one handled. `cpu_ns` is all that the process had used when it was sampled first after that.

use std::io::Write as _;
use std::path::Path;

use jetlag::evidence;
use jetlag::model::record::Fate;
use jetlag::model::story::StoryEvent;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let run = std::env::args_os().nth(1).ok_or("usage: spans RUN")?;
    let history = evidence::load(Path::new(&run))?;
    if let Some(damage) = history.damage.first() {
        return Err(damage.clone().into());
    }
    for journal in &history.journals {
        let stored = journal.publishes.iter().filter_map(|publish| match publish.fate {
            Fate::Stored { at, .. } => Some((publish.sent, at)),
            _ => None,
        });
        let handled = journal.handlings.iter().filter_map(|handling| Some((handling.received, handling.finished?.at)));
        let (mut count, mut begin, mut end) = (0_u64, u64::MAX, 0);
        for (from, to) in stored.chain(handled) {
            (count, begin, end) = (count + 1, begin.min(from.0), end.max(to.0));
        }
        let name = journal.author.to_string();
        let cpu_ns = history.story.iter().filter(|line| line.at.0 >= end).find_map(|line| match &line.event {
            StoryEvent::Sample { process, cpu_ns, .. } if *process == name => Some(*cpu_ns),
            _ => None,
        });
        let line = serde_json::json!({
            "process": name, "messages": count, "begin_ns": begin, "end_ns": end, "cpu_ns": cpu_ns,
        });
        writeln!(std::io::stdout(), "{line}")?;
    }
    Ok(())
}
