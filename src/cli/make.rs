//! One run at a time: from a plan to a folder with a judged report. What `run` and every subcommand that measures share.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::analyze;
use super::out::errln;
use super::progress::Display;
use crate::driver::{self, Ending};
use crate::evidence;
use crate::model::report::Report;
use crate::nats;
use crate::nats::Access;
use crate::profile::Plan;

/// Why no run was made.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Driver(#[from] driver::Error),
    #[error(transparent)]
    Evidence(#[from] evidence::Error),
    #[error("cannot listen for Ctrl-C: {0}")]
    Signals(#[from] std::io::Error),
}

/// What all runs of one command have in common.
pub(super) struct Maker {
    options: driver::Options,
    stop: driver::Stop,
}

impl Maker {
    /// For a command as `typed`, on the server behind `access`, shown on `display`. Must be called within a `LocalSet`: Ctrl-C is listened
    /// for from here on.
    ///
    /// # Errors
    /// When this program, or signals, cannot be had.
    pub(super) fn new(
        typed: &[OsString],
        access: Option<Access>,
        keep: bool,
        display: &Display,
    ) -> Result<Self, Trouble> {
        let options =
            driver::Options { exe: own_program()?, command: command(typed), access, keep, stop_on_violation: false };
        Ok(Self { options, stop: listen_for_stop(display.leaves_room())? })
    }

    /// Ends each run at the first broken promise that is seen, or not.
    pub(super) fn stop_on_violation(mut self, stop: bool) -> Self {
        self.options.stop_on_violation = stop;
        self
    }

    /// Makes one run of `plan` in the new folder `path` and judges it.
    ///
    /// # Errors
    /// When the run could not be made, or its evidence not be read.
    pub(super) async fn make(
        &self,
        plan: &Plan,
        path: &Path,
        display: &mut Display,
    ) -> Result<(Report, Ending), Trouble> {
        display.follow(path);
        let show = &mut |scene: &driver::Scene| display.show(scene);
        let ran = driver::run_followed(plan, &self.options, path.to_owned(), self.stop.clone(), show).await;
        if let Err(driver::Error::NotRemoved { .. }) = &ran {
            // What is left behind takes nothing from what was recorded.
            analyze::analyze(path)?;
            display.line(&format!("the run came to its end: its report is in {}", path.display()));
        }
        let (ending, followed) = ran?;
        display.line("reading the evidence");
        let report = match followed {
            Some(followed) => analyze::conclude_followed(path, followed)?,
            None => analyze::analyze(path)?,
        };
        Ok((report, ending))
    }
}

/// This program, to be started again as a worker. On Linux by the link that stays right when the file is replaced
/// during the run, as `cargo build` does.
pub(super) fn own_program() -> std::io::Result<PathBuf> {
    let link = PathBuf::from("/proc/self/exe");
    if link.exists() { Ok(link) } else { std::env::current_exe() }
}

/// Counts how often the user asked to stop, by Ctrl-C or a signal. After the second time nothing is waited for. `aloud`, it
/// is said that this was heard.
pub(super) fn listen_for_stop(aloud: bool) -> Result<driver::Stop, std::io::Error> {
    let (asked, stop) = watch::channel(0);
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let mut signals = signal(kind)?;
        let asked = asked.clone();
        tokio::task::spawn_local(async move {
            while signals.recv().await.is_some() {
                asked.send_modify(|count| *count += 1);
                let times = *asked.borrow();
                if times == 1 && aloud {
                    errln!("stopping in good order; once more stops at once");
                }
            }
        });
    }
    Ok(stop)
}

/// `20261121-142530-quick-5f3a`: sorts by time, says what, and is not there yet.
pub(super) fn folder_name(profile: &str) -> String {
    let now = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
    let unique = uuid::Uuid::now_v7().as_u128() & 0xffff;
    format!("{now}-{profile}-{unique:04x}")
}

/// The command as typed, with the secrets that a URL may hold taken out, and quoted so that a shell takes each word as
/// it is: `variant=[]` is a pattern to zsh.
pub(super) fn command(typed: &[OsString]) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_./:=@,+%-".contains(letter);
    let word = |word: &OsString| {
        let word = nats::redact(&word.to_string_lossy());
        if !word.is_empty() && word.chars().all(is_plain) { word } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    let program = std::iter::once("jetlag".to_owned());
    program.chain(typed.iter().skip(1).map(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_the_command_as_it_was_typed() {
        for (word, quoted) in [
            ("--out=/tmp/a-b_c", "--out=/tmp/a-b_c"),
            ("load.rate=2000/s", "load.rate=2000/s"),
            ("variant=[]", "'variant=[]'"),
            ("strategy={ kind = \"ordered\" }", "'strategy={ kind = \"ordered\" }'"),
            ("it's", r"'it'\''s'"),
            ("$HOME/*;~", "'$HOME/*;~'"),
            ("", "''"),
            ("nats://user:secret@host:4222", "'nats://***@host:4222'"),
        ] {
            assert_eq!(command(&["target/debug/jetlag".into(), word.into()]), format!("jetlag {quoted}"));
        }
    }
}
