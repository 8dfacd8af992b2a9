//! What a strategy promises. Only a broken promise makes a run `violated`.

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
    /// The strategy has owners: a partition belongs to one member at a time.
    pub owners: bool,
}
