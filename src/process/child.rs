//! A child process: started in a group, signalled without ever hitting a stranger, waited for.

use std::ffi::OsString;
use std::fmt;
use std::process::ExitStatus;
use std::sync::Arc;

use rustix::process::Signal;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};

use super::Error;

/// A process id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pid(rustix::process::Pid);

impl Pid {
    /// The pid of the calling process.
    #[must_use]
    pub fn own() -> Self {
        Self(rustix::process::getpid())
    }

    /// As the bare number, for journals.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0.as_raw_nonzero().get().unsigned_abs()
    }

    pub(super) fn from_number(number: u32) -> Option<Self> {
        i32::try_from(number).ok().and_then(rustix::process::Pid::from_raw).map(Self)
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

/// The process group that a child is started in.
///
/// A group apart from the driver's keeps the terminal's Ctrl-C away from the children: how they end is the
/// driver's decision. A process of jetlag belongs into the reaper's group ([`super::Reaper::group`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group(i32);

impl Group {
    /// A group of the child's own, which no reaper guards: for tests and benches.
    #[must_use]
    pub fn unguarded() -> Self {
        Self(0)
    }

    /// The group that `leader` leads.
    pub(super) fn led_by(leader: Pid) -> Self {
        Self(leader.0.as_raw_nonzero().get())
    }
}

/// The variables by which users hand in a server, which may hold a password, and secrets. They are for the driver: no
/// child inherits them, because whatever it crashes or starts would show them.
pub const SERVER_VARIABLE: &str = "JETLAG_SERVER";
/// The password.
pub const PASSWORD_VARIABLE: &str = "JETLAG_PASSWORD";
/// The token.
pub const TOKEN_VARIABLE: &str = "JETLAG_TOKEN";

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Exit code, when it exited.
    pub code: Option<i32>,
    /// Number of the signal, when one ended it.
    pub signal: Option<i32>,
}

impl Exit {
    /// Whether it exited with code 0.
    #[must_use]
    pub fn is_success(self) -> bool {
        self.code == Some(0)
    }
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt;
        Self { code: status.code(), signal: status.signal() }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "exited with code {code}"),
            (None, Some(signal)) => match Signal::from_named_raw(signal).and_then(name_of) {
                Some(name) => write!(f, "ended by {name}"),
                None => write!(f, "ended by signal {signal}"),
            },
            (None, None) => f.write_str("ended"),
        }
    }
}

fn name_of(signal: Signal) -> Option<&'static str> {
    [
        (Signal::KILL, "SIGKILL"),
        (Signal::TERM, "SIGTERM"),
        (Signal::INT, "SIGINT"),
        (Signal::HUP, "SIGHUP"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::BUS, "SIGBUS"),
        (Signal::PIPE, "SIGPIPE"),
    ]
    .into_iter()
    .find_map(|(known, name)| (known == signal).then_some(name))
}

/// A child process. Dropping it kills it.
#[derive(Debug)]
pub struct Child {
    handle: Handle,
    /// Out of tokio's sight, which closes a standard input as soon as somebody waits: closing it is an order to the child.
    stdin: Option<ChildStdin>,
    inner: tokio::process::Child,
}

impl Child {
    /// Starts `command` in `group`. `name` is what messages call it: `server-0`, `c3.2`.
    ///
    /// # Errors
    /// [`Error::Spawn`] when the program is missing, is no program, or the group has vanished with its reaper.
    pub fn spawn(name: &str, command: Command, group: Group) -> Result<Self, Error> {
        Self::spawn_knowing(name, command, group, &[])
    }

    /// Starts `command` as [`Child::spawn`] does, and tells it these variables: the way to a server, which nobody else is told.
    ///
    /// # Errors
    /// As [`Child::spawn`].
    pub fn spawn_knowing(
        name: &str,
        mut command: Command,
        group: Group,
        variables: &[(&'static str, OsString)],
    ) -> Result<Self, Error> {
        let spawn_error = |source: std::io::Error, program: String| Error::Spawn {
            name: name.to_owned(),
            program,
            remedy: match source.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
                Some(rustix::io::Errno::PERM | rustix::io::Errno::SRCH) if group != Group::unguarded() => {
                    " (the reaper has ended and its process group with it)"
                }
                Some(rustix::io::Errno::AGAIN) => " (too many processes: see `ulimit -u`)",
                Some(rustix::io::Errno::MFILE) => " (too many open files: see `ulimit -n`)",
                _ => "",
            },
            source,
        };
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        command.process_group(group.0).kill_on_drop(true);
        for secret in [SERVER_VARIABLE, PASSWORD_VARIABLE, TOKEN_VARIABLE] {
            command.env_remove(secret);
        }
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        let mut inner = command.spawn().map_err(|source| spawn_error(source, program.clone()))?;
        // A child that was never waited for has a pid.
        let pid = inner
            .id()
            .and_then(Pid::from_number)
            .ok_or_else(|| spawn_error(std::io::Error::other("the child has no pid"), program))?;
        Ok(Self { handle: Handle::new(name, pid), stdin: inner.stdin.take(), inner })
    }

    /// What messages call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.handle.name
    }

    /// Its pid.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.handle.pid
    }

    /// A handle to signal it by while somebody else waits for it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// The writing end of its standard input, once, when it was piped.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.stdin.take()
    }

    /// The reading end of its standard output, once, when it was piped.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.inner.stdout.take()
    }

    /// The reading end of its standard error, once, when it was piped.
    pub fn stderr(&mut self) -> Option<ChildStderr> {
        self.inner.stderr.take()
    }

    /// Waits until it ends. May be cancelled and called again; after the end it answers at once.
    ///
    /// # Errors
    /// [`Error::Wait`].
    pub async fn wait(&mut self) -> Result<Exit, Error> {
        let waited = self.inner.wait().await;
        waited.map(Exit::from).map_err(|source| self.wait_error(source))
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// [`Error::Wait`].
    pub fn try_wait(&mut self) -> Result<Option<Exit>, Error> {
        let waited = self.inner.try_wait();
        waited.map(|status| status.map(Exit::from)).map_err(|source| self.wait_error(source))
    }

    fn wait_error(&self, source: std::io::Error) -> Error {
        Error::Wait { name: self.handle.name.to_string(), pid: self.handle.pid, source }
    }
}

/// A way to signal a child. Cheap to clone; outlives the child harmlessly.
#[derive(Clone, Debug)]
pub struct Handle {
    name: Arc<str>,
    pid: Pid,
    /// A descriptor of the process itself: once it is reaped, a signal through it fails, whoever has the pid by then.
    #[cfg(target_os = "linux")]
    descriptor: Option<Arc<std::os::fd::OwnedFd>>,
}

impl Handle {
    /// To be called before the child is waited for: until then its pid is its own.
    fn new(name: &str, pid: Pid) -> Self {
        Self {
            name: name.into(),
            pid,
            #[cfg(target_os = "linux")]
            descriptor: rustix::process::pidfd_open(pid.0, rustix::process::PidfdFlags::empty()).ok().map(Arc::new),
        }
    }

    /// For a child's own child, which somebody else waits for: the caller sees to it that the pid is still its own.
    pub(super) fn of_descendant(pid: Pid) -> Self {
        Self::new("a descendant", pid)
    }

    /// Its pid.
    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Ends it at once (SIGKILL), paused or not.
    ///
    /// # Errors
    /// [`Error::Ended`] when there is nobody left, [`Error::Signal`].
    pub fn kill(&self) -> Result<(), Error> {
        self.send(Signal::KILL, "SIGKILL")
    }

    /// Asks it to end (SIGTERM).
    ///
    /// # Errors
    /// As [`Handle::kill`].
    pub fn terminate(&self) -> Result<(), Error> {
        self.send(Signal::TERM, "SIGTERM")
    }

    /// Pauses it (SIGSTOP).
    ///
    /// # Errors
    /// As [`Handle::kill`].
    pub fn stop(&self) -> Result<(), Error> {
        self.send(Signal::STOP, "SIGSTOP")
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    /// As [`Handle::kill`].
    pub fn cont(&self) -> Result<(), Error> {
        self.send(Signal::CONT, "SIGCONT")
    }

    fn send(&self, signal: Signal, name: &'static str) -> Result<(), Error> {
        self.deliver(signal).map_err(|errno| match errno {
            rustix::io::Errno::SRCH => Error::Ended { name: self.name.to_string(), pid: self.pid, signal: name },
            _ => Error::Signal { name: self.name.to_string(), pid: self.pid, signal: name, source: errno.into() },
        })
    }

    #[cfg(target_os = "linux")]
    fn deliver(&self, signal: Signal) -> rustix::io::Result<()> {
        match &self.descriptor {
            Some(descriptor) => rustix::process::pidfd_send_signal(descriptor, signal),
            // Kernels before 5.3 have no descriptors of processes. The pid is the best there is.
            None => rustix::process::kill_process(self.pid.0, signal),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn deliver(&self, signal: Signal) -> rustix::io::Result<()> {
        rustix::process::kill_process(self.pid.0, signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> Child {
        let mut command = Command::new("sleep");
        command.arg("1000");
        Child::spawn("sleeper", command, Group::unguarded()).expect("sleep starts")
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_paused_child_dies_of_a_kill_and_a_dead_one_is_not_signalled() {
        let mut child = sleeper();
        let handle = child.handle();
        handle.stop().expect("it lives");
        handle.kill().expect("it lives");
        let exit = child.wait().await.expect("it can be waited for");
        assert_eq!(exit, Exit { code: None, signal: Some(9) });
        assert_eq!(exit.to_string(), "ended by SIGKILL");
        assert_eq!(child.try_wait().expect("it was waited for"), Some(exit));
        #[cfg(target_os = "linux")]
        assert!(matches!(handle.terminate(), Err(Error::Ended { .. })));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_missing_program_is_named() {
        let error = Child::spawn("c0.0", Command::new("/nonexistent/jetlag"), Group::unguarded())
            .expect_err("there is no such program");
        assert!(error.to_string().starts_with("cannot start c0.0 (/nonexistent/jetlag): "), "{error}");
    }

    #[test]
    fn an_exit_reads_as_a_sentence() {
        assert_eq!(Exit { code: Some(3), signal: None }.to_string(), "exited with code 3");
        assert_eq!(Exit { code: None, signal: Some(33) }.to_string(), "ended by signal 33");
    }
}
