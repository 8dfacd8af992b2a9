//! `jetlag clean`: removes what a dead run left on your own server.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::exit;
use super::out::{errln, outln};
use super::server::ServerArgs;
use crate::driver;

/// Words of `jetlag clean`.
#[derive(Debug, Args)]
pub(super) struct CleanArgs {
    /// Folders of runs whose stream and bucket are to be removed.
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Removes.
pub(super) fn run(args: &CleanArgs) -> ExitCode {
    let access = match args.server.access() {
        Ok(Some(access)) => access,
        Ok(None) => {
            let remedy = "name the server with --server URL: one that jetlag started itself is gone with its run";
            return exit::bad_words(&[remedy.to_owned()], args.json);
        }
        Err(problems) => return exit::bad_words(&problems, args.json),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::environment(&error, args.json),
    };
    let mut removed = Vec::new();
    for run in &args.runs {
        match runtime.block_on(driver::clean(run, &access)) {
            Ok(name) if args.json => removed.push(name),
            Ok(name) => outln!("{name} is removed"),
            Err(error) => {
                errln!("error: {error}");
                let code = exit::ENVIRONMENT;
                if args.json {
                    outln!("{}", json!({ "removed": removed, "error": error.to_string(), "exit_code": code }));
                }
                return ExitCode::from(code);
            }
        }
    }
    if args.json {
        outln!("{}", json!({ "removed": removed, "exit_code": 0 }));
    }
    exit::GOOD
}
