//! Progress while a run goes on: one line that changes on a terminal, the whole screen when asked for, one line a second elsewhere.

mod line;
mod screen;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::exit;
use super::metrics::{self, Endpoint};
use super::out::errln;
use crate::driver::Scene;
use crate::evidence::Folder;
use crate::model::live::{About, Live};
use crate::render;
use screen::Screen;

/// Words of every subcommand that shows runs while it makes them.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct ShowArgs {
    /// Show no progress.
    #[arg(long, short)]
    quiet: bool,
    /// Show the run on the whole screen: throughput, latency, and who owns what.
    #[arg(long, conflicts_with = "quiet")]
    tui: bool,
    /// Tell OpenMetrics readers how far the run is: a port, open to this machine only, or ADDRESS:PORT.
    #[arg(long, value_name = "ADDR", value_parser = metrics::address)]
    metrics: Option<metrics::Address>,
}

/// Why nothing can be shown in the way that was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("--tui needs a terminal, and standard error is none; leave it out")]
    NoTerminal,
    #[error("cannot draw on the terminal: {0}; leave --tui out")]
    Screen(#[from] std::io::Error),
    #[error(transparent)]
    Metrics(#[from] metrics::Error),
}

impl Error {
    /// The exit code that it means.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::NoTerminal => exit::ARGUMENTS,
            Self::Screen(_) | Self::Metrics(_) => exit::ENVIRONMENT,
        }
    }
}

/// Shows scenes on standard error, and tells them to whoever asks the endpoint.
pub(super) struct Display {
    bar: Option<ProgressBar>,
    screen: Option<Screen>,
    endpoint: Option<Endpoint>,
    quiet: bool,
    /// Put before each line when several runs are made.
    label: String,
    /// Where the run is made that is shown now.
    folder: Option<PathBuf>,
    live: Live,
}

impl Display {
    /// A display as it was asked for.
    ///
    /// # Errors
    /// When there is no terminal to draw on, or no port to listen at.
    pub(super) fn new(args: &ShowArgs) -> Result<Self, Error> {
        let is_terminal = std::io::stderr().is_terminal();
        if args.tui && !is_terminal {
            return Err(Error::NoTerminal);
        }
        let endpoint = args.metrics.as_ref().map(Endpoint::open).transpose()?;
        if let Some(endpoint) = endpoint.as_ref().filter(|_| !args.quiet) {
            errln!("metrics: {}", endpoint.url());
        }
        let mut display = Self { quiet: args.quiet, endpoint, ..Self::silent() };
        display.screen = args.tui.then(Screen::open).transpose()?;
        display.bar = (!args.quiet && !args.tui && is_terminal).then(bar);
        Ok(display)
    }

    /// A display that says nothing.
    pub(super) fn silent() -> Self {
        let (bar, screen, endpoint) = (None, None, None);
        Self { bar, screen, endpoint, quiet: true, label: String::new(), folder: None, live: Live::default() }
    }

    /// Names the run that comes now.
    pub(super) fn begin(&mut self, label: &str) {
        self.label = if label.is_empty() { String::new() } else { format!("[{label}] ") };
    }

    /// The run that comes now is made in the folder `path`.
    pub(super) fn follow(&mut self, path: &Path) {
        self.folder = Some(path.to_owned());
        self.live = Live::default();
    }

    /// Whether others may write to the terminal meanwhile.
    pub(super) fn leaves_room(&self) -> bool {
        self.screen.is_none()
    }

    /// Shows one scene.
    pub(super) fn show(&mut self, scene: &Scene) {
        match scene {
            Scene::Note(text) => self.line(text),
            Scene::Fault { at, what } => {
                let told = format!("{}{} fault: {what}", self.label, line::clock(*at));
                self.say(&told);
                self.live.note_fault(what.split(' ').next().unwrap_or_default(), told);
            }
            Scene::Progress(progress) => {
                if self.live.about.is_none() {
                    self.live.about = self.folder.as_deref().and_then(about);
                }
                self.live.note_progress(progress);
                match &self.bar {
                    Some(bar) => {
                        bar.set_length(progress.planned.as_secs().max(1));
                        bar.set_position(progress.elapsed.as_secs().min(progress.planned.as_secs()));
                        let bar_columns = if has_bar() { BAR_COLUMNS + 1 } else { 0 };
                        let columns = line::columns().saturating_sub(bar_columns);
                        bar.set_message(line::fitting(&self.label, progress, columns));
                    }
                    None if self.screen.is_some() || self.quiet => {}
                    None => errln!("{}", line::fitting(&self.label, progress, usize::MAX)),
                }
            }
        }
        self.refresh();
    }

    /// Ends what changes, and gives the terminal back.
    pub(super) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.screen = None;
    }

    /// Says a line of its own.
    pub(super) fn line(&mut self, text: &str) {
        let line = format!("{}{text}", self.label);
        self.say(&line);
        self.live.note(line);
        self.refresh();
    }

    /// Puts a line onto the terminal, where no screen shows it.
    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| errln!("{line}")),
            None if self.quiet || self.screen.is_some() => {}
            None => errln!("{line}"),
        }
    }

    /// Draws the screen anew, and what the endpoint tells.
    fn refresh(&mut self) {
        if let Some(screen) = &mut self.screen {
            screen.draw(&self.live, &self.label);
        }
        if let Some(endpoint) = &self.endpoint {
            endpoint.tell(render::live::openmetrics(&self.live));
        }
    }
}

/// Columns of the bar itself.
const BAR_COLUMNS: usize = 12;
/// On a terminal less wide than this, words need the room.
const BAR_FROM_COLUMNS: usize = 100;

fn has_bar() -> bool {
    line::columns() >= BAR_FROM_COLUMNS
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr_with_hz(4));
    let template = if has_bar() { format!("{{bar:{BAR_COLUMNS}}} {{wide_msg}}") } else { "{wide_msg}".to_owned() };
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar
}

/// What the manifest in `folder` says of the run; it is there before the load begins.
fn about(folder: &Path) -> Option<About> {
    let manifest = Folder::open(folder).ok()?.manifest().ok()?;
    Some(About {
        run: manifest.run_id,
        profile: manifest.profile,
        strategy: manifest.strategy,
        variant: manifest.variant,
        seed: manifest.seed,
        jetlag_version: manifest.environment.jetlag_version,
        server_version: manifest.environment.server_version,
    })
}
