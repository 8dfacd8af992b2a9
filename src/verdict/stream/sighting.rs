//! What is seen of a broken order or exclusion while a run goes on.

use crate::model::record::Author;
use crate::model::time::MonoNs;

/// One thing that went wrong, as far as it is known by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Metric id of its kind: `skipped`, `late`, `regressed`, `phantom`, `overlap`, `stale_handling`, `dual_ownership`.
    pub kind: &'static str,
    /// Whether the strategy had promised that it would not happen.
    pub promised: bool,
    /// Whether nothing had come later than it should: else it may be a mistake.
    pub certain: bool,
    /// How many handlings it is.
    pub count: u64,
    /// Distance or size of the hole, in messages; 0 where there is none.
    pub distance: u32,
    /// The first of the handlings.
    pub sight: Sight,
}

/// A handling, as far as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    /// When it began.
    pub at: MonoNs,
    /// Who handled.
    pub author: Author,
    /// Partition.
    pub partition: u16,
    /// Key.
    pub key: u32,
    /// Sequence within the key.
    pub key_seq: u32,
    /// Stream sequence.
    pub stream_seq: u64,
    /// Epoch.
    pub epoch: u32,
}

impl std::fmt::Display for Sighting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Sight { author, partition, key, key_seq, epoch, .. } = self.sight;
        let what = format!("message {key_seq} of key {key}");
        match self.kind {
            "skipped" => write!(f, "{author} began {what} with a hole of {} before it", self.distance),
            "late" => write!(f, "{author} first handled {what} after the key had gone on by {}", self.distance),
            "regressed" => write!(f, "{author} handled {what} again, {} behind, in no legal replay", self.distance),
            "phantom" => {
                write!(f, "{author} handled {what}, which nobody published in this run, or which is not intact")
            }
            "overlap" => write!(f, "{author} began {what} while another member was handling partition {partition}"),
            "stale_handling" => write!(f, "{author} began {what} in epoch {epoch} after a later one had been granted"),
            _ => write!(f, "{author} believed to own partition {partition} in epoch {epoch} while another member did"),
        }
    }
}
