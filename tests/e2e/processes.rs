//! The processes of one test, known by a mark in their environment: every child inherits it, nobody else has it.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

/// Name of the variable.
pub(crate) const MARK: &str = "JETLAG_TEST_MARK";
/// How long anything may take. It is a bound on a broken machine, not an expectation.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(20);

/// A living process.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) stopped: bool,
    pub(crate) words: Vec<OsString>,
    pub(crate) environment: Vec<OsString>,
}

impl Process {
    /// Whether it is a worker of jetlag's.
    pub(crate) fn is_worker(&self) -> bool {
        self.words.get(1).is_some_and(|word| word == "worker")
    }
}

/// The living processes that carry `mark`. One that has ended and was not waited for does not live.
pub(crate) fn marked(mark: &str) -> Vec<Process> {
    let wanted = OsString::from(format!("{MARK}={mark}"));
    let mut system = System::new().expect("processes can be listed here");
    let kind =
        ProcessRefreshKind::nothing().without_tasks().with_cmd(UpdateKind::Always).with_environ(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
    let living = system.processes().iter().filter(|(_, process)| {
        process.environ().contains(&wanted) && !matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead)
    });
    let told = living.map(|(pid, process)| Process {
        pid: Pid::as_u32(*pid),
        stopped: process.status() == ProcessStatus::Stop,
        words: process.cmd().to_vec(),
        environment: process.environ().to_vec(),
    });
    told.collect()
}

/// Waits until `found` finds something.
pub(crate) fn wait_for<T>(what: &str, found: impl FnMut() -> Option<T>) -> T {
    wait_so_long_for(PATIENCE, what, found)
}

/// The same with a bound of its own.
pub(crate) fn wait_so_long_for<T>(patience: Duration, what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {} s in vain for {what}", patience.as_secs());
        std::thread::sleep(POLL);
    }
}

/// Sends a signal to a process that this test, or the driver that it started, has started.
pub(crate) fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw).expect("a pid is a positive number");
    rustix::process::kill_process(pid, signal).expect("the process is there to be signalled");
}
