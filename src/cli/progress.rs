//! Progress while a run goes on: one line that changes on a terminal, one line a second elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::out::errln;
use crate::driver::Scene;
use crate::driver::scene::Progress;
use crate::model::story::Phase;

/// Shows scenes on standard error.
pub(super) struct Display {
    bar: Option<ProgressBar>,
    quiet: bool,
    /// Put before each line when several runs are made.
    label: String,
}

impl Display {
    /// A display that says nothing when `quiet`.
    pub(super) fn new(quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr_with_hz(4));
            if let Ok(style) = ProgressStyle::with_template("{bar:20} {wide_msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, quiet, label: String::new() }
    }

    /// Names the run that comes now.
    pub(super) fn begin(&mut self, label: &str) {
        self.label = if label.is_empty() { String::new() } else { format!("[{label}] ") };
    }

    /// Shows one scene.
    pub(super) fn show(&mut self, scene: &Scene) {
        if self.quiet {
            return;
        }
        match scene {
            Scene::Note(text) => self.line(text),
            Scene::Fault { at, what } => self.line(&format!("{} fault: {what}", clock(*at))),
            Scene::Progress(progress) => match &self.bar {
                Some(bar) => {
                    bar.set_length(progress.planned.as_secs().max(1));
                    bar.set_position(progress.elapsed.as_secs().min(progress.planned.as_secs()));
                    bar.set_message(format!("{}{}", self.label, describe(progress)));
                }
                None => errln!("{}{}", self.label, describe(progress)),
            },
        }
    }

    /// Ends the changing line.
    pub(super) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Says a line of its own.
    pub(super) fn line(&self, text: &str) {
        let line = format!("{}{text}", self.label);
        match &self.bar {
            Some(bar) => bar.suspend(|| errln!("{line}")),
            None if !self.quiet => errln!("{line}"),
            None => {}
        }
    }
}

fn describe(progress: &Progress) -> String {
    let phase = match progress.phase {
        Some(Phase::Provision) => "provision",
        Some(Phase::WarmUp) => "warm-up",
        Some(Phase::Measure) => "measure",
        Some(Phase::Drain) => "drain",
        None => "",
    };
    let next = match &progress.next_fault {
        Some((kind, until)) => format!(" · {kind} in {} s", until.as_secs()),
        None => String::new(),
    };
    let breaks = if progress.breaks == 0 { String::new() } else { format!(" · order breaks {}", progress.breaks) };
    let violations =
        if progress.violations == 0 { String::new() } else { format!(" · VIOLATIONS {}", progress.violations) };
    let offered = progress.offered_per_s.map(|rate| format!("offered {rate:.0}/s ")).unwrap_or_default();
    format!(
        "{} {phase:<7} {offered}stored {:.0}/s handled {:.0}/s · backlog {} · {} members{breaks}{violations}{next}",
        clock(progress.elapsed),
        progress.stored_per_s,
        progress.handled_per_s,
        progress.backlog,
        progress.members,
    )
}

fn clock(at: Duration) -> String {
    format!("{:02}:{:02}", at.as_secs() / 60, at.as_secs() % 60)
}
