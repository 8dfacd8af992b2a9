//! What a reader must know first: the verdict in sentences, the few figures that matter, the gaps by kind of fault.
//! Every format for people is laid out from these, so that they never tell different stories.

use super::number::{self, ABSENT};
use crate::model::reading::{Reading, Scope, Stat};
use crate::model::report::{FaultReport, PartitionGap, Report, RunState};

/// The verdict, first in every format.
pub(super) struct Verdict {
    /// One sentence.
    pub headline: String,
    /// What stands behind it, a sentence each.
    pub sentences: Vec<String>,
}

/// One of the few figures that matter.
pub(super) struct KeyFigure {
    /// Metric id, with its statistic where there are several.
    pub name: String,
    /// The number.
    pub value: String,
    /// Its unit, if it has one.
    pub unit: String,
    /// What it means, in a few words.
    pub note: String,
}

/// What all faults of one kind did.
pub(super) struct GapRow {
    /// Kind of fault.
    pub kind: String,
    /// How many struck.
    pub faults: usize,
    /// Partitions of struck members, or that changed owner.
    pub affected: Spread,
    /// The others.
    pub bystanders: Spread,
    /// All partitions over an equal window before the fault.
    pub before: Spread,
    /// Some window was cut short.
    pub censored: bool,
}

/// How a handful of durations spreads. The values themselves are at hand, so these percentiles are exact.
#[derive(Default)]
pub(super) struct Spread {
    /// Median.
    pub p50: Option<f64>,
    /// 99th percentile, by nearest rank.
    pub p99: Option<f64>,
    /// Greatest.
    pub max: Option<f64>,
}

impl Spread {
    /// Of these values; what is no number is no observation.
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let rank = |share: f64| {
            let rank = (values.len() as f64 * share).ceil() as usize;
            values.get(rank.saturating_sub(1)).copied()
        };
        Self { p50: rank(0.50), p99: rank(0.99), max: values.last().copied() }
    }

    /// `median · max` in milliseconds, the unit being said in the head of the table.
    pub(super) fn short(&self) -> String {
        match (self.p50, self.max) {
            (Some(p50), Some(max)) => format!("{} · {}", number::plain(p50), number::plain(max)),
            _ => ABSENT.to_owned(),
        }
    }
}

/// The reading of the whole run with one of these ids and, if it has several statistics, the first of these.
pub(super) fn run_reading<'a>(readings: &'a [Reading], metrics: &[&str], stats: &[Stat]) -> Option<&'a Reading> {
    let of_run = |metric: &&str| {
        let mut found = readings.iter().filter(|reading| reading.scope == Scope::Run && reading.metric == *metric);
        match stats {
            [] => found.next(),
            stats => {
                let found: Vec<&Reading> = found.collect();
                stats.iter().find_map(|stat| found.iter().find(|reading| reading.stat == *stat).copied())
            }
        }
    };
    metrics.iter().find_map(of_run)
}

/// Its value, when it was observed.
pub(super) fn run_value(readings: &[Reading], metrics: &[&str], stats: &[Stat]) -> Option<f64> {
    run_reading(readings, metrics, stats)?.value.filter(|value| value.is_finite())
}

/// A count of the whole run, as a whole number.
pub(super) fn run_count(readings: &[Reading], metric: &str) -> Option<u64> {
    run_value(readings, &[metric], &[]).map(|value| value.max(0.0) as u64)
}

/// How often order broke: the reading, or the sum of its parts.
pub(super) fn order_violations(readings: &[Reading]) -> Option<u64> {
    run_count(readings, "order_violations").or_else(|| {
        let parts: Vec<u64> =
            ["skipped", "late", "regressed"].iter().filter_map(|id| run_count(readings, id)).collect();
        (!parts.is_empty()).then(|| parts.iter().sum())
    })
}

/// How often two members handled messages of one partition at the same time.
pub(super) fn overlaps(readings: &[Reading]) -> Option<u64> {
    run_count(readings, "overlap").or_else(|| run_count(readings, "overlaps"))
}

/// The verdict of a run.
pub(super) fn verdict(report: &Report) -> Verdict {
    let strategy = &report.run.strategy;
    let order = order_violations(&report.readings);
    let lost = run_count(&report.readings, "lost");
    let what_order_did = match order {
        Some(0) => "order held".to_owned(),
        Some(times) if report.promises.order_per_key => {
            format!("{strategy} promised order per key and broke it {}", number::of(times, "time"))
        }
        Some(times) => format!("order broke {}; {strategy} promises none", number::of(times, "time")),
        None => "nothing was recorded that tells whether order held".to_owned(),
    };
    let what_was_lost = match lost {
        Some(0) | None => String::new(),
        Some(lost) => format!(", and {} lost", number::of(lost, "message") + if lost == 1 { " was" } else { " were" }),
    };
    let headline = match report.state {
        RunState::Complete if order == Some(0) && lost == Some(0) => "Order held, and nothing was lost.".to_owned(),
        RunState::Complete => capital(&format!("{what_order_did}{what_was_lost}.")),
        RunState::Violated if order == Some(0) && lost.unwrap_or(0) == 0 => {
            "Order held, but another promise was broken.".to_owned()
        }
        RunState::Violated => capital(&format!("{what_order_did}{what_was_lost}.")),
        RunState::Invalid => "This measurement cannot be trusted.".to_owned(),
        RunState::Interrupted => format!("Stopped before its end: until then, {what_order_did}{what_was_lost}."),
    };
    let mut sentences = vec![flow(report)];
    sentences.extend(correctness(report));
    sentences.extend(gap_sentence(report));
    Verdict { headline, sentences: sentences.into_iter().filter(|sentence| !sentence.is_empty()).collect() }
}

fn flow(report: &Report) -> String {
    let run = &report.run;
    let Some(ordered) = run_value(&report.readings, &["ordered_per_s"], &[]) else { return String::new() };
    let offered = run.rate_per_s.filter(|rate| rate.is_finite()).map_or_else(
        || "as fast as it would go (a closed loop: latency is queueing there)".to_owned(),
        |rate| format!("of {} offered", number::plain(rate)),
    );
    let latency = match (
        run_value(&report.readings, &["end_to_end"], &[Stat::P50]),
        run_value(&report.readings, &["end_to_end"], &[Stat::P99]),
    ) {
        (Some(p50), Some(p99)) => {
            format!(" Half of them were done within {}, 99 % within {}.", number::ms(p50), number::ms(p99))
        }
        _ => String::new(),
    };
    format!(
        "{} on {} consumed {} messages a second in order, {offered}.{latency}",
        number::of(run.members.into(), "member"),
        number::of(run.partitions.into(), "partition"),
        number::plain(ordered)
    )
}

fn correctness(report: &Report) -> Option<String> {
    let parts: Vec<String> = [
        ("handled", run_count(&report.readings, "handled")),
        ("skipped", run_count(&report.readings, "skipped")),
        ("late", run_count(&report.readings, "late")),
        ("regressed", run_count(&report.readings, "regressed")),
        ("lost", run_count(&report.readings, "lost")),
        ("redelivered", run_count(&report.readings, "redelivered")),
        ("handled by two members at once", report.promises.owners.then(|| overlaps(&report.readings)).flatten()),
    ]
    .into_iter()
    .filter_map(|(name, number)| Some(format!("{} {name}", number::count(number?))))
    .collect();
    (!parts.is_empty()).then(|| format!("Message by message: {}.", parts.join(", ")))
}

fn gap_sentence(report: &Report) -> Option<String> {
    let rows = gaps(report);
    let affected: Vec<String> =
        rows.iter().filter_map(|row| Some(format!("{} after a {}", number::ms(row.affected.max?), row.kind))).collect();
    if affected.is_empty() {
        return None;
    }
    let lease = report
        .run
        .lease_ttl_ms
        .filter(|ttl| ttl.is_finite())
        .map_or_else(String::new, |ttl| format!(" (lease time {})", number::ms(ttl)));
    let greatest = |pick: fn(&GapRow) -> Option<f64>| rows.iter().filter_map(pick).reduce(f64::max);
    let bystanders = match (greatest(|row| row.bystanders.max), greatest(|row| row.before.max)) {
        (Some(max), Some(before)) => {
            format!(" Bystanders: at most {}, against {} before the faults.", number::ms(max), number::ms(before))
        }
        (Some(max), None) => format!(" Bystanders: at most {}.", number::ms(max)),
        _ => String::new(),
    };
    Some(format!("Affected partitions stood still for at most {}{lease}.{bystanders}", affected.join(", ")))
}

/// The figures that matter, those that the run has.
pub(super) fn key_figures(report: &Report) -> Vec<KeyFigure> {
    let reading = |metric: &str, stats: &[Stat], label: &str, note: &str| {
        let reading = run_reading(&report.readings, &[metric], stats)?;
        let (value, unit) = number::and_unit(reading.value, &reading.unit);
        Some(KeyFigure {
            name: label.to_owned(),
            value,
            unit,
            note: if reading.censored { format!("{note} (cut short)") } else { note.to_owned() },
        })
    };
    let count = |label: &str, value: Option<u64>, note: &str| {
        let value = number::count(value?);
        Some(KeyFigure { name: label.to_owned(), value, unit: String::new(), note: note.to_owned() })
    };
    let mut figures: Vec<KeyFigure> = [
        reading("ordered_per_s", &[], "ordered_per_s", "handled in order"),
        reading("handled_per_s", &[], "handled_per_s", "handled at all"),
        reading("end_to_end", &[Stat::P50], "end_to_end p50", "from intended to handled"),
        reading("end_to_end", &[Stat::P99], "end_to_end p99", "from intended to handled"),
        reading("end_to_end", &[Stat::Max], "end_to_end max", "from intended to handled"),
        count("order_violations", order_violations(&report.readings), "skipped + late + regressed"),
        count("lost", run_count(&report.readings, "lost"), "stored and never handled"),
        count("redelivered", run_count(&report.readings, "redelivered"), "legal repeats"),
        count("overlap", overlaps(&report.readings), "two members in one partition"),
    ]
    .into_iter()
    .flatten()
    .collect();
    figures.extend(cpu_figures(report));
    figures
}

/// CPU a million messages: of the run, and of each kind of process.
pub(super) fn cpu_readings(readings: &[Reading]) -> impl Iterator<Item = &Reading> {
    readings
        .iter()
        .filter(|reading| reading.metric == "cpu_per_million")
        .filter(|reading| matches!(reading.scope, Scope::Run | Scope::Process(_)))
}

fn cpu_figures(report: &Report) -> Vec<KeyFigure> {
    let figure = |reading: &Reading| {
        let (value, unit) = number::and_unit(reading.value, &reading.unit);
        let (name, note) = match &reading.scope {
            Scope::Process(process) => (format!("cpu_per_million {process}"), format!("CPU time of {process}")),
            _ => ("cpu_per_million".to_owned(), "CPU time of all processes".to_owned()),
        };
        KeyFigure { name, value, unit, note }
    };
    cpu_readings(&report.readings).take(5).map(figure).collect()
}

/// The gaps by kind of fault, in order of first appearance. Kinds are never pooled.
pub(super) fn gaps(report: &Report) -> Vec<GapRow> {
    let mut kinds: Vec<&str> = Vec::new();
    for fault in &report.faults {
        if !kinds.contains(&fault.kind.as_str()) {
            kinds.push(&fault.kind);
        }
    }
    kinds
        .into_iter()
        .map(|kind| gap_row(kind, report.faults.iter().filter(|fault| fault.kind == kind).collect()))
        .collect()
}

fn gap_row(kind: &str, faults: Vec<&FaultReport>) -> GapRow {
    let spread = |pick: &dyn Fn(&PartitionGap) -> Option<f64>| {
        Spread::of(faults.iter().flat_map(|fault| &fault.partitions).filter_map(pick))
    };
    GapRow {
        kind: kind.to_owned(),
        faults: faults.len(),
        affected: spread(&|gap| gap.gap_ms.filter(|_| gap.affected)),
        bystanders: spread(&|gap| gap.gap_ms.filter(|_| !gap.affected)),
        before: spread(&|gap| gap.gap_before_ms),
        censored: faults.iter().any(|fault| fault.censored),
    }
}

/// One fault in one line, without its number: `kill owner-of:3 → c1.1 at 12.00 s, 4 partitions affected, longest gap 2,103 ms`.
pub(super) fn fault_line(fault: &FaultReport) -> String {
    let affected = fault.partitions.iter().filter(|gap| gap.affected);
    let longest = Spread::of(affected.clone().filter_map(|gap| gap.gap_ms)).max;
    let affected = number::of(affected.count() as u64, "partition");
    let struck = match fault.struck.as_slice() {
        [] => String::new(),
        [one] if *one == fault.target => String::new(),
        [first, second, third, _, ..] => format!(" → {first}, {second}, {third} and {} more", fault.struck.len() - 3),
        some => format!(" → {}", some.join(", ")),
    };
    let gap = longest.map_or_else(|| "no gap observed".to_owned(), |gap| format!("longest gap {}", number::ms(gap)));
    let censored = if fault.censored { ", window cut short" } else { "" };
    format!(
        "{} {}{struck} at {}: {affected} affected, {gap}{censored}",
        fault.kind,
        fault.target,
        number::instant(fault.at_ms)
    )
}

/// With a capital letter.
fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
