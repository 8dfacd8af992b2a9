//! What is seen of a broken order or exclusion while a run goes on.

use crate::model::record::Author;
use crate::model::time::MonoNs;

/// One thing that went wrong, as far as it is known by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Metric id of its kind: `skipped`, `late`, `regressed`, `phantom`, `overlap`, `stale_handling`, `dual_ownership`, or one of
    /// succession.
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
        let Sight { author, partition, key, key_seq, stream_seq, epoch, .. } = self.sight;
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
            "lost" => write!(f, "{what} was stored and never handled"),
            "epoch_rewind" => {
                write!(f, "{author} began {what} in epoch {epoch}, although its own epoch had been there before")
            }
            "bad_rewind" => {
                write!(f, "{author} began {what} in epoch {epoch}, and left out what had been handled before its epoch")
            }
            "delivery_gap" => {
                write!(f, "{author} began {what} in epoch {epoch}, although the delivery before it never came")
            }
            "ghost_delivery" => write!(
                f,
                "{author} began {what} in epoch {epoch}, which came to it after a later epoch had been granted"
            ),
            "stale_commit" => write!(
                f,
                "the server confirmed {author}'s commit of stream sequence {stream_seq}, whose epoch was over when it began that message"
            ),
            "commit_ahead" => {
                write!(f, "a confirmed commit of {author} covers {what}, which nobody had handled by then")
            }
            "skipped_start" => write!(
                f,
                "{author} opened the consumer of epoch {epoch} of partition {partition} behind messages that nobody had handled by then"
            ),
            _ => write!(f, "{author} believed to own partition {partition} in epoch {epoch} while another member did"),
        }
    }
}
