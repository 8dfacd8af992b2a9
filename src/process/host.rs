//! What the system tells of the machine beside what a report names: governors, clock source, limits, who uses the processors.
//!
//! What it does not tell is absent. Most of it only Linux tells.

use std::collections::BTreeSet;
use std::path::Path;

use rustix::process::{Resource, getrlimit};

/// What decides how fast the processors run, each kind once.
#[must_use]
pub fn governors() -> Vec<String> {
    let Ok(processors) = std::fs::read_dir("/sys/devices/system/cpu") else { return Vec::new() };
    let governors = processors.filter_map(|entry| {
        let governor = word(&entry.ok()?.path().join("cpufreq/scaling_governor"))?;
        (!governor.is_empty()).then_some(governor)
    });
    governors.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Whether this is a virtual machine.
#[must_use]
pub fn is_virtual() -> Option<bool> {
    let told = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let flags = told.lines().find(|line| line.starts_with("flags"))?;
    Some(flags.split_whitespace().any(|flag| flag == "hypervisor"))
}

/// What the kernel counts time with.
#[must_use]
pub fn clock_source() -> Option<String> {
    word(Path::new("/sys/devices/system/clocksource/clocksource0/current_clocksource"))
}

/// How many files a process may open, now and at most; `None` for no limit.
#[must_use]
pub fn file_limit() -> (Option<u64>, Option<u64>) {
    let limit = getrlimit(Resource::Nofile);
    (limit.current, limit.maximum)
}

fn word(path: &Path) -> Option<String> {
    Some(std::fs::read_to_string(path).ok()?.trim().to_owned())
}

/// What all processors together have done since the machine was started, in ticks of the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticks {
    /// All of them.
    pub all: u64,
    /// Those in which a program of this machine ran.
    pub busy: u64,
    /// Those that the host of a virtual machine gave to somebody else.
    pub stolen: u64,
}

/// Reads them.
#[must_use]
pub fn ticks() -> Option<Ticks> {
    parse(&std::fs::read_to_string("/proc/stat").ok()?)
}

/// The first line of `/proc/stat` (proc_stat(5)): user, nice, system, idle, iowait, irq, softirq, steal, and guests, who are in `user`.
fn parse(stat: &str) -> Option<Ticks> {
    let mut fields =
        stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().map(|field| field.parse::<u64>().ok());
    let mut next = || fields.next().flatten();
    let (user, nice, system, idle, iowait) = (next()?, next()?, next()?, next()?, next()?);
    let (irq, softirq, stolen) = (next()?, next()?, next().unwrap_or(0));
    let busy = user + nice + system + irq + softirq;
    Some(Ticks { all: busy + idle + iowait + stolen, busy, stolen })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_not_counted_twice_and_half_a_line_is_nothing() {
        let told = parse("cpu  10 1 5 100 4 2 1 7 3 3\ncpu0 1 2 3");
        assert_eq!(told, Some(Ticks { all: 130, busy: 19, stolen: 7 }));
        assert_eq!(parse("cpu  10 1"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn this_machine_has_a_limit_of_files_that_it_keeps() {
        let (soft, hard) = file_limit();
        assert!(hard.is_none_or(|hard| soft.is_some_and(|soft| soft <= hard)), "{soft:?} {hard:?}");
    }
}
