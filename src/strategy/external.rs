//! `external`: a program of the user's own is the member, in any language and with any library.
//!
//! **How it works.** jetlag starts the program once a member, with the server, the stream and the group in its environment,
//! and the program consumes as it likes. It says on its standard output what it does, one short line a handled message,
//! which echoes the id that the payload starts with (`docs/external.md`). jetlag stamps each line when it reads it, writes
//! it into the member's journal, and judges it like any other member's. Faults strike the program itself; what it said
//! before it was struck is read to the end.
//!
//! **Promises.** Those that the profile names under `promises`, and none without. What is promised is held against the run;
//! everything else is counted all the same.
//!
//! **Hazards.** A program that says `done` before it has done it, or acknowledges before it says `done`, hides what it
//! breaks. Without `start` lines a handling has no length: overlaps and handlings cut short cannot be seen. Instants are
//! late by the way through the pipe. Only processes that descend from the program are struck with it: one that
//! detaches itself lives on until the end of the run.
//!
//! **When to choose it.** To hold a library that is not in Rust, or code that is in production, against the same load,
//! faults and verifier as everything else.

pub mod line;
mod program;
pub mod scribe;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use self::line::{Grammar, Splitter, VERSION};
use self::program::Program;
use self::scribe::Scribe;
use super::seat::{Seat, Told};
use super::{About, Error, desk};
use crate::clock;
use crate::model::promise::Promises;
use crate::model::units::Timespan;

/// What the list shows.
pub const ABOUT: About = About {
    kind: "external",
    summary: "a program of your own, in any language, that says what it handles; you say what it promises",
};

/// Longest time that a program may take to stop: the driver ends members that take longer.
const STOP_WITHIN_MAX: Duration = Duration::from_secs(8);
/// Longest time to get ready: the driver gives up after a little more.
const READY_WITHIN_MAX: Duration = Duration::from_secs(25);
/// After the program has ended its pipe is read for so long at most: somebody else may hold it open.
const REST_WITHIN: Duration = Duration::from_secs(1);
/// Most that is read at once: what a pipe holds.
const CHUNK_BYTES: usize = 64 << 10;

/// The program, and what is claimed of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// The program and its words, like ["python3", "consumer.py"]; paths count from the folder that jetlag is started in.
    /// No shell reads it. Must be given.
    pub command: Vec<String>,
    /// Variables for the program's environment, beside those of jetlag's own (JETLAG_…). Default: none.
    pub env: BTreeMap<String, String>,
    /// What the program is held to. Default: nothing; everything is counted all the same.
    pub promises: Claimed,
    /// The program says which partitions it owns (`claim`, `release`), so that faults can aim at owners. Default false.
    pub owners: bool,
    /// How long the program may take from its start to `ready`, at most 25s. Default 20s.
    pub ready_within: Timespan,
    /// How long the program may take to stop after SIGTERM, at most 8s; then it is killed, which is told. Default 5s.
    pub stop_within: Timespan,
}

/// What a program is held to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Claimed {
    /// Every stored message is handled. Default false.
    pub at_least_once: bool,
    /// No key is handled out of order, apart from legal replays. Default false.
    pub order_per_key: bool,
    /// No two members handle messages of one partition at the same time. Default false.
    pub exclusive: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            command: Vec::new(),
            env: BTreeMap::new(),
            promises: Claimed::default(),
            owners: false,
            ready_within: Timespan(Duration::from_secs(20)),
            stop_within: Timespan(Duration::from_secs(5)),
        }
    }
}

impl Settings {
    /// What the profile says of the program.
    #[must_use]
    pub fn promises(&self) -> Promises {
        let Claimed { at_least_once, order_per_key, exclusive } = self.promises;
        Promises { at_least_once, order_per_key, exclusive, owners: self.owners, fenced: false }
    }

    /// Settings that cannot work: the key, and what is wrong with it.
    #[must_use]
    pub fn objections(&self) -> Vec<(&'static str, String)> {
        let mut objections = Vec::new();
        if self.command.first().is_none_or(String::is_empty) {
            objections.push(("command", "external needs a `command`, like [\"python3\", \"consumer.py\"]".to_owned()));
        }
        if self.command.iter().any(|word| word.contains('\0')) {
            objections.push(("command", "a word of a command cannot hold a NUL".to_owned()));
        }
        for name in self.env.keys() {
            if name.starts_with("JETLAG_") {
                objections.push(("env", format!("'{name}' is jetlag's own: names in `env` do not begin with JETLAG_")));
            } else if name.is_empty() || name.contains(['=', '\0']) {
                objections.push(("env", format!("'{}' is no name of a variable", name.escape_debug())));
            }
        }
        for (key, value, most) in
            [("ready-within", self.ready_within, READY_WITHIN_MAX), ("stop-within", self.stop_within, STOP_WITHIN_MAX)]
        {
            if value.0 < Duration::from_millis(100) || value.0 > most {
                objections.push((key, format!("`{key}` is {value}, expected 100ms to {}", Timespan(most))));
            }
        }
        objections
    }

    /// What is missing on this machine, looked for before anything is made.
    ///
    /// # Errors
    /// When the program is not there.
    pub fn look_for_what_is_needed(&self) -> Result<(), Error> {
        let command = self.command.first().map(String::as_str).unwrap_or_default();
        program::find(command).map(drop).map_err(|reason| Error::refused("start the program of the profile", &reason))
    }

    /// Consumes as one member: runs the program until it is told to leave, or ends.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn consume(&self, seat: &Seat) -> Result<(), Error> {
        let program = match Program::start(&self.command, self.env.clone(), seat) {
            Ok(program) => program,
            Err(why) => {
                seat.told.say(Told::ProgramEnded { code: None, signal: None, message: why });
                return Ok(());
            }
        };
        let grammar = Grammar { run_tag: seat.run_tag, partitions: seat.partitions };
        let scribe = Scribe::new(seat.desk.notebook().clone(), grammar);
        Hearing { settings: self, seat, program, scribe, splitter: Splitter::default(), forced: None }.listen().await
    }
}

/// One program being listened to.
struct Hearing<'a> {
    settings: &'a Settings,
    seat: &'a Seat,
    program: Program,
    scribe: Scribe,
    splitter: Splitter,
    /// Why it had to be killed.
    forced: Option<String>,
}

impl Hearing<'_> {
    /// Listens until the program has ended and all that it said is read.
    async fn listen(mut self) -> Result<(), Error> {
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut bound = Instant::now() + self.settings.ready_within.0;
        let mut leaving = false;
        let exit = loop {
            let settled = self.scribe.is_ready() && !leaving;
            let (stdout, child) = self.program.parts();
            tokio::select! {
                // Nothing goes first: a program that never stops talking must hear that it shall leave. Its last words are
                // read when it has ended.
                read = stdout.read(&mut buffer) => match read {
                    Ok(count @ 1..) => self.take(&buffer[..count])?,
                    // Closed, and maybe still alive: its end, or a bound, decides.
                    Ok(0) | Err(_) => break self.until_ended(leaving.then_some(bound)).await,
                },
                exit = child.wait() => break exit.ok(),
                () = self.seat.told_to_leave(), if !leaving => {
                    leaving = true;
                    bound = Instant::now() + self.settings.stop_within.0;
                    self.program.terminate();
                }
                () = tokio::time::sleep_until(bound), if !settled => {
                    self.force(leaving);
                    break self.program.wait().await;
                }
            }
        };
        self.read_the_rest(&mut buffer).await?;
        self.tell(leaving, exit).await;
        self.scribe.close();
        Ok(())
    }

    /// Stamps and writes down what has come.
    fn take(&mut self, chunk: &[u8]) -> Result<(), Error> {
        let Self { seat, scribe, splitter, .. } = self;
        let at = clock::now();
        splitter.feed(chunk, |number, text, too_long| {
            if let Some(remark) = scribe.take(number, text, too_long, at).map_err(desk::Error::from)? {
                seat.told.say(Told::Remark(remark));
            }
            Ok::<(), Error>(())
        })?;
        if scribe.is_ready() {
            seat.start.able();
        }
        Ok(())
    }

    /// Waits for the end of a program that has closed its standard output.
    async fn until_ended(&mut self, bound: Option<Instant>) -> Option<ExitStatus> {
        let leaving = bound.is_some();
        let bound = bound.unwrap_or_else(|| Instant::now() + self.settings.stop_within.0);
        if let Ok(exit) = tokio::time::timeout_at(bound, self.program.wait()).await {
            return exit;
        }
        self.force(leaving);
        if !leaving {
            self.forced = Some("it closed its standard output and went on running; it was killed".to_owned());
        }
        self.program.wait().await
    }

    /// Kills a program that did not keep to its time.
    fn force(&mut self, leaving: bool) {
        self.forced = Some(if leaving {
            format!("it did not stop within {} of SIGTERM and was killed", self.settings.stop_within)
        } else {
            format!("it did not say `ready {VERSION}` within {} and was killed", self.settings.ready_within)
        });
        self.program.kill();
    }

    /// Reads what is left in the pipe of a program that has ended.
    async fn read_the_rest(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        let bound = Instant::now() + REST_WITHIN;
        while let Ok(count @ 1..) = tokio::time::timeout_at(bound, self.program.read(buffer)).await {
            self.take(&buffer[..count])?;
        }
        Ok(())
    }

    /// Tells how it ended, unless it ended well after it was asked to.
    async fn tell(&mut self, leaving: bool, exit: Option<ExitStatus>) {
        // Who is killed has no time to end his line.
        let killed = exit.is_some_and(|exit| exit.signal().is_some());
        if let Some((number, text)) = self.splitter.rest()
            && !killed
        {
            let text = text.escape_ascii();
            self.seat
                .told
                .say(Told::Remark(format!("line {number}, its last, has no end and is not counted: '{text}'")));
        }
        let untold = self.scribe.untold();
        if untold > 0 {
            self.seat.told.say(Told::Remark(format!("{untold} more lines of its standard output were not understood")));
        }
        if leaving && self.forced.is_none() && exit.is_some_and(|exit| exit.success()) {
            return;
        }
        let (code, signal) = (exit.and_then(|exit| exit.code()), exit.and_then(|exit| exit.signal()));
        let words = self.program.last_words(Instant::now() + REST_WITHIN).await;
        let said = if words.is_empty() { String::new() } else { format!("its last words: {words}") };
        let message =
            self.forced.iter().cloned().chain((!said.is_empty()).then_some(said)).collect::<Vec<_>>().join("; ");
        self.seat.told.say(Told::ProgramEnded { code, signal, message });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings { command: vec!["python3".to_owned()], ..Settings::default() }
    }

    fn objected(settings: &Settings) -> Vec<&'static str> {
        settings.objections().into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn a_command_is_all_that_is_needed_and_it_promises_nothing() {
        assert!(objected(&settings()).is_empty());
        assert_eq!(settings().promises(), Promises::default());
        assert_eq!(objected(&Settings::default()), ["command"]);
    }

    #[test]
    fn what_cannot_work_is_refused_by_its_key() {
        let variable = |name: &str| BTreeMap::from([(name.to_owned(), String::new())]);
        assert_eq!(objected(&Settings { env: variable("JETLAG_SERVER"), ..settings() }), ["env"]);
        assert_eq!(objected(&Settings { env: variable("A=B"), ..settings() }), ["env"]);
        let long = Timespan(Duration::from_secs(60));
        assert_eq!(
            objected(&Settings { stop_within: long, ready_within: long, ..settings() }),
            ["ready-within", "stop-within"]
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_told_with_the_remedy() {
        let missing = Settings { command: vec!["jetlag-no-such-program".to_owned()], ..settings() };
        let told = missing.look_for_what_is_needed().expect_err("it is not there").to_string();
        assert!(told.contains("no program 'jetlag-no-such-program' in PATH"), "{told}");
    }
}
