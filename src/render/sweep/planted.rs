//! Sweeps with planted figures, for the tests of every format.

use super::{add, finish};
use crate::model::reading::{Scope, Stat};
use crate::model::report::{Report, RunState};
use crate::model::sweep::{Axis, AxisValue, Cell, SCHEMA, Sweep};
use crate::render::sample;

/// What one run shall show.
#[derive(Clone)]
pub(super) struct Shown {
    pub strategy: &'static str,
    pub mode: Option<&'static str>,
    pub ordered: f64,
    pub handled: f64,
    pub p99_ms: f64,
    pub gap_ms: f64,
    pub violations: f64,
}

impl Shown {
    /// A lease group with these figures.
    pub(super) fn of(ordered: f64, p99_ms: f64, gap_ms: f64) -> Self {
        let (strategy, mode) = ("lease-group", Some("explicit"));
        Self { strategy, mode, ordered, handled: ordered, p99_ms, gap_ms, violations: 0.0 }
    }

    /// The report of that run; its latency is spread a little by the number of the repeat.
    pub(super) fn report(&self, repeat: u32) -> Report {
        let ordered = self.strategy != "shared-pull" && self.strategy != "core-queue";
        let mut report = if ordered { sample::quick() } else { sample::shared() };
        let noise = 1.0 + (f64::from(repeat) - 2.0) * 0.031;
        report.run.strategy = self.strategy.to_owned();
        report.run.commit_mode = self.mode.map(str::to_owned);
        report.run.seed = 42 + u64::from(repeat);
        report.faults.retain(|fault| fault.kind == "kill" || fault.kind == "leave");
        for fault in &mut report.faults {
            fault.censored = false;
            for partition in fault.partitions.iter_mut().filter(|partition| partition.affected) {
                let most = if fault.kind == "kill" { self.gap_ms } else { 14.0 };
                partition.gap_ms = Some(most * noise * (1.0 - 0.05 * f64::from(partition.partition % 4)));
            }
        }
        for reading in report.readings.iter_mut().filter(|reading| reading.scope == Scope::Run) {
            let value = match (reading.metric.as_str(), reading.stat) {
                ("ordered_per_s", _) => self.ordered * noise,
                ("handled_per_s", _) => self.handled * noise,
                ("end_to_end", Stat::P50) => self.p99_ms / 7.0 * noise,
                ("end_to_end", Stat::P99) => self.p99_ms * noise,
                ("order_violations", _) => self.violations,
                _ => continue,
            };
            reading.value = Some(value);
        }
        report
    }
}

/// An axis of words.
pub(super) fn words(name: &str, labels: &[&str]) -> Axis {
    let value = |label: &&str| AxisValue { label: (*label).to_owned(), number: None };
    Axis { name: name.to_owned(), values: labels.iter().map(value).collect(), unit: None }
}

/// An axis of numbers.
pub(super) fn numbers(name: &str, unit: &str, numbers: &[f64]) -> Axis {
    let value = |number: &f64| AxisValue { label: format!("{number}{unit}"), number: Some(*number) };
    Axis { name: name.to_owned(), values: numbers.iter().map(value).collect(), unit: Some(unit.to_owned()) }
}

/// A sweep over these axes; `run` tells what is seen at a place of the grid, or nothing where a cell is left out.
pub(super) fn sweep(name: &str, axes: Vec<Axis>, repeats: u32, run: impl Fn(&[usize], u32) -> Option<Report>) -> Sweep {
    let mut places: Vec<Vec<usize>> = vec![Vec::new()];
    for axis in &axes {
        let next = |place: &Vec<usize>| {
            let place = place.clone();
            (0..axis.values.len()).map(move |value| [place.clone(), vec![value]].concat())
        };
        places = places.iter().flat_map(next).collect();
    }
    let cell = |at: &Vec<usize>| Cell {
        name: at.iter().zip(&axes).map(|(at, axis)| axis.values[*at].label.as_str()).collect::<Vec<&str>>().join(", "),
        at: at.clone(),
        left_out: run(at, 1).is_none().then(|| "[[skip]] 2: so many replicas need as many nodes".to_owned()),
        runs: Vec::new(),
    };
    let cells: Vec<Cell> = places.iter().map(cell).collect();
    let to_run = cells.iter().filter(|cell| cell.left_out.is_none()).count() as u32;
    let mut sweep = Sweep {
        schema: SCHEMA.to_owned(),
        name: name.to_owned(),
        question: "What changes when the settings change?".to_owned(),
        state: RunState::Complete,
        origin: None,
        order: "abba".to_owned(),
        repeats,
        planned: to_run * repeats,
        made: 0,
        findings: Vec::new(),
        price_of_order: None,
        axes,
        cells,
    };
    for repeat in 1..=repeats {
        for (index, at) in places.iter().enumerate() {
            if let Some(mut report) = run(at, repeat) {
                report.run.command = format!("jetlag sweep {name}");
                let run = format!("{} / {repeat}", sweep.cells[index].name);
                add(&mut sweep, index, &run, &format!("runs/{index:03}-{repeat}"), &report);
            }
        }
    }
    finish(&mut sweep);
    sweep
}

/// The gap against the lease time: a crash follows it, a leave does not.
pub(super) fn lease_time() -> Sweep {
    let ttls = [0.5, 1.0, 2.0, 5.0, 10.0];
    sweep("gap-vs-ttl", vec![numbers("strategy.ttl", "s", &ttls)], 3, |at, repeat| {
        Some(Shown::of(1_998.0, 700.0 * ttls[at[0]], 1_050.0 * ttls[at[0]] + 60.0).report(repeat))
    })
}

/// Partitions by strategy: the group scales until sixteen, the serial consumer does not.
pub(super) fn scaling() -> Sweep {
    let partitions = [1.0, 4.0, 16.0, 64.0, 256.0];
    let axes = vec![words("strategy", &["lease-group", "serial"]), numbers("stream.partitions", "", &partitions)];
    sweep("scaling-partitions", axes, 3, |at, repeat| {
        let rate = [[9_000.0, 31_000.0, 88_000.0, 91_000.0, 70_000.0], [9_100.0; 5]][at[0]][at[1]];
        let mut shown = Shown::of(rate, 4e5 / rate, 2_100.0);
        shown.strategy = ["lease-group", "serial"][at[0]];
        Some(shown.report(repeat))
    })
}

/// Many ways of consuming with long names: twenty of them, one of which breaks its promise and one nobody trusts.
pub(super) fn twenty() -> Sweep {
    let names: Vec<String> = (0..20)
        .map(|way| format!("{} with a rather long name {way}", ["lease-group", "shared-pull"][way % 2]))
        .collect();
    let labels: Vec<&str> = names.iter().map(String::as_str).collect();
    sweep("price-of-order", vec![words("strategy", &labels)], 3, |at, repeat| {
        let way = at[0];
        let mut shown =
            Shown::of(60_000.0 + 4_100.0 * (way * 7 % 20) as f64, 3.0 + (way * 3 % 11) as f64 * 9.0, 2_050.0);
        shown.mode = Some(["explicit", "checkpoint", "ack-all"][way / 2 % 3]);
        if way % 2 == 1 {
            (shown.strategy, shown.violations, shown.gap_ms) = ("shared-pull", 4_123.0, 2.1);
            (shown.ordered, shown.handled) = (shown.ordered * 0.6, shown.ordered);
        }
        let mut report = shown.report(repeat);
        if way == 4 {
            report.state = RunState::Violated;
            report.state_reasons = vec!["order per key was promised and broken 3 times".to_owned()];
            let broken = report.readings.iter_mut().filter(|reading| reading.metric == "order_violations");
            broken.for_each(|reading| reading.value = Some(f64::from(repeat)));
        }
        if way == 6 && repeat == 2 {
            report.state = RunState::Invalid;
            report.state_reasons = vec!["schedule_lag p99 was 81 ms, and 50 ms is the limit".to_owned()];
        }
        Some(report)
    })
}

/// Two axes of words, and a cell that is left out.
pub(super) fn words_by_words() -> Sweep {
    let axes = vec![words("stream.storage", &["file", "memory"]), words("replicas", &["R1", "R1 on 3 nodes", "R3"])];
    sweep("replicas", axes, 3, |at, repeat| {
        let rate = [[41_000.0, 39_000.0, 17_000.0], [52_000.0, 49_000.0, 0.0]][at[0]][at[1]];
        (rate > 0.0).then(|| Shown::of(rate, 2e5 / rate, 2_080.0).report(repeat))
    })
}

/// Two numbers, two ways, twice: shared-pull beside the group under each circumstance.
pub(super) fn price_by_members() -> Sweep {
    let members = [1.0, 2.0, 4.0, 8.0];
    let axes = vec![words("strategy", &["lease-group", "shared-pull"]), numbers("fleet.members", "", &members)];
    sweep("price-by-members", axes, 2, |at, repeat| {
        let mut shown = Shown::of(10_000.0 * members[at[1]], 20.0, 2_100.0);
        if at[0] == 1 {
            (shown.strategy, shown.violations, shown.gap_ms) = ("shared-pull", 77.0, 3.0);
            shown.handled = 9_000.0 * members[at[1]] * (1.0 + at[1] as f64 * 0.1);
            shown.ordered = shown.handled * 0.7;
        }
        Some(shown.report(repeat))
    })
}

/// Two cells that keep up with what is offered.
pub(super) fn two() -> Sweep {
    sweep("storage", vec![words("stream.storage", &["file", "memory"])], 1, |at, repeat| {
        Some(Shown::of(2_000.0 + at[0] as f64, 12.0, 2_080.0).report(repeat))
    })
}

/// Nothing was run.
pub(super) fn nothing() -> Sweep {
    let mut sweep = sweep("nothing", vec![numbers("fleet.members", "", &[1.0, 2.0])], 2, |_, _| None);
    sweep.cells[0].left_out = None;
    sweep.planned = 2;
    finish(&mut sweep);
    sweep
}

/// Everything that may be absent or is no number.
pub(super) fn nonsense() -> Sweep {
    let mut sweep = scaling();
    sweep.axes[1].values[0].number = Some(f64::NAN);
    sweep.axes[1].values[4].number = None;
    sweep.cells[1].at = vec![0];
    sweep.cells[2].at = vec![7, 900];
    sweep.cells[3].at.clear();
    for run in sweep.cells.iter_mut().flat_map(|cell| &mut cell.runs) {
        run.readings.iter_mut().for_each(|reading| reading.value = Some(f64::NAN));
        for gap in &mut run.gaps {
            (gap.affected_ms_max, gap.stranded_ms_max) = (Some(f64::INFINITY), Some(f64::NAN));
        }
    }
    sweep.name = "<script>alert(1)</script>".to_owned();
    finish(&mut sweep);
    sweep
}

/// All of them.
pub(super) fn all() -> Vec<(&'static str, Sweep)> {
    vec![
        ("lease-time", lease_time()),
        ("scaling", scaling()),
        ("twenty", twenty()),
        ("words-by-words", words_by_words()),
        ("price-by-members", price_by_members()),
        ("two", two()),
        ("nothing", nothing()),
        ("nonsense", nonsense()),
    ]
}
