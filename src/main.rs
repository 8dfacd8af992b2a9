//! The program `jetlag`. What it does is in the library; this only opens the door.

use std::process::ExitCode;

fn main() -> ExitCode {
    jetlag::cli::main()
}
