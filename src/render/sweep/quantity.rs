//! The quantities that cells are told by: how each is read from a run, and what the repeats of a cell say of it together.

use crate::model::comparison::{ComparedGap, ComparedRun};
use crate::model::reading::{Scope, Stat};
use crate::model::report::RunState;
use crate::model::sweep::{Cell, Sweep};
use crate::render::number::{self, ABSENT};
use crate::render::repeats::Repeats;
use crate::render::summary;

/// A quantity of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::render) enum Quantity {
    /// Messages a second: the id of the metric.
    Rate(&'static str),
    /// `end_to_end`, in milliseconds.
    Latency(Stat),
    /// The greatest gap of an affected partition after faults of a kind, in milliseconds.
    Gap(String),
    /// The longest that something in flight waited after faults of a kind, in milliseconds.
    Stranded(String),
    /// A count of what must not happen, or only for a reason: the id of the metric.
    Count(&'static str),
    /// Seconds of processor time a million messages, of one kind of process.
    Cpu(String),
}

/// The headline.
pub(super) const ORDERED: Quantity = Quantity::Rate("ordered_per_s");
/// How often order broke.
pub(super) const VIOLATIONS: Quantity = Quantity::Count("order_violations");

/// Of these the median over repeats says nothing: one is too many. The greatest is shown.
const NEVER: [&str; 3] = ["order_violations", "lost", "overlap"];

/// Kinds of fault that bring somebody, told only where nothing else struck.
const BRING: [&str; 2] = ["restart", "join"];

/// All that some cell of the sweep has, in the order of a table.
pub(super) fn all(sweep: &Sweep) -> Vec<Quantity> {
    let mut all = every(sweep);
    all.retain(|quantity| sweep.cells.iter().any(|cell| quantity.cell(cell) != ABSENT));
    all
}

/// All that there could be, in the order of a table.
pub(super) fn every(sweep: &Sweep) -> Vec<Quantity> {
    let mut all = vec![ORDERED, Quantity::Rate("handled_per_s")];
    all.extend([Stat::P50, Stat::P99].map(Quantity::Latency));
    all.extend(kinds(sweep).into_iter().flat_map(|kind| [Quantity::Gap(kind.clone()), Quantity::Stranded(kind)]));
    all.extend(["order_violations", "lost", "overlap", "redelivered"].map(Quantity::Count));
    all.extend(["server", "consumers"].map(|process| Quantity::Cpu(process.to_owned())));
    all
}

/// The kinds of fault that struck somewhere, in order of first appearance.
pub(super) fn kinds(sweep: &Sweep) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for gap in sweep.cells.iter().flat_map(|cell| &cell.runs).flat_map(|run| &run.gaps) {
        if !kinds.contains(&gap.kind) {
            kinds.push(gap.kind.clone());
        }
    }
    if kinds.iter().any(|kind| !BRING.contains(&kind.as_str())) {
        kinds.retain(|kind| !BRING.contains(&kind.as_str()));
    }
    kinds
}

/// Whether the times and rates of a run are taken: a broken promise makes them no less true.
pub(super) fn is_taken(run: &ComparedRun) -> bool {
    matches!(run.state, RunState::Complete | RunState::Violated)
}

impl Quantity {
    /// As people read it: `end_to_end p99`, `gap after kill`.
    pub(in crate::render) fn label(&self) -> String {
        match self {
            Self::Rate(id) | Self::Count(id) => (*id).to_owned(),
            Self::Latency(stat) => format!("end_to_end {stat}"),
            Self::Gap(kind) => format!("gap after {kind}"),
            Self::Stranded(kind) => format!("stranded after {kind}"),
            Self::Cpu(process) => format!("cpu_per_million {process}"),
        }
    }

    /// As programs read it, the unit last: `end_to_end_p99_ms`.
    pub(super) fn id(&self) -> String {
        match self {
            Self::Rate(id) | Self::Count(id) => (*id).to_owned(),
            Self::Latency(stat) => format!("end_to_end_{stat}_ms"),
            Self::Gap(kind) => format!("gap_after_{kind}_max_ms"),
            Self::Stranded(kind) => format!("stranded_after_{kind}_max_ms"),
            Self::Cpu(process) => format!("cpu_per_million_{process}_s"),
        }
    }

    /// Its unit; empty for a count, and for a rate, whose name tells.
    pub(in crate::render) fn unit(&self) -> &'static str {
        match self {
            Self::Rate(_) | Self::Count(_) => "",
            Self::Latency(_) | Self::Gap(_) | Self::Stranded(_) => "ms",
            Self::Cpu(_) => "s",
        }
    }

    /// Whether one is too many.
    pub(super) fn must_not_be(&self) -> bool {
        matches!(self, Self::Count(id) if NEVER.contains(id))
    }

    /// Whether it is a stretch of time that spans decades.
    pub(super) fn is_time(&self) -> bool {
        self.unit() == "ms"
    }

    /// In one run; none when it was not observed.
    pub(in crate::render) fn of_run(&self, run: &ComparedRun) -> Option<f64> {
        let value = match self {
            Self::Rate(id) => summary::run_value(&run.readings, &[id], &[]),
            Self::Latency(stat) => summary::run_value(&run.readings, &["end_to_end"], &[*stat]),
            Self::Gap(kind) => gap(run, kind)?.affected_ms_max,
            // What was never in flight waited for nothing. What was and never got handled has no time.
            Self::Stranded(kind) => {
                let gap = gap(run, kind)?;
                gap.stranded_ms_max.or((gap.stranded_messages == Some(0)).then_some(0.0))
            }
            Self::Count("order_violations") => summary::order_violations(&run.readings).map(|times| times as f64),
            Self::Count("overlap") => summary::overlaps(&run.readings).map(|times| times as f64),
            Self::Count(id) => summary::run_count(&run.readings, id).map(|times| times as f64),
            Self::Cpu(process) => {
                summary::cpu_readings(&run.readings)
                    .find(|reading| matches!(&reading.scope, Scope::Process(of) if of == process))?
                    .value
            }
        };
        value.filter(|value| value.is_finite())
    }

    /// Over the repeats of a cell: those whose times can be trusted, and of what must not happen those that were stopped
    /// as well.
    pub(in crate::render) fn of(&self, cell: &Cell) -> Repeats {
        let counts = |run: &&ComparedRun| is_taken(run) || (self.must_not_be() && run.state == RunState::Interrupted);
        Repeats::of(cell.runs.iter().filter(counts).filter_map(|run| self.of_run(run)))
    }

    /// The one value that stands for the repeats: their median, or the greatest of what must not happen.
    pub(in crate::render) fn value(&self, cell: &Cell) -> Option<f64> {
        let repeats = self.of(cell);
        if self.must_not_be() { repeats.most() } else { repeats.median() }
    }

    /// A value with its unit.
    pub(in crate::render) fn told(&self, value: f64) -> String {
        number::with_unit(Some(value), self.unit())
    }

    /// The value of a cell with its marks.
    pub(in crate::render) fn cell(&self, cell: &Cell) -> String {
        let value = match self {
            // A message that was in flight and never handled is worse than any time.
            Self::Stranded(kind) if never_handled(cell, kind) => return "never".to_owned(),
            Self::Stranded(_) if self.value(cell) == Some(0.0) => return "none".to_owned(),
            _ => self.value(cell).map_or_else(|| ABSENT.to_owned(), |value| self.told(value)),
        };
        if self.is_censored(cell) { format!("{value} *") } else { value }
    }

    /// From the least to the greatest repeat; none when they look alike.
    pub(in crate::render) fn range(&self, cell: &Cell) -> Option<String> {
        let repeats = self.of(cell);
        let (least, most) = (self.told(repeats.least()?), self.told(repeats.most()?));
        if least == most {
            return None;
        }
        let unit = |told: &str| told.split_once(' ').map(|(_, unit)| unit.to_owned());
        let short = if unit(&least) == unit(&most) { least.split(' ').next().unwrap_or(&least) } else { &least };
        Some(format!("{short}–{most}"))
    }

    /// Whether some window behind the value was cut short: it is at least so long.
    pub(super) fn is_censored(&self, cell: &Cell) -> bool {
        let Self::Gap(kind) = self else { return false };
        cell.runs.iter().filter(|run| is_taken(run)).filter_map(|run| gap(run, kind)).any(|gap| gap.censored)
    }
}

fn never_handled(cell: &Cell, kind: &str) -> bool {
    let taken = cell.runs.iter().filter(|run| is_taken(run)).filter_map(|run| gap(run, kind));
    taken.into_iter().any(|gap| gap.stranded_ms_max.is_none() && gap.stranded_messages.is_some_and(|many| many > 0))
}

fn gap<'a>(run: &'a ComparedRun, kind: &str) -> Option<&'a ComparedGap> {
    run.gaps.iter().find(|gap| gap.kind == kind)
}
