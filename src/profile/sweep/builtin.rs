//! The sweeps that come with jetlag, compiled in.

use crate::profile::builtin::Builtin;

/// All there are, in the order shown.
pub const ALL: &[Builtin] = &[Builtin { name: "storage", text: include_str!("../../../profiles/sweeps/storage.toml") }];

/// The built-in sweep of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Builtin> {
    ALL.iter().find(|builtin| builtin.name == name)
}
