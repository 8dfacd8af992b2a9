//! Footing: how the consumers of a strategy stand on the stream, and which streams therefore cannot carry them.
//!
//! Pure. `tests/e2e/hazards_stream.rs` makes each refused thing by hand and sees that a server does what is said here.

/// How the consumers of a strategy stand on the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footing {
    /// They are there before the first message is published.
    pub stands_before_load: bool,
    /// One that still has something to deliver may be deleted, and another one takes its place.
    pub is_replaced: bool,
    /// Two of them may want the same subject at the same time.
    pub overlaps: bool,
    /// They may begin elsewhere than at the beginning, at a stream sequence say.
    pub begins_later: bool,
    /// What was handled is acknowledged.
    pub acknowledges: bool,
    /// Each message has an acknowledgement of its own.
    pub acknowledges_each: bool,
    /// A message that is gone from the stream stops those behind it for ever.
    pub stops_at_holes: bool,
    /// There are none: members hear the subjects that are published to.
    pub hears_what_is_published: bool,
}

impl Footing {
    /// Durables that are made once, before the load, do not overlap, and get every message acknowledged.
    pub const DURABLE: Self = Self {
        stands_before_load: true,
        is_replaced: false,
        overlaps: false,
        begins_later: false,
        acknowledges: true,
        acknowledges_each: true,
        stops_at_holes: false,
        hears_what_is_published: false,
    };

    /// Why a stream with interest retention cannot carry them.
    #[must_use]
    pub fn against_interest(&self) -> Vec<&'static str> {
        let mut why = Vec::new();
        if self.is_replaced {
            why.push("deleting the only consumer of a message drops the message, and a takeover deletes consumers");
        }
        if !self.stands_before_load {
            why.push("what is published before a consumer stands is dropped, and consumers are made on the way");
        }
        if !self.acknowledges {
            why.push("without acknowledgements a message is dropped when it is delivered, handled or not");
        }
        why
    }

    /// Why a work queue cannot carry them.
    #[must_use]
    pub fn against_work_queue(&self) -> Vec<&'static str> {
        let mut why = Vec::new();
        if self.overlaps {
            why.push("consumers must not overlap (error 10100), and the next one is opened beside the last");
        }
        if self.begins_later {
            why.push("consumers must begin at the beginning (error 10101), and here they may begin later");
        }
        if !self.acknowledges {
            why.push("consumers must acknowledge every message (error 10084), and here they do not");
        } else if !self.acknowledges_each {
            why.push(
                "each message must be acknowledged by itself (error 10098), and here an ack covers those before it",
            );
        }
        why
    }

    /// Why a stream that maps the subjects of keys to those of partitions cannot carry them.
    #[must_use]
    pub fn against_routing(&self) -> Option<&'static str> {
        let why =
            "its members hear the subjects that are published to, and only the stream knows what they are mapped to";
        self.hears_what_is_published.then_some(why)
    }

    /// Why a stream whose limits evict messages that nobody has handled cannot carry them.
    #[must_use]
    pub fn against_eviction(&self) -> Option<&'static str> {
        self.stops_at_holes.then_some("a message that is evicted unhandled stops its key for ever")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::consumer::{Ack, Consumer, Deliver, Redelivery};
    use crate::strategy::{
        Strategy, core_queue, key_sequence, lease_group, ordered, pinned, queue_group, serial, shared_pull,
    };

    /// Every strategy, with each setting that its footing depends on.
    fn all() -> Vec<(&'static str, Strategy)> {
        use lease_group::{Commit, Settings, Takeover};
        let group = |commit, takeover| Strategy::LeaseGroup(Settings { commit, takeover, ..Settings::default() });
        let shared_pull = |consumer, ack| {
            let redelivery = Redelivery { ack, ..Redelivery::default() };
            Strategy::SharedPull(shared_pull::Settings { consumer, redelivery, ..shared_pull::Settings::default() })
        };
        vec![
            ("checkpoint", group(Commit::Checkpoint, Takeover::Safe)),
            ("lease-group ack-all", group(Commit::AckAll, Takeover::Safe)),
            ("explicit", group(Commit::Explicit, Takeover::Safe)),
            ("resume", group(Commit::Explicit, Takeover::Resume)),
            ("shared-pull", Strategy::SharedPull(shared_pull::Settings::default())),
            ("without acks", shared_pull(Consumer::default(), Ack::None)),
            ("ack all", shared_pull(Consumer::default(), Ack::All)),
            ("from now on", shared_pull(Consumer { deliver: Deliver::New, ..Consumer::default() }, Ack::Explicit)),
            ("queue-group", Strategy::QueueGroup(queue_group::Settings::default())),
            ("serial", Strategy::Serial(serial::Settings::default())),
            ("ordered", Strategy::Ordered(ordered::Settings::default())),
            ("pinned", Strategy::Pinned(pinned::Settings::default())),
            ("key-sequence", Strategy::KeySequence(key_sequence::Settings::default())),
            ("core-queue", Strategy::CoreQueue(core_queue::Settings::default())),
        ]
    }

    #[test]
    fn the_matrix_of_strategies_and_streams_is_this() {
        // name, objections against interest, against a work queue, against eviction, against routing by the server
        let expected = [
            ("checkpoint", 3, 3, false, false),
            ("lease-group ack-all", 2, 3, false, false),
            ("explicit", 2, 2, false, false),
            ("resume", 1, 0, false, false),
            ("shared-pull", 0, 0, false, false),
            ("without acks", 1, 1, false, false),
            ("ack all", 0, 1, false, false),
            ("from now on", 0, 1, false, false),
            ("queue-group", 0, 0, false, false),
            ("serial", 0, 0, false, false),
            ("ordered", 3, 3, false, false),
            ("pinned", 0, 0, false, false),
            ("key-sequence", 0, 0, true, false),
            ("core-queue", 0, 0, false, true),
        ];
        let told: Vec<_> = all()
            .into_iter()
            .map(|(name, strategy)| {
                let footing = strategy.footing();
                let interest = footing.against_interest().len();
                let work_queue = footing.against_work_queue().len();
                let eviction = footing.against_eviction().is_some();
                (name, interest, work_queue, eviction, footing.against_routing().is_some())
            })
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn each_need_is_an_objection_of_its_own() {
        assert!(Footing::DURABLE.against_interest().is_empty() && Footing::DURABLE.against_work_queue().is_empty());
        for (footing, interest, work_queue) in [
            (Footing { is_replaced: true, ..Footing::DURABLE }, Some("takeover"), None),
            (Footing { stands_before_load: false, ..Footing::DURABLE }, Some("published before"), None),
            (Footing { overlaps: true, ..Footing::DURABLE }, None, Some("10100")),
            (Footing { begins_later: true, ..Footing::DURABLE }, None, Some("10101")),
            (Footing { acknowledges: false, ..Footing::DURABLE }, Some("when it is delivered"), Some("10084")),
            (Footing { acknowledges_each: false, ..Footing::DURABLE }, None, Some("10098")),
        ] {
            for (told, word) in [(footing.against_interest(), interest), (footing.against_work_queue(), work_queue)] {
                assert_eq!(told.len(), word.iter().count(), "{footing:?}: {told:?}");
                assert!(word.is_none_or(|word| told[0].contains(word)), "{footing:?}: {told:?}");
            }
        }
    }
}
