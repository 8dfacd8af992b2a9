//! Rule 5: within an epoch every delivery follows the last one. The only thing that shows deliveries lost on the way.

/// Where a delivery stands: in the stream, and in the consumer that delivers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Stream sequence.
    pub stream: u64,
    /// Consumer sequence: 1, 2, 3 … over everything the consumer delivered, redeliveries included.
    pub consumer: u64,
}

/// What was delivered last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Continuity {
    last: Position,
}

impl Continuity {
    /// Nothing was delivered yet, and `start` is the first stream sequence that may come.
    #[must_use]
    pub const fn starting_at(start: u64) -> Self {
        Self { last: Position { stream: start.saturating_sub(1), consumer: 0 } }
    }

    /// Takes a delivery if it follows: the next consumer sequence, so that none is missing, and a higher stream sequence, for a
    /// redelivery would come behind newer messages.
    pub const fn follow(&mut self, next: Position) -> bool {
        let follows = next.consumer == self.last.consumer + 1 && next.stream > self.last.stream;
        if follows {
            self.last = next;
        }
        follows
    }

    /// Whether the server has booked deliveries beyond what came. It says how many with every heartbeat, behind everything
    /// it has sent.
    #[must_use]
    pub const fn lacks(&self, delivered: u64) -> bool {
        delivered > self.last.consumer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_next_consumer_sequence_with_a_higher_stream_sequence_follows() {
        let mut continuity = Continuity::starting_at(10);
        assert!(!continuity.follow(Position { stream: 9, consumer: 1 }), "before the start");
        assert!(continuity.follow(Position { stream: 10, consumer: 1 }));
        assert!(!continuity.follow(Position { stream: 12, consumer: 3 }), "one is missing");
        assert!(!continuity.follow(Position { stream: 10, consumer: 2 }), "a redelivery");
        assert!(continuity.follow(Position { stream: 15, consumer: 2 }), "other partitions lie between");
    }

    #[test]
    fn a_lost_tail_shows_in_what_the_server_has_booked() {
        let mut continuity = Continuity::starting_at(1);
        assert!(!continuity.lacks(0));
        assert!(continuity.lacks(1));
        assert!(continuity.follow(Position { stream: 1, consumer: 1 }));
        assert!(!continuity.lacks(1));
    }
}
