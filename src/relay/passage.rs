//! What a cut means for bytes and for new connections. Decisions only; lanes and gates carry them out.

use crate::fault::Cut;
use crate::fault::cut::Direction;
use crate::model::time::{MonoNs, SpanNs};

/// Most bytes on their way in one direction of a delayed connection: 10 Gbit/s for 13 ms, or 100 MB/s for 160 ms. More than
/// that waits in the sender, as it does in a network.
const UNDER_WAY_MAX: usize = 16 << 20;
/// Most bytes that are read at once.
pub(super) const READ_MAX: usize = 64 << 10;
/// A throttled connection moves in steps of this part of a second.
const STEPS_PER_S: u64 = 50;

/// What happens to the bytes that go one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// They pass.
    Free,
    /// They wait.
    Held,
    /// They arrive later.
    Late {
        /// By so much.
        delay: SpanNs,
        /// And by a random span below this.
        jitter: SpanNs,
    },
    /// So many a second pass.
    Paced {
        /// So many.
        bytes_per_s: u64,
    },
    /// They are lost.
    Lost,
    /// Their connection is reset.
    Reset,
}

impl Passage {
    /// What `cut` means for what goes in `direction`.
    #[must_use]
    pub fn of(cut: Option<Cut>, direction: Direction) -> Self {
        match cut {
            None => Self::Free,
            Some(Cut::Stall) => Self::Held,
            Some(Cut::Delay { delay, jitter }) => Self::Late { delay, jitter },
            Some(Cut::Throttle { bytes_per_s }) => Self::Paced { bytes_per_s: bytes_per_s.max(1) },
            Some(Cut::Reset) => Self::Reset,
            Some(Cut::OneWay { direction: lost }) if lost == direction => Self::Lost,
            Some(Cut::OneWay { .. }) => Self::Free,
        }
    }

    /// Whether bytes arrive at all.
    #[must_use]
    pub fn moves(self) -> bool {
        matches!(self, Self::Free | Self::Late { .. } | Self::Paced { .. })
    }

    /// Most bytes to be read now, when so many are under way; 0 for none.
    #[must_use]
    pub fn reads(self, under_way: usize) -> usize {
        match self {
            Self::Free if under_way == 0 => READ_MAX,
            Self::Late { .. } if under_way < UNDER_WAY_MAX => READ_MAX,
            Self::Paced { bytes_per_s } if under_way == 0 => {
                usize::try_from((bytes_per_s / STEPS_PER_S).max(1)).unwrap_or(READ_MAX).min(READ_MAX)
            }
            Self::Lost => READ_MAX,
            _ => 0,
        }
    }
}

/// When bytes arrive: none overtakes another.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pacer {
    last: MonoNs,
}

impl Pacer {
    /// When `bytes` that were sent at `now` arrive. `chance` is any number, drawn anew for each call.
    pub fn arrival(&mut self, passage: Passage, now: MonoNs, bytes: usize, chance: u64) -> MonoNs {
        let arrival = match passage {
            Passage::Late { delay, jitter } => {
                let late = if jitter.0 == 0 { 0 } else { chance % jitter.0 };
                (now + delay + SpanNs(late)).max(self.last)
            }
            Passage::Paced { bytes_per_s } => {
                let takes = bytes as u128 * 1_000_000_000 / u128::from(bytes_per_s.max(1));
                now.max(self.last) + SpanNs(u64::try_from(takes).unwrap_or(u64::MAX))
            }
            _ => now,
        };
        self.last = arrival;
        arrival
    }
}

/// Whether a connection can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It can.
    Now,
    /// Not before it is healed: to make one takes both ways.
    Later,
    /// It is refused.
    Refused,
}

impl Admission {
    /// What `cut` means for a new connection.
    #[must_use]
    pub fn under(cut: Option<Cut>) -> Self {
        match cut {
            None | Some(Cut::Delay { .. } | Cut::Throttle { .. }) => Self::Now,
            Some(Cut::Stall | Cut::OneWay { .. }) => Self::Later,
            Some(Cut::Reset) => Self::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn delayed_bytes_keep_their_order_and_are_late_by_what_was_asked(
            sent in prop::collection::vec((0..1_000_000_u64, any::<u64>()), 1..50), delay in 0..1_000_000_u64, jitter in 0..1_000_000_u64,
        ) {
            let passage = Passage::Late { delay: SpanNs(delay), jitter: SpanNs(jitter) };
            let (mut pacer, mut now, mut last) = (Pacer::default(), MonoNs(0), MonoNs(0));
            for (pause, chance) in sent {
                now = now + SpanNs(pause);
                let arrival = pacer.arrival(passage, now, 100, chance);
                prop_assert!(arrival >= now + SpanNs(delay) && arrival >= last);
                prop_assert!(arrival <= (now + SpanNs(delay + jitter)).max(last));
                last = arrival;
            }
        }

        #[test]
        fn a_throttled_connection_is_never_faster_than_it_may(
            sent in prop::collection::vec((0..10_000_000_u64, 1..5_000_usize), 1..50), bytes_per_s in 256..1_000_000_u64,
        ) {
            let passage = Passage::Paced { bytes_per_s };
            let (mut pacer, mut now, mut total, mut last) = (Pacer::default(), MonoNs(0), 0_u128, MonoNs(0));
            for (pause, bytes) in sent {
                now = now + SpanNs(pause);
                total += bytes as u128;
                let arrival = pacer.arrival(passage, now, bytes, 0);
                prop_assert!(arrival >= last && arrival >= now);
                last = arrival;
                // Whole nanoseconds are cut off once a call.
                prop_assert!(u128::from(arrival.0) + 50 >= total * 1_000_000_000 / u128::from(bytes_per_s));
            }
        }
    }

    #[test]
    fn one_way_is_lost_and_the_other_passes() {
        for (lost, other) in
            [(Direction::ToServer, Direction::FromServer), (Direction::FromServer, Direction::ToServer)]
        {
            let cut = Some(Cut::OneWay { direction: lost });
            assert_eq!(Passage::of(cut, lost), Passage::Lost);
            assert_eq!(Passage::of(cut, other), Passage::Free);
            assert_eq!(Admission::under(cut), Admission::Later);
        }
    }

    #[test]
    fn what_is_under_way_is_bounded() {
        for passage in [Passage::Free, Passage::Held, Passage::Paced { bytes_per_s: 1 << 40 }, Passage::Reset] {
            assert_eq!(passage.reads(READ_MAX), 0, "{passage:?}");
        }
        let late = Passage::Late { delay: SpanNs(1), jitter: SpanNs(0) };
        assert_eq!((late.reads(READ_MAX), late.reads(UNDER_WAY_MAX)), (READ_MAX, 0));
        assert!(Passage::Paced { bytes_per_s: 256 }.reads(0) >= 1);
    }
}
