//! Demands: what a profile needs the server to be able to do, as the version of nats-server that brought it.
//!
//! Pure. They are asked twice before anything is made: in the checks, when a profile names a version, and by the driver,
//! of the server that it found or reached.

use super::document::{Document, Publish};
use crate::nats::Version;
use crate::strategy::Strategy;
use crate::strategy::effects::Sink;

/// Something that a server must be able to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The version that brought it.
    pub version: Version,
    /// The key that demands it.
    pub key: &'static str,
    /// What is demanded, to be read after "version X is needed for".
    pub why: &'static str,
    /// What to do instead.
    pub remedy: &'static str,
}

/// Everything that `document` demands of a server.
#[must_use]
pub fn demands(document: &Document) -> Vec<Demand> {
    let mut demands = Vec::new();
    let mut add = |is_demanded: bool, version, key, why, remedy| {
        if is_demanded {
            demands.push(Demand { version, key, why, remedy });
        }
    };
    add(
        document.strategy.sink() == Sink::Fenced,
        Version::new(2, 11, 0),
        "strategy.sink",
        "the fence of effects (sink \"fenced\")",
        "write to a sink \"plain\", which takes effects of superseded owners",
    );
    add(
        document.strategy.hears_the_system(),
        Version::new(2, 12, 0),
        "strategy.hints",
        "events of connections to the default account (hint \"sys\")",
        "take hints = [\"probe\"]",
    );
    let publish = document.load.publish;
    let atomic = publish == Publish::AtomicBatch;
    add(
        matches!(document.strategy, Strategy::Pinned(_)),
        Version::new(2, 11, 0),
        "strategy.kind",
        "pinned clients of a consumer (strategy \"pinned\")",
        "take another strategy",
    );
    add(
        atomic,
        Version::new(2, 12, 0),
        "load.publish",
        "atomic batches (publish \"atomic-batch\")",
        "publish \"windowed\"",
    );
    add(
        atomic && document.load.message_id,
        Version::new(2, 12, 1),
        "load.publish",
        "message ids in atomic batches (message-id = true)",
        "publish \"windowed\" (without message ids 2.12.0 will do)",
    );
    add(
        publish == Publish::FastBatch,
        Version::new(2, 14, 0),
        "load.publish",
        "fast ingest (publish \"fast-batch\")",
        "publish \"windowed\"",
    );
    demands
}

/// The greatest of `demands` that a server of `version` does not meet.
#[must_use]
pub fn unmet(demands: &[Demand], version: Version) -> Option<&Demand> {
    demands.iter().filter(|demand| version < demand.version).max_by_key(|demand| demand.version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::pinned;

    #[test]
    fn a_profile_without_anything_special_demands_nothing() {
        assert_eq!(demands(&Document::default()), []);
    }

    #[test]
    fn of_what_a_server_lacks_the_newest_is_told() {
        let mut document = Document { strategy: Strategy::Pinned(pinned::Settings::default()), ..Document::default() };
        document.load.publish = Publish::AtomicBatch;
        let demands = demands(&document);
        let least = |version| unmet(&demands, version).map(|demand| demand.version);
        assert_eq!(least(Version::new(2, 10, 26)), Some(Version::new(2, 12, 1)));
        assert_eq!(least(Version::new(2, 12, 0)), Some(Version::new(2, 12, 1)));
        assert_eq!(least(Version::new(2, 12, 8)), None);
        document.load.message_id = false;
        let without_ids = super::demands(&document);
        assert_eq!(unmet(&without_ids, Version::new(2, 12, 0)), None);
    }
}
