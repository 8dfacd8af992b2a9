//! Whether everything that was stored has been handled, read from the journals.
//!
//! The workers' own counts tell when it is worth looking: repeats count there, and a killed member takes its count
//! with it. The journals know.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::evidence;
use crate::model::record::{Author, Fate};

/// Looks into the journals of a run that is still going on.
pub(super) struct Drain {
    journals: PathBuf,
    run_tag: u64,
}

impl Drain {
    /// Looks into `journals`.
    pub(super) fn new(journals: PathBuf, run_tag: u64) -> Self {
        Self { journals, run_tag }
    }

    /// Whether every stored message has been handled. Evidence that cannot be read says no: the bound decides then.
    pub(super) async fn is_done(&mut self) -> bool {
        let (journals, run_tag) = (self.journals.clone(), self.run_tag);
        tokio::task::spawn_blocking(move || all_handled(&journals, run_tag)).await.unwrap_or(false)
    }
}

fn all_handled(journals: &Path, run_tag: u64) -> bool {
    let mut waiting: HashSet<(u32, u32)> = HashSet::new();
    let mut handled: Vec<(u32, u32)> = Vec::new();
    let Ok(list) = std::fs::read_dir(journals) else { return false };
    for entry in list.flatten() {
        let Ok(author) = entry.file_name().to_string_lossy().parse::<Author>() else { continue };
        let Ok(read) = evidence::read_journal(&entry.path(), author, run_tag) else { return false };
        let journal = read.journal;
        let stored = journal.publishes.iter().filter(|publish| matches!(publish.fate, Fate::Stored { .. }));
        waiting.extend(stored.map(|publish| (publish.key, publish.key_seq)));
        let successes = journal.handlings.iter().filter(|handling| handling.finished.is_some_and(|finish| finish.ok));
        handled.extend(successes.map(|handling| (handling.key, handling.key_seq)));
    }
    for message in handled {
        waiting.remove(&message);
    }
    waiting.is_empty()
}
