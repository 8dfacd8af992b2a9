//! A run while it goes on: how far it is, what it has come through. A look, not the verdict.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::story::Phase;

/// So many looks are remembered: five minutes of them, one a second.
const PAST_MAX: usize = 300;
/// So many lines are remembered.
const TOLD_MAX: usize = 64;

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Which phase it is in.
    pub phase: Option<Phase>,
    /// Time since the load began.
    pub elapsed: Duration,
    /// Time from the start of the load to the end of the measure phase.
    pub planned: Duration,
    /// Messages that the schedule wants a second; `None` in a closed loop and when the load has ended.
    pub offered_per_s: Option<f64>,
    /// Messages stored a second, since the last look.
    pub stored_per_s: f64,
    /// Messages handled a second, since the last look.
    pub handled_per_s: f64,
    /// Messages stored so far.
    pub stored: u64,
    /// Messages handled so far, each once.
    pub handled: u64,
    /// Stored and not yet handled.
    pub backlog: u64,
    /// Time from `intended` to `finished` of what was handled since the last look; absent when nothing was.
    pub latency: Option<Latency>,
    /// Members alive.
    pub members: usize,
    /// Of each partition: the member that owns it, by its own word. Nobody owns any where the strategy has
    /// no owners.
    pub owners: Vec<Option<u16>>,
    /// Kind of the next fault, and how long until it strikes.
    pub next_fault: Option<(String, Duration)>,
    /// First handlings that came too early or too late so far, about.
    pub breaks: u64,
    /// Broken promises that have been seen so far.
    pub violations: u64,
}

impl Progress {
    /// How long the load will still last; nothing once it has ended.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.planned.saturating_sub(self.elapsed)
    }
}

/// What handling took, end to end, in a stretch of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// The median.
    pub p50: Duration,
    /// The 99th percentile.
    pub p99: Duration,
    /// The greatest.
    pub max: Duration,
}

/// What a run is, as its manifest says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Its id.
    pub run: String,
    /// Its profile.
    pub profile: String,
    /// The strategy.
    pub strategy: String,
    /// The variant of the profile, where it has variants.
    pub variant: Option<String>,
    /// The seed.
    pub seed: u64,
    /// Version of jetlag.
    pub jetlag_version: String,
    /// Version of nats-server.
    pub server_version: String,
}

/// A run while it goes on. Its memory is bounded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    /// What it is; nothing before its folder is there.
    pub about: Option<About>,
    /// How far it is; nothing before the load begins.
    pub progress: Option<Progress>,
    /// Earlier looks, the oldest first, this one included.
    pub past: VecDeque<Point>,
    /// Strikes so far, by kind of fault.
    pub faults: BTreeMap<String, u64>,
    /// Whether anybody has owned a partition yet: strategies without owners have nothing to show.
    pub has_owners: bool,
    /// What was told, the oldest first: faults and notes, in a sentence each.
    pub told: VecDeque<String>,
}

/// What is remembered of a look.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Messages stored a second.
    pub stored_per_s: f64,
    /// Messages handled a second.
    pub handled_per_s: f64,
    /// Stored and not yet handled.
    pub backlog: u64,
    /// The 99th percentile of the latency; absent when nothing was handled.
    pub latency_p99: Option<Duration>,
}

impl Live {
    /// Takes in a look.
    pub fn note_progress(&mut self, progress: &Progress) {
        if self.past.len() == PAST_MAX {
            self.past.pop_front();
        }
        self.past.push_back(Point {
            stored_per_s: progress.stored_per_s,
            handled_per_s: progress.handled_per_s,
            backlog: progress.backlog,
            latency_p99: progress.latency.map(|latency| latency.p99),
        });
        self.has_owners |= progress.owners.iter().any(Option::is_some);
        self.progress = Some(progress.clone());
    }

    /// Takes in a strike of a fault of this kind.
    pub fn note_fault(&mut self, kind: &str, told: String) {
        *self.faults.entry(kind.to_owned()).or_default() += 1;
        self.note(told);
    }

    /// Takes in a sentence.
    pub fn note(&mut self, told: String) {
        if self.told.len() == TOLD_MAX {
            self.told.pop_front();
        }
        self.told.push_back(told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded_and_the_latest() {
        let mut live = Live::default();
        for backlog in 0..1_000 {
            live.note_progress(&Progress { backlog, ..Progress::default() });
            live.note_fault("kill", format!("kill {backlog}"));
        }
        assert_eq!((live.past.len(), live.told.len()), (PAST_MAX, TOLD_MAX));
        assert_eq!(live.past.back().map(|point| point.backlog), Some(999));
        assert_eq!(live.told.back().map(String::as_str), Some("kill 999"));
        assert_eq!(live.faults.get("kill"), Some(&1_000));
    }
}
