//! Processes: started in one group that nothing outlives, signalled, sampled, and the machine they run on.
//!
//! What the processes do and why they are struck is the driver's business.

pub mod child;
pub mod disk;
pub mod environment;
pub mod family;
pub mod host;
pub mod loopback;
pub mod reaper;
pub mod sample;

pub use child::{Child, Exit, Group, Handle, PASSWORD_VARIABLE, Pid, SERVER_VARIABLE, TOKEN_VARIABLE};
pub use environment::{VERSION, machine};
pub use family::{Families, is_stopped, stop_descendants};
pub use reaper::Reaper;
pub use sample::{Usage, usage};

/// What can go wrong with a process.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program could not be started.
    #[error("cannot start {name} ({program}): {source}{remedy}")]
    Spawn {
        /// Name of the process.
        name: String,
        /// The program.
        program: String,
        /// What to do about it, in parentheses; empty when the source says it all.
        remedy: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A signal could not be sent.
    #[error("cannot send {signal} to {name} (pid {pid}): {source}")]
    Signal {
        /// Name of the process.
        name: String,
        /// Its pid.
        pid: Pid,
        /// The signal.
        signal: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The process has ended, so there is nobody to signal.
    #[error("cannot send {signal} to {name} (pid {pid}): it has ended")]
    Ended {
        /// Name of the process.
        name: String,
        /// The pid it had.
        pid: Pid,
        /// The signal.
        signal: &'static str,
    },
    /// Waiting for a process failed.
    #[error("cannot wait for {name} (pid {pid}): {source}")]
    Wait {
        /// Name of the process.
        name: String,
        /// Its pid.
        pid: Pid,
        /// What the system said.
        source: std::io::Error,
    },
    /// The reaper did not come up.
    #[error("the reaper, which ends all processes should this one die, did not start: {0}")]
    Reaper(String),
}
