//! Profiles: from TOML to a plan that is valid by construction.
//!
//! Two stages. The *document* is the file as typed, with the place of every key; the *plan* is what a run needs, and
//! one that exists can be run. Everything wrong with a document is found in one pass ([`Problems`]).

pub mod builtin;
pub mod check;
pub mod demand;
pub mod document;
pub mod plan;
pub mod problem;
pub mod show;
pub mod sweep;

mod load;
mod nearest;
mod reader;
mod setting;
mod shape;
mod tree;

pub use document::Keep;
pub use load::{Loaded, load, open, parse};
pub use nearest::nearest;
pub use plan::Plan;
pub use problem::{Problem, Problems};
pub use shape::schema;
