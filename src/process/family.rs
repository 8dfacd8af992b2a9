//! Families: who descends from whom, as the system sees it at one instant.
//!
//! A program that somebody else wrote may start further processes. Whoever strikes it must strike these, too.

use std::collections::{BTreeMap, BTreeSet};

use super::child::{Handle, Pid};

/// So often a family is looked at anew until nobody new is in it: a process can start another one while it is struck.
const ROUNDS_MAX: usize = 8;

/// All processes and their parents, at one instant.
#[derive(Debug, Default)]
pub struct Families(BTreeMap<u32, Vec<u32>>);

impl Families {
    /// Looks.
    #[must_use]
    pub fn now() -> Self {
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (pid, parent) in everybody() {
            children.entry(parent).or_default().push(pid);
        }
        Self(children)
    }

    /// Everybody who descends from `pid`, parents before their children; without `pid` itself.
    #[must_use]
    pub fn below(&self, pid: Pid) -> Vec<Pid> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::from([pid.number()]);
        let mut next = vec![pid.number()];
        while let Some(parent) = next.pop() {
            for child in self.0.get(&parent).into_iter().flatten().copied().filter(|child| seen.insert(*child)) {
                found.extend(Pid::from_number(child));
                next.push(child);
            }
        }
        found
    }
}

/// Stops (SIGSTOP) everybody who descends from `pid`, also those that were started meanwhile. Returns how to signal them.
///
/// Nobody who is stopped starts anybody, so this comes to an end.
pub fn stop_descendants(pid: Pid) -> Vec<Handle> {
    let mut struck: BTreeMap<u32, Handle> = BTreeMap::new();
    for _ in 0..ROUNDS_MAX {
        let new: Vec<_> =
            Families::now().below(pid).into_iter().filter(|pid| !struck.contains_key(&pid.number())).collect();
        if new.is_empty() {
            break;
        }
        for descendant in new {
            let handle = Handle::of_descendant(descendant);
            // Who has ended in this instant needs no signal, and a descriptor that was opened too late names a stranger.
            if Families::now().below(pid).contains(&descendant) && handle.stop().is_ok() {
                struck.insert(descendant.number(), handle);
            }
        }
    }
    struck.into_values().collect()
}

/// Whether a signal has stopped it. False too where the system does not tell.
#[must_use]
pub fn is_stopped(handle: &Handle) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", handle.pid()));
    stat.is_ok_and(|stat| stat.rsplit_once(')').is_some_and(|(_, fields)| fields.trim_start().starts_with('T')))
}

#[cfg(target_os = "linux")]
fn everybody() -> Vec<(u32, u32)> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some((pid, parent(&stat)?))
    })
    .collect()
}

/// The parent in `/proc/<pid>/stat` (proc_pid_stat(5)): the second field behind the name. A zombie is nobody.
#[cfg(target_os = "linux")]
fn parent(stat: &str) -> Option<u32> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    if state == "Z" { None } else { fields.next()?.parse().ok() }
}

#[cfg(not(target_os = "linux"))]
fn everybody() -> Vec<(u32, u32)> {
    use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};
    let Ok(mut system) = System::new() else { return Vec::new() };
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, ProcessRefreshKind::nothing());
    let known = system.processes().iter();
    known.filter_map(|(pid, process)| Some((pid.as_u32(), process.parent()?.as_u32()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Child, Group};

    #[test]
    fn descendants_are_found_through_generations_and_strangers_are_not() {
        let families = Families(BTreeMap::from([(1, vec![2, 9]), (2, vec![3]), (3, vec![4]), (8, vec![7])]));
        let below = |number| -> Vec<u32> {
            let pid = Pid::from_number(number).expect("a pid");
            families.below(pid).into_iter().map(Pid::number).collect()
        };
        assert_eq!(below(2), [3, 4]);
        assert_eq!(below(8), [7]);
        assert!(below(4).is_empty());
    }

    #[test]
    fn pids_that_name_each_other_as_parents_end_the_search() {
        let families = Families(BTreeMap::from([(2, vec![3]), (3, vec![2])]));
        assert_eq!(families.below(Pid::from_number(2).expect("a pid")).len(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_with_parentheses_does_not_shift_the_parent() {
        assert_eq!(parent("7 (a) b) S 5 7 7"), Some(5));
        assert_eq!(parent("7 (a) Z 5 7 7"), None);
        assert_eq!(parent("7"), None);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_shell_and_what_it_started_are_stopped_and_killed() {
        let mut command = tokio::process::Command::new("sh");
        command.args(["-c", "sh -c 'sleep 1000; true' & wait"]);
        let mut child = Child::spawn("shell", command, Group::unguarded()).expect("a shell starts");
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while Families::now().below(child.pid()).len() < 2 {
            assert!(std::time::Instant::now() < deadline, "the shell started nobody");
            tokio::task::yield_now().await;
        }
        let struck = stop_descendants(child.pid());
        assert_eq!(struck.len(), 2);
        for handle in struck {
            handle.kill().expect("it lives");
        }
        while !Families::now().below(child.pid()).is_empty() {
            assert!(std::time::Instant::now() < deadline, "somebody lives on");
            tokio::task::yield_now().await;
        }
        let _ = child.handle().kill();
        let _ = child.wait().await;
    }
}
