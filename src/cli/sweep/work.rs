//! The work of a sweep: one run after the other, and what there is of it written anew after each.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::folder::{self, Place, There, again};
use super::said;
use crate::cli::make::{Maker, Trouble};
use crate::cli::progress::Display;
use crate::driver::{self, Ending};
use crate::evidence;
use crate::model::report::{Report, RunState};
use crate::model::sweep::{Cell, SCHEMA, Sweep};
use crate::nats::Access;
use crate::profile::sweep::estimate::Estimate;
use crate::profile::sweep::{Grid, Turn};
use crate::render;
use crate::render::sheet::Sheet;

/// After so many runs in a row that could not be made, the rest is not tried: it is the environment.
const FAILED_IN_A_ROW_MAX: u32 = 2;

/// Why the work ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Make(#[from] Trouble),
    #[error(transparent)]
    Folder(#[from] folder::Error),
    #[error(transparent)]
    Write(#[from] evidence::Error),
    #[error("stopped")]
    Stopped,
}

/// Which runs are made, and how.
pub(super) struct Way {
    /// Of each cell: whether it was asked for.
    pub wanted: Vec<bool>,
    /// Invalid runs are made again.
    pub again: bool,
    /// The evidence of good runs is removed.
    pub drop_evidence: bool,
}

/// A sweep while it is made.
pub(super) struct Sweeping<'g> {
    grid: &'g Grid,
    place: Place,
    way: Way,
    sweep: Sweep,
    /// What needs no making any more.
    done: BTreeSet<Turn>,
    /// What could not be made, and why.
    failed: Vec<String>,
    estimate: Estimate,
}

impl<'g> Sweeping<'g> {
    /// A sweep of which nothing is known yet.
    pub(super) fn new(grid: &'g Grid, place: Place, way: Way) -> Self {
        let cell = |cell: &crate::profile::sweep::Cell| Cell {
            name: cell.name.clone(),
            at: cell.at.clone(),
            left_out: cell.what.as_ref().err().cloned(),
            runs: Vec::new(),
        };
        let sweep = Sweep {
            schema: SCHEMA.to_owned(),
            name: grid.name.clone(),
            question: grid.question.clone(),
            state: RunState::Invalid,
            origin: None,
            order: grid.order.name().to_owned(),
            repeats: grid.repeats,
            planned: u32::try_from(grid.turns().len()).unwrap_or(u32::MAX),
            made: 0,
            findings: Vec::new(),
            price_of_order: None,
            axes: grid.axes.clone(),
            cells: grid.cells.iter().map(cell).collect(),
        };
        let (done, failed) = (BTreeSet::new(), Vec::new());
        Self { grid, place, way, sweep, done, failed, estimate: Estimate::default() }
    }

    /// Makes what is missing.
    pub(super) async fn go_on(
        &mut self,
        typed: &[OsString],
        access: Option<Access>,
        display: &mut Display,
    ) -> Result<(), Error> {
        let maker = Maker::new(typed, access, false, display)?;
        for cell in self.grid.cells.iter() {
            if let Err(reason) = &cell.what {
                display.line(&format!("left out: {} ({reason})", cell.name));
            }
        }
        self.look_around(display)?;
        self.write()?;
        let turns = self.turns_left();
        let mut failed_in_a_row = 0;
        for (number, turn) in turns.iter().enumerate() {
            let rest = turns.get(number..).unwrap_or_default();
            let Some(plan) = self.grid.plan(*turn) else { continue };
            let name = self.name_of(*turn);
            let left = said::span(self.time_for(rest));
            display.begin(&format!("{}/{} · {name} · {left} left", number + 1, turns.len()));
            let began = Instant::now();
            let path = self.place.path().join(Place::of(self.grid, *turn));
            match maker.make(&plan, &path, display).await {
                Ok((report, ending)) => {
                    failed_in_a_row = 0;
                    self.estimate.took(*turn, plan.phases, began.elapsed());
                    let line = self.add(*turn, &report);
                    display.begin("");
                    display.line(&format!("{}/{} · {name}: {line}", number + 1, turns.len()));
                    if report.state == RunState::Complete && self.way.drop_evidence {
                        drop_evidence(&path)?;
                    }
                    self.write()?;
                    if ending == Ending::Interrupted {
                        return Err(Error::Stopped);
                    }
                }
                Err(Trouble::Driver(driver::Error::StoppedEarly)) => return Err(Error::Stopped),
                Err(trouble) => {
                    failed_in_a_row += 1;
                    if failed_in_a_row >= FAILED_IN_A_ROW_MAX {
                        return Err(trouble.into());
                    }
                    display.begin("");
                    display.line(&format!("{}/{} · {name}: could not be made: {trouble}", number + 1, turns.len()));
                    self.failed.push(format!("{name}: {trouble}"));
                }
            }
        }
        Ok(())
    }

    /// Takes what is there already, and removes what is to be made again.
    fn look_around(&mut self, display: &mut Display) -> Result<(), Error> {
        let mut kept: Vec<(Turn, Box<Report>)> = Vec::new();
        for turn in self.grid.turns() {
            let there = self.place.look(self.grid, turn)?;
            if let Some(why) = again(&there, self.way.again) {
                if self.is_wanted(turn) {
                    self.place.remove(self.grid, turn)?;
                    display.line(&format!("{} is removed and made again: {why}", self.name_of(turn)));
                }
                continue;
            }
            if let There::Run(report) = there {
                if report.state == RunState::Invalid {
                    display
                        .line(&format!("{} is invalid and kept; --again invalid makes it again", self.name_of(turn)));
                }
                kept.push((turn, report));
            }
        }
        kept.sort_by(|(_, one), (_, other)| one.run.started.cmp(&other.run.started));
        if !kept.is_empty() {
            display.line(&format!("{} of {} there already", kept.len(), said::runs(self.grid.turns().len())));
        }
        for (turn, report) in kept {
            self.add(turn, &report);
        }
        Ok(())
    }

    /// Puts a run into its cell, and tells it in a line.
    fn add(&mut self, turn: Turn, report: &Report) -> String {
        let name = self.name_of(turn);
        render::sweep::add(&mut self.sweep, turn.cell, &name, &Place::of(self.grid, turn), report);
        if report.state != RunState::Interrupted {
            self.done.insert(turn);
        }
        let run = self.sweep.cells.get(turn.cell).and_then(|cell| cell.runs.last());
        run.map(said::line).unwrap_or_default()
    }

    /// Writes what there is, in every format that lies in the folder of a sweep.
    fn write(&mut self) -> Result<(), Error> {
        render::sweep::finish(&mut self.sweep);
        for format in render::sweep::ALL.iter().filter(|format| ["json", "html"].contains(&format.name)) {
            evidence::write_atomic(&self.place.path().join(format.file), format.render(&self.sweep).as_bytes())?;
        }
        Ok(())
    }

    /// The runs that are still to be made of those that were asked for, in order.
    fn turns_left(&self) -> Vec<Turn> {
        let is_left = |turn: &Turn| self.is_wanted(*turn) && !self.done.contains(turn);
        self.grid.turns().into_iter().filter(is_left).collect()
    }

    fn is_wanted(&self, turn: Turn) -> bool {
        self.way.wanted.get(turn.cell).copied().unwrap_or(true)
    }

    fn time_for(&self, turns: &[Turn]) -> Duration {
        self.estimate.of_all(turns.iter().filter_map(|turn| Some((turn.cell, self.grid.plan(*turn)?.phases))))
    }

    /// `lease-group, 16 / 2`
    fn name_of(&self, turn: Turn) -> String {
        let cell = self.grid.cells.get(turn.cell).map_or("", |cell| cell.name.as_str());
        format!("{cell} / {}", turn.repeat)
    }

    /// How many runs of all are not there.
    pub(super) fn left(&self) -> usize {
        self.grid.turns().iter().filter(|turn| !self.done.contains(turn)).count()
    }

    /// What could not be made, and why.
    pub(super) fn failed(&self) -> &[String] {
        &self.failed
    }

    /// How the runs ended.
    pub(super) fn states(&self) -> impl Iterator<Item = RunState> {
        self.sweep.cells.iter().flat_map(|cell| &cell.runs).map(|run| run.state)
    }

    /// What was measured.
    pub(super) fn sweep(&self) -> &Sweep {
        &self.sweep
    }

    /// Where everything lies.
    pub(super) fn folder(&self) -> &Path {
        self.place.path()
    }

    /// The file for machines, and the one for people.
    pub(super) fn files(&self) -> [PathBuf; 2] {
        let file = |name: &str| render::sweep::ALL.iter().find(|format| format.name == name).map(|format| format.file);
        ["json", "html"].map(|name| self.place.path().join(file(name).unwrap_or_default()))
    }

    /// What was measured, for the terminal.
    pub(super) fn summary(&self, sheet: Sheet) -> String {
        render::sweep::summary(&self.sweep, sheet)
    }
}

/// Removes what a run was judged by. Its manifest and its reports stay.
fn drop_evidence(run: &Path) -> Result<(), Error> {
    for folder in [run.join("journals"), run.join("server")] {
        match std::fs::remove_dir_all(&folder) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(folder::Error::Remove { path: folder, source }.into());
            }
            _ => {}
        }
    }
    Ok(())
}
