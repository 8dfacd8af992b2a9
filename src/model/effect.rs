//! Effects: what members write into the run's sink, one message a handling, and what of it is read back at the end.
//!
//! A sink may hold as many messages as the stream, and what is judged of them is which epoch stored when. So evidence keeps them as
//! runs: as many as there were takeovers, and one more for each effect that came too late.

use serde::{Deserialize, Serialize};

/// One effect as it stands in the sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Partition of the message that caused it.
    pub partition: u16,
    /// Epoch under which that was handled.
    pub epoch: u32,
    /// The message's sequence in the stream.
    pub stream_seq: u64,
}

/// Effects of one partition that stand behind each other in the sink, with none of the partition between them, under one epoch, with rising
/// stream sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectRun {
    /// The partition.
    pub partition: u16,
    /// The epoch.
    pub epoch: u32,
    /// How many.
    pub effects: u64,
    /// Sequence of the first one in the sink.
    pub first: u64,
    /// Sequence of the last one in the sink.
    pub last: u64,
    /// Sequence in the stream of the message that caused the first one.
    pub from: u64,
    /// And of the one that caused the last one.
    pub to: u64,
}

/// Puts effects together, in the order of the sink.
#[derive(Clone, Debug, Default)]
pub struct EffectRuns {
    /// By partition, the run that may go on.
    open: std::collections::BTreeMap<u16, EffectRun>,
    ended: Vec<EffectRun>,
    effects: u64,
}

impl EffectRuns {
    /// Takes the next effect of the sink.
    pub fn add(&mut self, sequence: u64, effect: Effect) {
        let Effect { partition, epoch, stream_seq } = effect;
        self.effects += 1;
        let begun = EffectRun {
            partition,
            epoch,
            effects: 1,
            first: sequence,
            last: sequence,
            from: stream_seq,
            to: stream_seq,
        };
        match self.open.get_mut(&partition) {
            Some(run) if run.epoch == epoch && run.to < stream_seq => {
                *run = EffectRun { effects: run.effects + 1, last: sequence, to: stream_seq, ..*run };
            }
            _ => self.ended.extend(self.open.insert(partition, begun)),
        }
    }

    /// How many effects were taken.
    #[must_use]
    pub fn effects(&self) -> u64 {
        self.effects
    }

    /// All runs, in the order in which they begin in the sink.
    #[must_use]
    pub fn all(mut self) -> Vec<EffectRun> {
        self.ended.extend(self.open.into_values());
        self.ended.sort_unstable_by_key(|run| run.first);
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_where_the_epoch_changes_or_the_sequence_goes_back() {
        let mut runs = EffectRuns::default();
        for (sequence, partition, epoch, stream_seq) in
            [(2, 0, 1, 10), (3, 1, 1, 11), (4, 0, 1, 12), (6, 0, 2, 12), (7, 0, 1, 14), (8, 0, 2, 14), (9, 0, 2, 14)]
        {
            runs.add(sequence, Effect { partition, epoch, stream_seq });
        }
        assert_eq!(runs.effects(), 7);
        let told: Vec<_> = runs.all().iter().map(|run| (run.partition, run.epoch, run.effects, run.first)).collect();
        assert_eq!(told, [(0, 1, 2, 2), (1, 1, 1, 3), (0, 2, 1, 6), (0, 1, 1, 7), (0, 2, 1, 8), (0, 2, 1, 9)]);
    }
}
