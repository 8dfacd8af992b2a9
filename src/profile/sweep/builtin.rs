//! The sweeps that come with jetlag, compiled in.

use crate::profile::builtin::Builtin;

/// All there are, in the order shown.
pub const ALL: &[Builtin] = &[
    Builtin { name: "price-of-order", text: include_str!("../../../profiles/sweeps/price-of-order.toml") },
    Builtin { name: "gap-vs-ttl", text: include_str!("../../../profiles/sweeps/gap-vs-ttl.toml") },
    Builtin { name: "scaling-partitions", text: include_str!("../../../profiles/sweeps/scaling-partitions.toml") },
    Builtin { name: "scaling-members", text: include_str!("../../../profiles/sweeps/scaling-members.toml") },
    Builtin { name: "replicas", text: include_str!("../../../profiles/sweeps/replicas.toml") },
    Builtin { name: "storage", text: include_str!("../../../profiles/sweeps/storage.toml") },
    Builtin { name: "server-versions", text: include_str!("../../../profiles/sweeps/server-versions.toml") },
];

/// The built-in sweep of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Builtin> {
    ALL.iter().find(|builtin| builtin.name == name)
}
