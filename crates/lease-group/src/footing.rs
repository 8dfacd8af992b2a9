//! Whether what a member stands on still carries it: its bucket, its stream, its rights. No input or output.
//!
//! A server that restarts, an election, a slow disk: all of them pass, and the member waits. What does not pass by itself is told by the server: that the
//! bucket is gone or another one, that the stream is, or that a right is missing. Each is believed when it was said often enough in a row,
//! and then the member leaves in good order and says why. The others go on, if they can.
//!
//! A refusal counts for the duties that need its subject, and for no other: who may not write an effect, or probe, is told so again and
//! again, and would otherwise leave with the next election that keeps its heartbeats from being answered.

mod refusal;

use std::time::Duration;

use crate::clock::Moment;
use crate::error::MemberError;

pub use refusal::{Names, Refusal};

/// How often the server must say in a row that something is gone or changed. Once may be a node that is behind.
const FINDINGS: u32 = 2;
/// How many duties in a row must fail, each with a new refusal by the server.
const REFUSALS: u32 = 3;

/// What a member does over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Writes its heartbeat.
    Beat,
    /// Watches the bucket.
    Watch,
    /// Writes leases.
    Claim,
    /// Opens an epoch.
    Open,
    /// Receives and acknowledges.
    Hear,
}

impl Duty {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Beat, Self::Watch, Self::Claim, Self::Open, Self::Hear];
}

/// What one member knows of its footing.
#[derive(Clone, Debug)]
pub struct Footing {
    soon: Duration,
    late: Duration,
    look_at: Moment,
    looking: bool,
    /// Findings in a row that were against it.
    findings: u32,
    /// The server's last refusal, not yet counted: by [`Duty`].
    refused: [Option<String>; Duty::ALL.len()],
    /// Failures in a row, each with a refusal: by [`Duty`].
    refusals: [u32; Duty::ALL.len()],
    broken: Option<MemberError>,
}

impl Footing {
    /// A footing that was looked at just now, in a group with leases of `ttl`.
    #[must_use]
    pub fn new(now: Moment, ttl: Duration) -> Self {
        let late = (ttl * 3).clamp(Duration::from_secs(1), Duration::from_secs(30));
        Self {
            soon: ttl / 3,
            late,
            look_at: now.plus(late),
            looking: false,
            findings: 0,
            refused: Default::default(),
            refusals: Default::default(),
            broken: None,
        }
    }

    /// A duty succeeded.
    pub fn worked(&mut self, duty: Duty) {
        self.refusals[duty as usize] = 0;
        self.refused[duty as usize] = None;
    }

    /// A duty failed: it is time to look why.
    pub fn failed(&mut self, now: Moment, duty: Duty) {
        self.look_at = self.look_at.min(now.plus(self.soon));
        let Some(reason) = self.refused[duty as usize].take() else { return };
        self.refusals[duty as usize] += 1;
        if self.refusals[duty as usize] >= REFUSALS {
            self.break_with(MemberError::Refused { reason });
        }
    }

    /// The server said that a right is missing.
    pub fn refused(&mut self, refusal: &Refusal) {
        for duty in &refusal.duties {
            self.refused[*duty as usize] = Some(refusal.reason.clone());
        }
    }

    /// Whether to look at bucket and stream now; answer with [`looked`](Self::looked).
    pub fn asks(&mut self, now: Moment) -> bool {
        let asks = !self.looking && self.broken.is_none() && now >= self.look_at;
        self.looking |= asks;
        asks
    }

    /// What was found: nothing wrong, something, or nobody answered.
    pub fn looked(&mut self, now: Moment, found: Option<Result<(), MemberError>>) {
        self.looking = false;
        let pause = match found {
            Some(Ok(())) => {
                self.findings = 0;
                self.late
            }
            Some(Err(error)) => {
                self.findings += 1;
                if self.findings >= FINDINGS {
                    self.break_with(error);
                }
                self.soon
            }
            None => self.soon,
        };
        self.look_at = now.plus(pause);
    }

    /// Why the member cannot go on, if it cannot.
    #[must_use]
    pub const fn broken(&self) -> Option<&MemberError> {
        self.broken.as_ref()
    }

    fn break_with(&mut self, error: MemberError) {
        self.broken.get_or_insert(error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Moment {
        Moment::from_ns(ms * 1_000_000)
    }

    fn footing() -> Footing {
        Footing::new(at(0), Duration::from_millis(900))
    }

    fn gone() -> Option<Result<(), MemberError>> {
        Some(Err(MemberError::Stream { stream: "S".to_owned(), reason: "gone".to_owned() }))
    }

    #[test]
    fn what_is_gone_is_believed_when_it_was_said_twice_in_a_row() {
        let mut footing = footing();
        assert!(!footing.asks(at(100)), "it was looked at when the member joined");
        footing.failed(at(100), Duty::Open);
        assert!(footing.asks(at(400)) && !footing.asks(at(400)), "one look at a time");
        footing.looked(at(401), gone());
        assert!(footing.broken().is_none() && footing.asks(at(701)));
        footing.looked(at(702), Some(Ok(())));
        footing.failed(at(702), Duty::Open);
        assert!(footing.asks(at(1002)));
        footing.looked(at(1003), gone());
        assert!(footing.broken().is_none(), "not in a row");
        assert!(footing.asks(at(1303)));
        footing.looked(at(1304), None);
        assert!(footing.asks(at(1604)));
        footing.looked(at(1605), gone());
        assert!(matches!(footing.broken(), Some(MemberError::Stream { .. })));
        assert!(!footing.asks(at(9000)), "it is over");
    }

    #[test]
    fn a_server_that_does_not_answer_breaks_nothing() {
        let mut footing = footing();
        for ms in (0..60_000).step_by(300) {
            footing.failed(at(ms), Duty::Beat);
            if footing.asks(at(ms)) {
                footing.looked(at(ms), None);
            }
        }
        assert!(footing.broken().is_none());
    }

    fn refusal(duty: Duty) -> Refusal {
        Refusal { duties: vec![duty], reason: "no".to_owned() }
    }

    #[test]
    fn what_is_refused_to_one_duty_does_not_explain_why_another_fails() {
        let mut footing = footing();
        for ms in (0..60_000).step_by(300) {
            footing.refused(&refusal(Duty::Hear));
            footing.failed(at(ms), Duty::Beat);
        }
        assert!(footing.broken().is_none());
    }

    #[test]
    fn what_was_refused_before_it_worked_explains_nothing_afterwards() {
        let mut footing = footing();
        for ms in 0..9 {
            footing.refused(&refusal(Duty::Claim));
            footing.worked(Duty::Claim);
            footing.failed(at(ms), Duty::Claim);
        }
        assert!(footing.broken().is_none());
    }

    #[test]
    fn a_missing_right_is_believed_when_three_dutys_failed_for_it() {
        let mut footing = footing();
        footing.refused(&refusal(Duty::Open));
        for ms in 0..10 {
            footing.failed(at(ms), Duty::Open);
        }
        assert!(footing.broken().is_none(), "one refusal, long ago, explains one failure");
        footing.worked(Duty::Open);
        for count in 0..REFUSALS {
            assert!(footing.broken().is_none(), "{count}");
            footing.refused(&refusal(Duty::Open));
            footing.failed(at(20), Duty::Open);
        }
        assert!(matches!(footing.broken(), Some(MemberError::Refused { .. })));
    }
}
