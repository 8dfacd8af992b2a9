//! What a process has used so far: one small file read a process, cheap enough for every 250 ms.

use crate::model::time::SpanNs;

use super::child::Pid;

/// What a process has used since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time, user and system, of all its threads; in steps of the kernel's tick, mostly 10 ms.
    pub cpu: SpanNs,
    /// Resident memory in bytes.
    pub memory_bytes: u64,
}

impl Usage {
    /// What both have used together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { cpu: SpanNs(self.cpu.0 + other.cpu.0), memory_bytes: self.memory_bytes + other.memory_bytes }
    }
}

/// Reads what `pid` has used; `None` when there is no such process any more.
#[cfg(target_os = "linux")]
#[must_use]
pub fn usage(pid: Pid) -> Option<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    parse(&stat, rustix::param::clock_ticks_per_second(), rustix::param::page_size() as u64)
}

/// Reads what `pid` has used; `None` when there is no such process any more.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn usage(pid: Pid) -> Option<Usage> {
    use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};
    let pid = sysinfo::Pid::from_u32(pid.number());
    let mut system = System::new().ok()?;
    let wanted = ProcessRefreshKind::nothing().with_cpu().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, wanted);
    let process = system.process(pid)?;
    Some(Usage {
        cpu: SpanNs(process.accumulated_cpu_time().saturating_mul(1_000_000)),
        memory_bytes: process.memory(),
    })
}

/// The fields of `/proc/<pid>/stat` that matter (proc_pid_stat(5)).
#[cfg(target_os = "linux")]
fn parse(stat: &str, ticks_per_s: u64, page_bytes: u64) -> Option<Usage> {
    // The name in parentheses may itself hold spaces and parentheses: the fields start after the last one.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    // The first field after the name is number 3.
    let user: u64 = fields.nth(14 - 3)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let resident_pages: u64 = fields.nth(24 - 16)?.parse().ok()?;
    let ticks = u128::from(user) + u128::from(system);
    let cpu = u64::try_from(ticks * 1_000_000_000 / u128::from(ticks_per_s.max(1))).ok()?;
    Some(Usage { cpu: SpanNs(cpu), memory_bytes: resident_pages.saturating_mul(page_bytes) })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a) b) R 1 7 7 0 -1 4194304 95 0 0 0 150 50 0 0 20 0 1 0 4242 1000000 300 18446744073709551615";
        assert_eq!(parse(stat, 100, 4096), Some(Usage { cpu: SpanNs(2_000_000_000), memory_bytes: 300 * 4096 }));
    }

    #[test]
    fn half_a_line_is_no_usage() {
        assert_eq!(parse("7 (a) R 1 7", 100, 4096), None);
        assert_eq!(parse("", 100, 4096), None);
    }

    #[test]
    fn work_shows_in_the_usage_of_this_process() {
        let before = usage(Pid::own()).expect("this process lives");
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        let mut work = 0_u64;
        while usage(Pid::own()).expect("this process lives").cpu <= before.cpu {
            assert!(std::time::Instant::now() < deadline, "no CPU time was counted");
            work = std::hint::black_box(work.wrapping_add(1));
        }
        assert!(before.memory_bytes > 0);
    }
}
