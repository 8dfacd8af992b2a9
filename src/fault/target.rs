//! Whom a fault strikes, as profiles write it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whom a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The member with this index, written `c2` or `member:2`.
    Member(u16),
    /// Whoever owns this partition at that moment, written `owner-of:3`.
    OwnerOf(u16),
    /// One of those that can be struck, by the seed; for a restart the one that died last. Written `random`.
    Random,
    /// All that can be struck, written `all`.
    All,
    /// A member that is not there yet, written `new`: for `join` only.
    New,
    /// The server node with this number, written `node:2`: for server faults.
    Node(u16),
    /// The server node that leads the stream at that moment, written `leader`.
    Leader,
    /// One that does not lead it, by the seed, written `follower`.
    Follower,
    /// The publisher with this index, written `p0` or `publisher:0`: for `cut` only.
    Publisher(u16),
}

/// The form of a target, whatever its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `c2`.
    Member,
    /// `owner-of:3`.
    OwnerOf,
    /// `random`.
    Random,
    /// `all`.
    All,
    /// `new`.
    New,
    /// `node:2`.
    Node,
    /// `leader`.
    Leader,
    /// `follower`.
    Follower,
    /// `p0`.
    Publisher,
}

impl Form {
    /// What most faults may strike: members that are there.
    pub const MEMBERS: &'static [Self] = &[Self::Member, Self::OwnerOf, Self::Random, Self::All];
    /// What server faults may strike: one node.
    pub const NODES: &'static [Self] = &[Self::Node, Self::Leader, Self::Follower, Self::Random];
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Member => "c2",
            Self::OwnerOf => "owner-of:3",
            Self::Random => "random",
            Self::All => "all",
            Self::New => "new",
            Self::Node => "node:2",
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Publisher => "p0",
        })
    }
}

impl Target {
    /// Its form.
    #[must_use]
    pub fn form(self) -> Form {
        match self {
            Self::Member(_) => Form::Member,
            Self::OwnerOf(_) => Form::OwnerOf,
            Self::Random => Form::Random,
            Self::All => Form::All,
            Self::New => Form::New,
            Self::Node(_) => Form::Node,
            Self::Leader => Form::Leader,
            Self::Follower => Form::Follower,
            Self::Publisher(_) => Form::Publisher,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(index) => write!(f, "c{index}"),
            Self::OwnerOf(partition) => write!(f, "owner-of:{partition}"),
            Self::Random => f.write_str("random"),
            Self::All => f.write_str("all"),
            Self::New => f.write_str("new"),
            Self::Node(number) => write!(f, "node:{number}"),
            Self::Leader => f.write_str("leader"),
            Self::Follower => f.write_str("follower"),
            Self::Publisher(index) => write!(f, "p{index}"),
        }
    }
}

impl FromStr for Target {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "random" => return Ok(Self::Random),
            "all" => return Ok(Self::All),
            "new" => return Ok(Self::New),
            "leader" => return Ok(Self::Leader),
            "follower" => return Ok(Self::Follower),
            _ => {}
        }
        let member = text.strip_prefix("member:").or_else(|| text.strip_prefix('c'));
        let publisher = text.strip_prefix("publisher:").or_else(|| text.strip_prefix('p'));
        let numbered = if let Some(index) = member {
            index.parse().ok().map(Self::Member)
        } else if let Some(number) = text.strip_prefix("node:") {
            number.parse().ok().map(Self::Node)
        } else if let Some(index) = publisher {
            index.parse().ok().map(Self::Publisher)
        } else {
            text.strip_prefix("owner-of:").and_then(|partition| partition.parse().ok()).map(Self::OwnerOf)
        };
        numbered.ok_or_else(|| {
            format!(
                "'{text}' is no target: write \"c2\", \"owner-of:3\", \"node:2\", \"leader\", \"random\" or \"all\""
            )
        })
    }
}

impl Serialize for Target {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Target {
    fn schema_name() -> Cow<'static, str> {
        "Target".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^(random|all|new|leader|follower|c[0-9]+|member:[0-9]+|owner-of:[0-9]+|p[0-9]+|publisher:[0-9]+|node:[0-9]+)$",
            "description": "Whom a fault strikes: \"c2\", \"owner-of:3\", \"random\" or \"all\"; \"new\" for a join; \"p0\" for a cut; for server faults \"node:2\", \"leader\", \"follower\" or \"random\"."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_parses_again() {
        for target in [
            Target::Member(2),
            Target::OwnerOf(3),
            Target::Random,
            Target::All,
            Target::New,
            Target::Publisher(0),
            Target::Node(2),
            Target::Leader,
            Target::Follower,
        ] {
            assert_eq!(target.to_string().parse(), Ok(target));
        }
        assert_eq!("member:2".parse(), Ok(Target::Member(2)));
        assert_eq!("publisher:1".parse(), Ok(Target::Publisher(1)));
    }

    #[test]
    fn what_names_nobody_is_refused() {
        for text in [
            "",
            "c",
            "cc",
            "c-1",
            "owner-of:",
            "owner-of:x",
            "2",
            "everyone",
            "c99999",
            "p",
            "publisher:x",
            "node:",
            "node:x",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
