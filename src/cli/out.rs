//! Words to the terminal. Whoever reads them may go away before they are all said (`jetlag list metrics | head -1`): then
//! nobody is left to hear them, and that is no failure of what was asked for.

use std::fmt::Arguments;
use std::io::{self, Write};

use super::may_colour;
use crate::render::sheet::Sheet;

/// Says `words` on standard output.
pub(super) fn say(words: Arguments<'_>) {
    let _ = io::stdout().lock().write_fmt(words);
}

/// Says `words` on standard error.
pub(super) fn complain(words: Arguments<'_>) {
    let _ = io::stderr().lock().write_fmt(words);
}

/// Standard output as a sheet: as wide as `COLUMNS` says, or else the terminal; of the usual width where there is none.
pub(super) fn sheet() -> Sheet {
    let asked = std::env::var("COLUMNS").ok().and_then(|said| said.trim().parse().ok());
    let seen = || rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok().map(|size| usize::from(size.ws_col));
    let columns = asked.or_else(seen).filter(|columns| *columns > 0);
    Sheet::new(columns.unwrap_or(Sheet::COLUMNS_USUAL), may_colour(&io::stdout()))
}

/// As `print!`, without its panic.
macro_rules! out {
    ($($words:tt)*) => { $crate::cli::out::say(format_args!($($words)*)) };
}

/// As `println!`, without its panic.
macro_rules! outln {
    ($($words:tt)*) => { $crate::cli::out::say(format_args!("{}\n", format_args!($($words)*))) };
}

/// As `eprint!`, without its panic.
macro_rules! err {
    ($($words:tt)*) => { $crate::cli::out::complain(format_args!($($words)*)) };
}

/// As `eprintln!`, without its panic.
macro_rules! errln {
    ($($words:tt)*) => { $crate::cli::out::complain(format_args!("{}\n", format_args!($($words)*))) };
}

pub(super) use {err, errln, out, outln};
