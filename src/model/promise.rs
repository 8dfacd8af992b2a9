//! What a strategy promises. Only a broken promise makes a run `violated`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The promises of one strategy with its settings (METRICS.md, "What a strategy promises").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Promises {
    /// Every stored message is handled by the end of the drain.
    pub at_least_once: bool,
    /// No key is handled out of stream order, apart from legal replays of uncommitted messages.
    pub order_per_key: bool,
    /// A superseded owner starts nothing after its deadline, and no two sessions believe that they own one partition.
    pub exclusive: bool,
    /// No effect of a superseded owner is ever stored in the sink.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fenced: bool,
    /// The strategy has owners: a partition belongs to one member at a time.
    pub owners: bool,
}

/// `at least once, order per key, exclusive`: those that are made, or `nothing`.
impl fmt::Display for Promises {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let promises = [
            (self.at_least_once, "at least once"),
            (self.order_per_key, "order per key"),
            (self.exclusive, "exclusive"),
            (self.fenced, "no superseded effect"),
        ];
        let made: Vec<&str> = promises.into_iter().filter_map(|(made, words)| made.then_some(words)).collect();
        f.write_str(if made.is_empty() { "nothing" } else { "" })?;
        f.write_str(&made.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_are_told_in_words_and_none_as_nothing() {
        let promises = Promises { at_least_once: true, exclusive: true, ..Promises::default() };
        assert_eq!(promises.to_string(), "at least once, exclusive");
        assert_eq!(Promises::default().to_string(), "nothing");
    }
}
