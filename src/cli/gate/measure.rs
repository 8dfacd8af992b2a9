//! Makes the runs of a gate, one after the other, each by a `jetlag run` of its own, until it is decided.
//!
//! Each run is a process in a group that a reaper guards: when the gate dies, however it dies, the run does, and the run's own
//! reaper ends what that had started.

use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use super::Error;
use super::side::{self, Side, Sides};
use crate::cli::make::{Trouble, listen_for_stop, own_program};
use crate::cli::metrics::Address;
use crate::cli::out::errln;
use crate::cli::server::ServerArgs;
use crate::cli::{exit, source};
use crate::contrast::Group;
use crate::driver::Stop;
use crate::gate::{self, Course, Next, Place, Question};
use crate::model::contrast::Outcome;
use crate::model::digest::Digest;
use crate::model::gate::{Gate, Mode};
use crate::process::{Child, Reaper};

/// What a run says may have this length; more is no answer.
const SAID_BYTES_MAX: u64 = 1 << 20;
/// How long a run that was asked to end may take before it is asked again. Its own limits are far below.
const END_WITHIN: Duration = Duration::from_secs(120);

/// What is measured, and how.
pub(super) struct Bench {
    /// The sides whose runs are made.
    pub(super) sides: Sides,
    /// Your own server, where one is named.
    pub(super) server: ServerArgs,
    /// What was measured before.
    pub(super) base: Option<Group>,
    /// Begin no run that would probably end later.
    pub(super) within: Option<Duration>,
    /// Show no progress.
    pub(super) quiet: bool,
    /// Where each run tells how far it is, while it goes on.
    pub(super) metrics: Option<Address>,
}

/// Makes runs until it is decided.
pub(super) fn measure(bench: Bench, question: Question, command: &str) -> Result<Gate, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Trouble::Signals)?;
    tokio::task::LocalSet::new().block_on(&runtime, all(bench, question, command))
}

async fn all(mut bench: Bench, question: Question, command: &str) -> Result<Gate, Error> {
    let mut stop = listen_for_stop(true).map_err(Trouble::Signals)?;
    let group =
        |side: &Side| Group { name: side.name.to_owned(), source: side.out.display().to_string(), runs: Vec::new() };
    let Sides { head, base, programs_differ } = &bench.sides;
    let mode = if base.is_some() { Mode::SideBySide } else { Mode::Measured };
    let base_group = base.as_ref().map(group).or(bench.base.take());
    let mut course = Course::new(question.clone(), group(head), base_group, base.is_some());
    course.lets_programs_differ(*programs_differ);
    let reaper = Reaper::start(&own_program().map_err(Trouble::Signals)?).await?;
    let began = Instant::now();
    let (mut longest, mut made, mut interrupted) = (Duration::ZERO, 0u32, false);
    while let Next::Make(place) = course.next() {
        if bench.within.is_some_and(|within| began.elapsed() + longest > within) {
            tell(bench.quiet, "the time is up: no more runs are begun");
            break;
        }
        let side = match (place, base) {
            (Place::Base, Some(base)) => base,
            _ => head,
        };
        let since = Instant::now();
        let Some((name, digest)) = one(side, &bench, &reaper, &mut stop).await? else {
            interrupted = true;
            break;
        };
        let took = since.elapsed();
        (longest, made) = (longest.max(took), made + 1);
        let state = digest.state;
        let looks_before = looks(&course);
        course.add(place, name.clone(), digest)?;
        let mean = began.elapsed() / made;
        let left = course.left_at_most();
        tell(
            bench.quiet,
            &format!(
                "{} {name}: {state}, {:.1} s · at most {left} more, {}",
                side.name,
                took.as_secs_f64(),
                rough(mean * left)
            ),
        );
        if looks(&course) > looks_before {
            tell(bench.quiet, &seen(&course));
        }
        if *stop.borrow() > 0 {
            interrupted = true;
            break;
        }
    }
    reaper.end().await?;
    match gate::end(&question, &course, mode, interrupted, command)? {
        Some(gate) => Ok(gate),
        None if interrupted => Err(Error::Stopped),
        None => {
            let runs = course.base.iter().flat_map(|base| &base.runs);
            let why: Vec<String> = runs.map(|(name, digest)| format!("{name} is {}", digest.state)).collect();
            Err(Error::NoHead(why.join(", ")))
        }
    }
}

fn tell(quiet: bool, line: &str) {
    if !quiet {
        errln!("{line}");
    }
}

fn looks(course: &Course) -> usize {
    course.timing().map_or(0, |timing| timing.looks.len())
}

/// What the last look showed.
fn seen(course: &Course) -> String {
    let Some(timing) = course.timing() else { return String::new() };
    let count = |outcomes: &[Outcome]| timing.quantities.iter().filter(|row| outcomes.contains(&row.outcome)).count();
    format!(
        "looked after {} repeats a side: {} worse, {} not worse, {} undecided",
        timing.looks.last().map_or(0, |look| look.repeats),
        count(&[Outcome::Worse]),
        count(&[Outcome::Same, Outcome::Better]),
        count(&[Outcome::Undecided]),
    )
}

/// A length of time as people say it.
fn rough(span: Duration) -> String {
    match span.as_secs() {
        seconds if seconds < 100 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

/// Makes one run of a side and reads its report; `None` when it was stopped before there was anything to report.
async fn one(side: &Side, bench: &Bench, reaper: &Reaper, stop: &mut Stop) -> Result<Option<(String, Digest)>, Error> {
    let mut command = Command::new(&side.program);
    command.arg0("jetlag").arg("run").arg(&side.profile).args(side.sets.iter().flat_map(|set| ["--set", set]));
    command.args(["--json", "--quiet", "--out"]).arg(&side.out);
    command.args(bench.metrics.iter().flat_map(|address| ["--metrics".to_owned(), address.to_string()]));
    command
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let (words, variables) = bench.server.handed_on();
    command.args(words);
    let mut child = Child::spawn_knowing(side.name, command, reaper.group(), &variables)?;
    let (out, err) = (child.stdout(), child.stderr());
    let reading = async { tokio::join!(read(out), read(err)) };
    tokio::pin!(reading);
    let mut told = *stop.borrow();
    if told > 0 {
        let _ = child.handle().terminate();
    }
    let (out, err) = loop {
        tokio::select! {
            said = &mut reading => break said,
            changed = stop.changed() => {
                // Whoever is told twice is in a hurry, and so is the run then.
                let asked = *stop.borrow_and_update();
                if changed.is_err() || asked > told {
                    told = asked;
                    let _ = child.handle().terminate();
                }
            }
            () = tokio::time::sleep(END_WITHIN), if told > 0 => {
                let _ = child.handle().terminate();
            }
        }
    };
    let exit = child.wait().await?;
    let answer: Option<serde_json::Value> = out.lines().rev().find_map(|line| serde_json::from_str(line).ok());
    let folder = answer.as_ref().and_then(|answer| answer.get("run_dir")?.as_str());
    let Some(folder) = folder else {
        if told > 0 {
            return Ok(None);
        }
        let said = err.trim();
        let said = if said.is_empty() { out.trim() } else { said };
        return Err(side::Error::Refused {
            side: side.name,
            program: if side.program.starts_with("/proc") {
                "jetlag".to_owned()
            } else {
                side.program.display().to_string()
            },
            how: exit.to_string(),
            said: if said.is_empty() { "it said nothing".to_owned() } else { said.to_owned() },
            code: exit.code.and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::ENVIRONMENT),
        }
        .into());
    };
    let path = std::path::Path::new(folder);
    let digest = source::report(&path.join("report.json"));
    let digest = digest.map_err(|source| side::Error::Report { side: side.name, path: path.to_owned(), source })?;
    let name = path.file_name().map_or_else(|| folder.to_owned(), |name| name.to_string_lossy().into_owned());
    Ok(Some((name, digest)))
}

/// Everything that comes out of a pipe, up to a limit; the rest is read and dropped, so that nobody waits.
async fn read(pipe: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut pipe) = pipe else { return String::new() };
    let mut said = Vec::new();
    let _ = (&mut pipe).take(SAID_BYTES_MAX).read_to_end(&mut said).await;
    let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&said).into_owned()
}
