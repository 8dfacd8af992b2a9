//! `jetlag doctor`: what this machine does to runs made on it. It measures here; what that means is decided in `checkup`.

mod calibration;
mod probe;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::exit;
use super::make::Trouble;
use super::out::{errln, out, sheet};
use super::server::ServerArgs;
use crate::driver;
use crate::model::checkup::{Measured, ServerSource};
use crate::process;
use crate::{checkup, render};

/// Words of `jetlag doctor`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 runs can be made here, warnings or not · 2 bad arguments · 3 no run can be made · 130 interrupted"
)]
pub(super) struct DoctorArgs {
    /// Where runs would be made: the disk under this folder is tried.
    #[arg(long, value_name = "DIR", default_value = "results/runs")]
    out: PathBuf,
    /// Leave out the calibration: two short runs, about eight seconds.
    #[arg(long)]
    no_calibration: bool,
    /// Print one JSON object instead of text (schemas/checkup.schema.json).
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Looks at everything.
pub(super) fn run(args: &DoctorArgs, typed: &[OsString]) -> ExitCode {
    let access = match args.server.access() {
        Ok(access) => access,
        Err(problems) => return exit::bad_words(&problems, args.json),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::environment(&error, args.json),
    };
    let mut measured = probe::machine(&args.out);
    runtime.block_on(probe::server(access.as_ref(), &mut measured));
    if !args.no_calibration && can_be_calibrated(&measured) {
        if !args.json {
            errln!("calibrating: two short runs, about eight seconds");
        }
        let calibrating = calibration::calibrate(&args.out, typed, access);
        match tokio::task::LocalSet::new().block_on(&runtime, calibrating) {
            Ok(seen) => measured.generator = Some(seen),
            Err(calibration::Error::Made(Trouble::Driver(driver::Error::StoppedEarly))) => {
                exit::say(&driver::Error::StoppedEarly, exit::INTERRUPTED, args.json);
                return ExitCode::from(exit::INTERRUPTED);
            }
            Err(trouble) => measured.generator_trouble = Some(trouble.to_string()),
        }
    }
    let mut environment = process::machine();
    if let Some(server) = &measured.server {
        environment.server_version.clone_from(&server.version);
        environment.server_embedded = server.source != ServerSource::Own;
    }
    let checkup = checkup::conclude(environment, measured);
    if args.json {
        out!("{}", render::checkup::json(&checkup));
    } else {
        out!("{}", render::checkup::summary(&checkup, sheet()));
    }
    ExitCode::from(checkup.exit_code)
}

/// Without a server or a folder the runs could only fail, and both are findings already.
fn can_be_calibrated(measured: &Measured) -> bool {
    measured.server.as_ref().is_some_and(|server| server.jetstream != Some(false)) && measured.disk.is_some()
}
