//! `jetlag clean`: removes what a dead run left on your own server.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::exit;
use super::server::ServerArgs;
use crate::driver;

/// Words of `jetlag clean`.
#[derive(Debug, Args)]
pub(super) struct CleanArgs {
    /// Folders of runs whose stream and bucket are to be removed.
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Removes.
pub(super) fn run(args: &CleanArgs) -> ExitCode {
    let access = match args.server.access() {
        Ok(Some(access)) => access,
        Ok(None) => {
            eprintln!("error: name the server with --server URL: one that jetlag started itself is gone with its run");
            return ExitCode::from(exit::ARGUMENTS);
        }
        Err(problems) => {
            eprintln!("error: {}", problems.join("\nerror: "));
            return ExitCode::from(exit::ARGUMENTS);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::environment(&error, false),
    };
    for run in &args.runs {
        match runtime.block_on(driver::clean(run, &access)) {
            Ok(name) => println!("{name} is removed"),
            Err(error) => return exit::environment(&error, false),
        }
    }
    exit::GOOD
}
