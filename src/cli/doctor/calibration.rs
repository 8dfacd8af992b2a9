//! What jetlag's own publishers reach here: two short runs, as real as any, whose folders are removed again.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::probe;
use crate::cli::make::{Maker, Trouble};
use crate::cli::progress::Display;
use crate::driver::{self, Ending};
use crate::model::checkup::GeneratorSeen;
use crate::model::reading::{Reading, Scope, Stat};
use crate::model::report::Report;
use crate::nats::Access;
use crate::profile;

/// Why there was no calibration.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Made(#[from] Trouble),
    #[error("cannot make a folder in {}: {source}", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("the profile of the calibration is wrong: {0}")]
    Profile(#[from] profile::Problems),
}

/// The run, but for its rate.
const PROFILE: &str = r#"# How many messages a second does one publisher reach here?
[run]
warm-up = "500ms"
measure = "1500ms"
drain = "3s"

[load]
publishers = 1
keys = 1000

[stream]
partitions = 4

[fleet]
members = 1
handler = "none"

[strategy]
kind = "shared-pull"
"#;

/// The part of what is reached that is asked for at a fixed rate: well below, so that lateness is the generator's own.
const PART: f64 = 0.5;

/// Makes both runs in a folder of their own on the disk under `out`.
pub(super) async fn calibrate(out: &Path, typed: &[OsString], access: Option<Access>) -> Result<GeneratorSeen, Error> {
    let maker = Maker::new(typed, access, false, &Display::silent())?;
    let path = probe::existing(out);
    let folder = tempfile::Builder::new().prefix(".jetlag-doctor-").tempdir_in(&path);
    let folder = folder.map_err(|source| Error::Folder { path, source })?;
    let flat_out = measure(&maker, &folder.path().join("flat-out"), "max").await?;
    let stored_per_s = reading(&flat_out, "stored_per_s", Stat::Value).unwrap_or_default();
    let rate = (stored_per_s * PART).floor();
    if rate < 1.0 {
        return Ok(GeneratorSeen { stored_per_s, paced_per_s: None, schedule_lag_p99_ms: None });
    }
    let paced = measure(&maker, &folder.path().join("paced"), &format!("{rate}/s")).await?;
    let schedule_lag_p99_ms = reading(&paced, "schedule_lag", Stat::P99);
    Ok(GeneratorSeen { stored_per_s, paced_per_s: Some(rate), schedule_lag_p99_ms })
}

async fn measure(maker: &Maker, folder: &Path, rate: &str) -> Result<Report, Error> {
    let sets = [format!("load.rate={rate}")];
    let loaded = profile::parse("doctor", "doctor", PROFILE, &sets)?;
    let (report, ending) = maker.make(&loaded.plans()[0], folder, &mut Display::silent()).await?;
    if ending == Ending::Interrupted { Err(Trouble::from(driver::Error::StoppedEarly).into()) } else { Ok(report) }
}

fn reading(report: &Report, metric: &str, stat: Stat) -> Option<f64> {
    let is_it = |of: &&Reading| of.scope == Scope::Run && of.metric == metric && of.stat == stat;
    report.readings.iter().find(is_it)?.value
}
