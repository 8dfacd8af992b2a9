//! The driver: one run from provision to evidence.
//!
//! It starts the server and the workers, lets the faults strike, and writes down what it did to whom. It measures
//! nothing and judges nothing: that is done afterwards, from the evidence.

mod clean;
mod conduct;
mod drops;
mod fleet;
mod look;
mod provision;
pub mod scene;
mod watcher;

use std::path::PathBuf;

use tokio::sync::watch;

use crate::analysis::Followed;
use crate::evidence;
use crate::nats;
use crate::nats::{Access, Version};
use crate::process;
use crate::profile::Plan;
use crate::relay;
use crate::strategy;
pub use clean::clean;
pub use scene::Scene;

/// What a run needs to know beside its plan.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program whose hidden subcommands are the worker and the reaper.
    pub exe: PathBuf,
    /// The command as typed, secrets left out.
    pub command: String,
    /// The user's own server; `None` to start one.
    pub access: Option<Access>,
    /// Leave stream and bucket on the user's server.
    pub keep: bool,
    /// End the run in good order at the first broken promise that is seen.
    pub stop_on_violation: bool,
}

/// How often the user asked to stop: once means in good order, twice means now.
pub type Stop = watch::Receiver<u32>;

/// How a run went, as far as the driver can tell without looking at the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// To its end.
    Whole,
    /// The user stopped it.
    Interrupted,
}

/// Makes one run of `plan` in the new folder `path`. Whatever happens, no process, stream or bucket is left behind,
/// and what was recorded stays.
///
/// # Errors
/// When the environment does not let a run begin, or its evidence cannot be written.
pub async fn run(
    plan: &Plan,
    options: &Options,
    path: PathBuf,
    stop: Stop,
    show: &mut dyn FnMut(&Scene),
) -> Result<Ending, Error> {
    run_followed(plan, options, path, stop, show).await.map(|(ending, _)| ending)
}

/// Makes one run as [`run`] does. Where evidence was dropped while it went on, the report can be made only of what was followed: that is given.
///
/// # Errors
/// As [`run`].
pub async fn run_followed(
    plan: &Plan,
    options: &Options,
    path: PathBuf,
    stop: Stop,
    show: &mut dyn FnMut(&Scene),
) -> Result<(Ending, Option<Followed>), Error> {
    let mut ground = provision::provision(plan, options, path, &stop, show).await?;
    let conducted = conduct::conduct(plan, options, &mut ground, stop, show).await;
    let followed = ground.end_of_watch();
    let cleared = ground.clear(options.keep).await;
    let ending = conducted?;
    cleared?;
    Ok((ending, followed))
}

/// Why a run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A process could not be started or signalled.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// A worker has no pipe.
    #[error("{process} was started without a pipe to talk through")]
    NoPipe {
        /// Its name.
        process: String,
    },
    /// nats-server could not be found or fetched.
    #[error(transparent)]
    Fetch(#[from] nats::fetch::Error),
    /// nats-server could not be started.
    #[error(transparent)]
    Server(#[from] nats::server::Error),
    /// No connection.
    #[error(transparent)]
    Connect(#[from] nats::connect::Error),
    /// There is no relay.
    #[error(transparent)]
    Relay(#[from] relay::Error),
    /// Evidence could not be written.
    #[error(transparent)]
    Evidence(#[from] evidence::Error),
    /// What the strategy's members share could not be made.
    #[error(transparent)]
    Strategy(#[from] strategy::Error),
    /// The server refused something.
    #[error("cannot {deed}: {reason}")]
    Refused {
        /// What was tried.
        deed: String,
        /// What came back, and the remedy.
        reason: String,
    },
    /// What the run made is left on the user's server. The run itself is whole.
    #[error(
        "cannot remove the stream {names}: {why}; when the server is there again, remove what is left with `jetlag clean` and the folder of the run, or with {by_hand}"
    )]
    NotRemoved {
        /// What is left.
        names: String,
        /// What came back.
        why: String,
        /// The commands of NATS that remove it.
        by_hand: String,
    },
    /// The server cannot do what the profile demands.
    #[error(
        "nats-server {found} is too old: {needed} is needed for {why}, which `{key}` demands; use a newer server (without --server: --set server.version={needed} or newer), or {remedy}"
    )]
    TooOld {
        /// What there is.
        found: String,
        /// What is needed.
        needed: Version,
        /// What for.
        why: &'static str,
        /// The key of the profile.
        key: &'static str,
        /// What to do instead.
        remedy: &'static str,
    },
    /// The fault would strike, or the strategy listen to, a server that is not jetlag's own.
    #[error(
        "a {kind} cannot {deed} a server of yours: {why}; leave --server out, and jetlag starts servers of its own"
    )]
    NotOurs {
        /// The fault, or the hint.
        kind: &'static str,
        /// What it would do to the server.
        deed: &'static str,
        /// Why not.
        why: &'static str,
    },
    /// The user may not do what the run needs.
    #[error(
        "{identity} lacks a right that the strategy {strategy} needs: {missing}. Grant it, and take it out of what is denied; all that such a run needs is:\n{permissions}"
    )]
    Rights {
        /// Who.
        identity: String,
        /// The strategy.
        strategy: &'static str,
        /// What is missing, and what it is for.
        missing: String,
        /// The section of a server's configuration that grants all that is needed.
        permissions: String,
    },
    /// A worker could not begin.
    #[error("{process} could not begin: {reason}")]
    Worker {
        /// Its name.
        process: String,
        /// Its last words.
        reason: String,
    },
    /// Workers did not get ready.
    #[error("{processes} did not get ready within {seconds} s; the machine may be overloaded, or the server slow")]
    NotReady {
        /// Their names.
        processes: String,
        /// The bound.
        seconds: u64,
    },
    /// The backlog was not stored in time.
    #[error(
        "the backlog of {messages} messages was not stored within {seconds} s; store fewer (load.backlog), or use a faster server"
    )]
    NotFilled {
        /// How many it was to be.
        messages: u64,
        /// The bound.
        seconds: u64,
    },
    /// The user asked to stop before the run had begun.
    #[error("stopped before the run had begun")]
    StoppedEarly,
}

impl Error {
    fn refused(deed: impl Into<String>, reason: &impl std::fmt::Display) -> Self {
        Self::Refused { deed: deed.into(), reason: reason.to_string() }
    }
}
