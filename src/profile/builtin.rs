//! The profiles that come with jetlag, compiled in: they work wherever the binary is.

/// A profile that comes with jetlag.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// Its TOML.
    pub text: &'static str,
}

/// All there are, in the order shown; the first is the default.
pub const ALL: &[Builtin] = &[
    Builtin { name: "quick", text: include_str!("../../profiles/quick.toml") },
    Builtin { name: "throughput", text: include_str!("../../profiles/throughput.toml") },
    Builtin { name: "kill-one", text: include_str!("../../profiles/kill-one.toml") },
    Builtin { name: "rolling-restart", text: include_str!("../../profiles/rolling-restart.toml") },
    Builtin { name: "scale-out", text: include_str!("../../profiles/scale-out.toml") },
    Builtin { name: "naive-vs-safe", text: include_str!("../../profiles/naive-vs-safe.toml") },
    Builtin { name: "price-of-order", text: include_str!("../../profiles/price-of-order.toml") },
    Builtin { name: "strategies", text: include_str!("../../profiles/strategies.toml") },
    Builtin { name: "detection", text: include_str!("../../profiles/detection.toml") },
    Builtin { name: "ledger", text: include_str!("../../profiles/ledger.toml") },
    Builtin { name: "chaos", text: include_str!("../../profiles/chaos.toml") },
    Builtin { name: "soak", text: include_str!("../../profiles/soak.toml") },
    Builtin { name: "ci", text: include_str!("../../profiles/ci.toml") },
];

impl Builtin {
    /// The question that it answers.
    #[must_use]
    pub fn question(&self) -> &'static str {
        question(self.text)
    }
}

/// The built-in profile of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Builtin> {
    ALL.iter().find(|builtin| builtin.name == name)
}

/// The first line of a profile without its `#`; empty when that is no comment.
#[must_use]
pub fn question(text: &str) -> &str {
    text.lines().next().and_then(|line| line.strip_prefix('#')).map_or("", str::trim)
}
