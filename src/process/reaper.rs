//! The reaper: a small process that ends all others when the driver dies, however it dies.
//!
//! Nobody else can: a paused member or a server does not notice that the driver was killed with SIGKILL.
//!
//! **Why no child can escape it.** There is no registration. The reaper leads a process group, every child is put into that
//! group by the kernel between fork and exec, and the reaper holds the read end of a pipe whose only write end is
//! the driver's. Between fork and exec the child holds a copy of that write end, which exec closes. So the pipe
//! breaks only when the driver is gone *and* every child it was starting has reached exec, and thus joined the group.
//! Then one system call sends SIGKILL to the whole group, paused members and the reaper included; the kernel lets no
//! fork slip through in between. A group's number is not given away while it has members: no stranger is hit.
//!
//! Workers also end when their standard input does; that is a second line, not what this one rests on.

use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{ChildStdin, Command};

use super::Error;
use super::child::{Child, Exit, Group, Pid};

/// The hidden subcommand whose body is [`run`].
pub const SUBCOMMAND: &str = "reaper";
/// What the reaper says when nothing but SIGKILL can end it any more.
const READY: &str = "ready";
/// How long it may take to say so.
const START_WITHIN: Duration = Duration::from_secs(20);
/// How long ending the group may take.
const END_WITHIN: Duration = Duration::from_secs(10);
/// More than this before [`READY`] means that the program is no reaper.
const PREAMBLE_BYTES_MAX: u64 = 4096;

/// The driver's end of the reaper.
#[derive(Debug)]
pub struct Reaper {
    child: Child,
    /// The write end. It is never written to: that it exists is the message.
    pipe: ChildStdin,
}

impl Reaper {
    /// Starts `exe reaper`, to be called before any other process is started.
    ///
    /// # Errors
    /// [`Error::Spawn`], or [`Error::Reaper`] when it does not say in time that it is ready.
    pub async fn start(exe: &Path) -> Result<Self, Error> {
        let mut command = Command::new(exe);
        command.arg0("jetlag").arg(SUBCOMMAND);
        Self::start_with(command).await
    }

    /// Starts the reaper by a command of the caller's.
    ///
    /// # Errors
    /// As [`Reaper::start`].
    pub async fn start_with(mut command: Command) -> Result<Self, Error> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = Child::spawn("reaper", command, Group::unguarded())?;
        let (Some(pipe), Some(stdout)) = (child.stdin(), child.stdout()) else {
            return Err(Error::Reaper("it has no pipes".to_owned()));
        };
        let mut lines = BufReader::new(stdout.take(PREAMBLE_BYTES_MAX)).lines();
        let handshake = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if line == READY {
                    return true;
                }
            }
            false
        };
        match tokio::time::timeout(START_WITHIN, handshake).await {
            Ok(true) => Ok(Self { child, pipe }),
            Ok(false) => Err(Error::Reaper(match child.try_wait() {
                Ok(Some(exit)) => format!("it {exit}"),
                _ => "it closed its output without saying that it is ready".to_owned(),
            })),
            Err(_) => Err(Error::Reaper(format!("it was not ready within {} s", START_WITHIN.as_secs()))),
        }
    }

    /// The group that it guards: to start every other child in.
    #[must_use]
    pub fn group(&self) -> Group {
        Group::led_by(self.child.pid())
    }

    /// Its pid, which is the number of the group too.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.child.pid()
    }

    /// How it ended, if it has: then nothing guards the group any more, and the run should be given up.
    ///
    /// # Errors
    /// [`Error::Wait`].
    pub fn try_exited(&mut self) -> Result<Option<Exit>, Error> {
        self.child.try_wait()
    }

    /// Ends whatever is left in the group, and the reaper itself. Dropping the reaper does the same, without waiting.
    ///
    /// # Errors
    /// [`Error::Wait`], or [`Error::Reaper`] when it hangs.
    pub async fn end(self) -> Result<(), Error> {
        let Self { mut child, pipe } = self;
        drop(pipe);
        match tokio::time::timeout(END_WITHIN, child.wait()).await {
            Ok(exit) => exit.map(drop),
            Err(_) => Err(Error::Reaper(format!("it did not end within {} s", END_WITHIN.as_secs()))),
        }
    }
}

/// The body of the hidden subcommand. Ends its own process, and the whole group, with SIGKILL.
///
/// # Errors
/// Only before it is ready: when it does not lead its process group (somebody called it by hand: ending that group
/// would end a stranger's processes), or when signals cannot be ignored.
pub fn run() -> Result<(), Error> {
    let own = rustix::process::getpid();
    if rustix::process::getpgrp() != own {
        return Err(Error::Reaper("it does not lead a process group; it is not for calling by hand".to_owned()));
    }
    // Without unsafe code a signal cannot be ignored, but it can be handled by nobody looking. The handlers
    // outlive the streams; no runtime needs to turn.
    let failed = |source: std::io::Error| Error::Reaper(source.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(failed)?;
    let _context = runtime.enter();
    for kind in [
        tokio::signal::unix::SignalKind::interrupt(),
        tokio::signal::unix::SignalKind::terminate(),
        tokio::signal::unix::SignalKind::hangup(),
        tokio::signal::unix::SignalKind::quit(),
    ] {
        let _ = tokio::signal::unix::signal(kind).map_err(failed)?;
    }
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{READY}").and_then(|()| stdout.flush()).map_err(failed)?;

    wait_for_end_of(std::io::stdin());
    rustix::process::kill_current_process_group(rustix::process::Signal::KILL).map_err(|errno| failed(errno.into()))
}

/// Returns when `pipe` breaks, in whatever way.
fn wait_for_end_of(mut pipe: impl Read) {
    let mut bytes = [0; 64];
    loop {
        match pipe.read(&mut bytes) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            // A pipe that cannot be read cannot tell that the driver lives.
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_refuses_to_end_a_group_that_it_does_not_lead() {
        // The test runner may or may not lead its group: where it does, there is nothing to see here.
        if rustix::process::getpgrp() != rustix::process::getpid() {
            assert!(run().is_err());
        }
    }

    #[test]
    fn words_on_the_pipe_do_not_end_the_wait_and_its_end_does() {
        wait_for_end_of(&b"anything at all, longer than one read of the buffer, which has sixty-four bytes"[..]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_program_that_is_no_reaper_is_found_out() {
        let error = Reaper::start(Path::new("true")).await.expect_err("true says nothing");
        assert!(matches!(error, Error::Reaper(_)), "{error}");
    }
}
