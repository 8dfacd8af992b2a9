//! A stage for benches of whole runs: each run has a server of its own, started for it, and a folder that goes with it.
//!
//! A run that did not go well ends the bench: figures of a run that is invalid, or broke a promise, mean nothing.
//! However it ends, the driver leaves no process behind, and the folder of the run is removed.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::process::ExitCode;

use jetlag::driver::{self, Ending, Options, Scene, Stop};
use jetlag::model::reading::{Scope, Stat};
use jetlag::model::report::{Report, RunState};
use jetlag::profile::{self, Plan, Problems};
use jetlag::{evidence, metric};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::LocalSet;

/// How many runs in a row may lack the reading that they are made for.
const TRIES: u32 = 3;

/// Where the runs of a bench are made.
pub(crate) struct Stage {
    runtime: Runtime,
    local: LocalSet,
    stop: Stop,
    /// Notes told already: every run has the same to tell.
    told: RefCell<BTreeSet<String>>,
}

/// Why a bench cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The bench's own profile is wrong.
    #[error("{0}")]
    Profile(Problems),
    /// No runtime, no signals, no folder.
    #[error("cannot {deed}: {source}")]
    System {
        /// What was tried.
        deed: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A run could not be made.
    #[error(transparent)]
    Driver(#[from] driver::Error),
    /// What it left cannot be read.
    #[error(transparent)]
    Evidence(#[from] evidence::Error),
    /// It was made and did not go well.
    #[error("a run ended {state}: {reasons}; the machine may be too busy for this bench")]
    Run {
        /// How it ended.
        state: RunState,
        /// Why.
        reasons: String,
    },
    /// They went well and lack what they were made for.
    #[error("{TRIES} runs in a row have no reading {metric} ({stat}) of {scope}")]
    Unread {
        /// Which metric.
        metric: &'static str,
        /// Which statistic.
        stat: Stat,
        /// Of what.
        scope: Scope,
    },
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    fn system(deed: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { deed, source }
    }
}

/// Plays `bench` on a stage. Criterion has no way to fail: an error unwinds out of it, without a panic's message, and is
/// told here.
pub(crate) fn play(bench: impl FnOnce(&Stage)) -> ExitCode {
    let played = catch_unwind(AssertUnwindSafe(|| {
        let stage = Stage::new().unwrap_or_else(|error| give_up(error));
        bench(&stage);
    }));
    match played.map_err(|payload| payload.downcast::<Error>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Ok(error)) => {
            eprintln!("\nerror: {error}");
            ExitCode::from(if matches!(*error, Error::Interrupted) { 130 } else { 1 })
        }
        Err(Err(panic)) => resume_unwind(panic),
    }
}

fn give_up(error: Error) -> ! {
    resume_unwind(Box::new(error))
}

/// The plan in `text`, the profile of a bench, with `sets` laid over it.
pub(crate) fn plan(text: &str, sets: &[String]) -> Plan {
    let loaded = profile::parse("bench", "the profile of this bench", text, sets);
    let mut plans = loaded.map(|loaded| loaded.plans()).unwrap_or_else(|problems| give_up(Error::Profile(problems)));
    plans.swap_remove(0)
}

impl Stage {
    fn new() -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::system("start a runtime"))?;
        let local = LocalSet::new();
        let stop = local.block_on(&runtime, async { listen_for_stop() }).map_err(Error::system("listen for Ctrl-C"))?;
        Ok(Self { runtime, local, stop, told: RefCell::default() })
    }

    /// Makes runs until one has a value for a reading, and gives it: a run in which nothing was there to be observed has
    /// none. `plan` makes the next run's plan.
    pub(crate) fn measure(
        &self,
        mut plan: impl FnMut() -> Plan,
        metric: &'static str,
        stat: Stat,
        scope: &Scope,
    ) -> f64 {
        let mut measured = || {
            for _ in 0..TRIES {
                let report = self.run(&plan())?;
                let found = report.readings.iter().find(|r| r.metric == metric && r.stat == stat && r.scope == *scope);
                if let Some(value) = found.and_then(|reading| reading.value) {
                    return Ok(value);
                }
            }
            Err(Error::Unread { metric, stat, scope: scope.clone() })
        };
        measured().unwrap_or_else(|error| give_up(error))
    }

    fn run(&self, plan: &Plan) -> Result<Report, Error> {
        // Cargo's own folder for this: on the disk of the project, where a temporary folder may be memory.
        let folder = tempfile::Builder::new()
            .prefix("bench-run-")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .map_err(Error::system("make a folder for the run"))?;
        let report = self.local.block_on(&self.runtime, self.run_in(plan, &folder.path().join("run")));
        folder.close().map_err(Error::system("remove the folder of the run"))?;
        report
    }

    async fn run_in(&self, plan: &Plan, path: &Path) -> Result<Report, Error> {
        let options = Options {
            exe: env!("CARGO_BIN_EXE_jetlag").into(),
            command: "cargo bench".to_owned(),
            access: None,
            keep: false,
            stop_on_violation: false,
        };
        let mut show = |scene: &Scene| {
            if let Scene::Note(note) = scene
                && self.told.borrow_mut().insert(note.clone())
            {
                eprintln!("\n{note}");
            }
        };
        if *self.stop.borrow() > 0 {
            return Err(Error::Interrupted);
        }
        match driver::run(plan, &options, path.to_owned(), self.stop.clone(), &mut show).await {
            Ok(Ending::Whole) => {}
            Ok(Ending::Interrupted) | Err(driver::Error::StoppedEarly) => return Err(Error::Interrupted),
            Err(error) => return Err(error.into()),
        }
        let report = metric::report(&evidence::load(path)?);
        match report.state {
            RunState::Complete => Ok(report),
            state => Err(Error::Run { state, reasons: report.state_reasons.join("; ") }),
        }
    }
}

/// Counts how often the user asked to stop, as `jetlag run` does.
fn listen_for_stop() -> Result<Stop, std::io::Error> {
    let (asked, stop) = watch::channel(0);
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let mut signals = signal(kind)?;
        let asked = asked.clone();
        tokio::task::spawn_local(async move {
            while signals.recv().await.is_some() {
                asked.send_modify(|times| *times += 1);
            }
        });
    }
    Ok(stop)
}
