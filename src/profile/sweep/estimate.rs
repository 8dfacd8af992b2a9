//! How long the rest of a sweep takes: from the phases of its profiles, and from what runs have taken so far. Pure.

use std::time::Duration;

use super::Turn;
use crate::profile::plan::Phases;

/// What starting and ending a run takes beside its phases, before any was made.
const AROUND_A_RUN: Duration = Duration::from_secs(4);

/// What the runs so far took beyond their warm-up and measure phases.
#[derive(Clone, Debug, Default)]
pub struct Estimate {
    made: Vec<(usize, Duration)>,
}

impl Estimate {
    /// Notes what the run of a turn took in all.
    pub fn took(&mut self, turn: Turn, phases: Phases, all: Duration) {
        self.made.push((turn.cell, all.saturating_sub(fixed(phases))));
    }

    /// How long a run of this cell may take: its phases, and beside them what other runs of the cell took on average, else
    /// what all runs did.
    #[must_use]
    pub fn of(&self, cell: usize, phases: Phases) -> Duration {
        let own: Vec<Duration> = self.made.iter().filter(|(of, _)| *of == cell).map(|(_, beside)| *beside).collect();
        let all: Vec<Duration> = self.made.iter().map(|(_, beside)| *beside).collect();
        fixed(phases) + mean(&own).or_else(|| mean(&all)).unwrap_or(AROUND_A_RUN)
    }

    /// How long all of these take, one after the other.
    #[must_use]
    pub fn of_all(&self, turns: impl IntoIterator<Item = (usize, Phases)>) -> Duration {
        turns.into_iter().map(|(cell, phases)| self.of(cell, phases)).sum()
    }
}

fn fixed(phases: Phases) -> Duration {
    Duration::from_nanos(phases.warm_up.0.saturating_add(phases.measure.0))
}

fn mean(spans: &[Duration]) -> Option<Duration> {
    let count = u32::try_from(spans.len()).ok().filter(|count| *count > 0)?;
    Some(spans.iter().sum::<Duration>() / count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::SpanNs;

    #[test]
    fn what_runs_took_replaces_what_was_guessed() {
        let s = |seconds: u64| SpanNs(seconds * 1_000_000_000);
        let phases = Phases { warm_up: s(1), measure: s(9), drain_max: s(60), read_back_max: s(0) };
        let mut estimate = Estimate::default();
        assert_eq!(estimate.of_all([(0, phases), (1, phases)]), Duration::from_secs(28));
        estimate.took(Turn { cell: 0, repeat: 1 }, phases, Duration::from_secs(12));
        estimate.took(Turn { cell: 1, repeat: 1 }, phases, Duration::from_secs(16));
        assert_eq!(estimate.of(0, phases), Duration::from_secs(12));
        assert_eq!(estimate.of(1, phases), Duration::from_secs(16));
        assert_eq!(estimate.of(2, phases), Duration::from_secs(14), "the mean of all others");
    }
}
