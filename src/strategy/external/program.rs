//! The program itself: started with what it needs in its environment, heard, asked to stop, ended.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::rc::Rc;
use std::{cell::RefCell, io};

use rustix::process::Signal;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::line::VERSION;
use crate::model::time::SpanNs;
use crate::strategy::handler::{Handler, Time, Work};
use crate::strategy::seat::Seat;

/// So much of the end of its standard error is kept.
const LAST_WORDS_BYTES: usize = 1024;
/// So many lines of it are told.
const LAST_LINES: usize = 2;

/// A running program. Dropping it kills it.
pub(super) struct Program {
    child: Child,
    stdout: ChildStdout,
    last_words: Rc<RefCell<VecDeque<u8>>>,
    listening: JoinHandle<()>,
}

/// Where `command` finds its program, looked for as the shell would.
///
/// # Errors
/// When there is none, with the remedy.
pub(super) fn find(command: &str) -> Result<PathBuf, String> {
    which::which(command).map_err(|_| {
        let here = std::env::current_dir().unwrap_or_default();
        if Path::new(command).components().count() > 1 {
            format!("'{command}' is no program that can be run, seen from {}; is it executable?", here.display())
        } else {
            format!("there is no program '{command}' in PATH; write ./{command} for one in {}", here.display())
        }
    })
}

impl Program {
    /// Starts `command` in the process group of this process, so that the reaper ends it too.
    ///
    /// # Errors
    /// A sentence when it cannot be started.
    pub(super) fn start(
        command: &[String],
        own: impl IntoIterator<Item = (String, String)>,
        seat: &Seat,
    ) -> Result<Self, String> {
        let (first, words) = command.split_first().ok_or("there is no command")?;
        let path = find(first)?;
        let cannot = |error: io::Error| format!("cannot start {}: {error}", path.display());
        let mut process = Command::new(&path);
        process.args(words).envs(environment(seat)).envs(own);
        process.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = process.spawn().map_err(cannot)?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(format!("{} was started without pipes", path.display()));
        };
        let last_words = Rc::new(RefCell::new(VecDeque::new()));
        let listening = tokio::task::spawn_local(keep_end(stderr, Rc::clone(&last_words)));
        Ok(Self { child, stdout, last_words, listening })
    }

    /// Reads more of its standard output into `buffer`. Returns the number of bytes, 0 at the end. May be cancelled.
    pub(super) async fn read(&mut self, buffer: &mut [u8]) -> usize {
        // A pipe that cannot be read is at its end for us.
        self.stdout.read(buffer).await.unwrap_or(0)
    }

    /// Waits until it ends. May be cancelled and called again.
    pub(super) async fn wait(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    /// Its standard output and its end, to wait for both at once.
    pub(super) fn parts(&mut self) -> (&mut ChildStdout, &mut Child) {
        (&mut self.stdout, &mut self.child)
    }

    /// Asks it to stop (SIGTERM). One that has ended is not asked.
    pub(super) fn terminate(&self) {
        // Until it is waited for its pid is its own; afterwards tokio knows none.
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, Signal::TERM);
        }
    }

    /// Ends it at once (SIGKILL).
    pub(super) fn kill(&mut self) {
        // It may have ended in this instant.
        let _ = self.child.start_kill();
    }

    /// The last lines that it said on standard error: where a stack of calls is printed, the reason comes last.
    ///
    /// Its end may be heard of before its words are read: they are waited for, not after `bound`, because who descends from
    /// it may hold the pipe open.
    pub(super) async fn last_words(&mut self, bound: Instant) -> String {
        if !self.listening.is_finished() {
            let _ = tokio::time::timeout_at(bound, &mut self.listening).await;
        }
        let bytes: Vec<u8> = self.last_words.borrow().iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let mut lines: Vec<_> =
            text.lines().rev().map(str::trim).filter(|line| !line.is_empty()).take(LAST_LINES).collect();
        lines.reverse();
        lines.join(" / ")
    }
}

/// What a program finds in its environment. `docs/external.md` has the table.
fn environment(seat: &Seat) -> Vec<(&'static str, OsString)> {
    let mut variables = seat.access.variables();
    variables.extend(handler(&seat.handler));
    variables.extend([
        ("JETLAG_PROTOCOL", VERSION.to_string().into()),
        ("JETLAG_STREAM", seat.stream.clone().into()),
        ("JETLAG_SUBJECT_PREFIX", seat.subject_prefix.clone().into()),
        ("JETLAG_PARTITIONS", seat.partitions.to_string().into()),
        ("JETLAG_GROUP", seat.group.clone().into()),
        ("JETLAG_MEMBER", seat.member.clone().into()),
        ("JETLAG_MEMBER_INDEX", seat.member.trim_start_matches('c').into()),
        ("JETLAG_MEMBERS", seat.members.to_string().into()),
        ("JETLAG_LIFE", seat.life.to_string().into()),
    ]);
    variables
}

/// What the profile says of handlers: the program plays it, or has handlers of its own.
fn handler(handler: &Handler) -> Vec<(&'static str, OsString)> {
    let seconds = |time: SpanNs| OsString::from(format!("{:.9}", time.0 as f64 / 1e9));
    let (kind, usual) = match handler.time {
        Time::None => ("none", SpanNs(0)),
        Time::Fixed(time) => ("fixed", time),
        Time::Exponential(mean) => ("exponential", mean),
        Time::Bimodal { usual, .. } => ("bimodal", usual),
    };
    let work = match handler.work {
        Work::Wait => "wait",
        Work::Cpu => "cpu",
    };
    let mut variables = vec![
        ("JETLAG_HANDLER", kind.into()),
        ("JETLAG_HANDLER_SECONDS", seconds(usual)),
        ("JETLAG_HANDLER_WORK", work.into()),
    ];
    if let Time::Bimodal { slow, share, .. } = handler.time {
        variables.push(("JETLAG_HANDLER_SLOW_SECONDS", seconds(slow)));
        variables.push(("JETLAG_HANDLER_SLOW_SHARE", share.to_string().into()));
    }
    variables
}

/// Reads all of it, so that the program never waits for somebody to listen, and keeps the end.
async fn keep_end(mut stderr: ChildStderr, kept: Rc<RefCell<VecDeque<u8>>>) {
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        let mut kept = kept.borrow_mut();
        kept.extend(&buffer[..count]);
        let surplus = kept.len().saturating_sub(LAST_WORDS_BYTES);
        kept.drain(..surplus);
    }
}
