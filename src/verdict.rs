//! The ledger: every handling gets exactly one verdict, every message one account.
//!
//! Input is a [`History`]; the definitions are those of `docs/metrics.md`, "Ledger of every message". This room judges
//! *what* happened: ranks, verdicts, losses, second copies, who believed to own what, who handled beside whom. It knows
//! nothing of latencies, windows or figures: that is `analysis`.
//!
//! The evidence may be anything that a crash leaves behind: missing records, unknown partitions, absurd instants.
//! Nothing here panics on it or grows beyond its length.

pub(crate) mod abreast;
mod belief;
pub(crate) mod by_instant;
mod commits;
mod deed;
mod effects;
mod eviction;
mod exclusion;
mod grants;
mod grouped;
mod judgement;
mod ledger;
mod lives;
mod loss;
mod message;
mod order;
mod partitions;
pub mod refusals;
mod settled;
pub mod stream;
mod succession;
mod truth;
mod withheld;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod planted;
#[cfg(test)]
pub(crate) mod scenario;

pub use belief::{Belief, beliefs};
pub use effects::{Effects, StaleEffects, effects};
pub use exclusion::{DualOwnership, Exclusion, Overlap};
pub use ledger::{Entry, Ledger, OrderCounts, PartitionCounts, PublisherCounts, Verdict};
pub use lives::{LifeSpan, Lives};
pub use message::{Message, Standing};
pub use settled::{First, Judged, Settled};
pub use succession::{Place, SkippedStart, Succession};

use crate::model::history::History;

/// Judges a whole run.
#[must_use]
pub fn judge(history: &History) -> Ledger {
    judgement::judge(history)
}
