//! What a reader must know first: the verdict in sentences, the few figures that matter.
//! Every format for people is laid out from these, so that they never tell different stories.

use super::{accounts, faults, number};
use crate::model::reading::{Reading, Scope, Stat};
use crate::model::report::{Report, RunState, StoredTruth, TruthSource};

/// The verdict, first in every format.
pub(super) struct Verdict {
    /// One sentence.
    pub headline: String,
    /// What must be said with every figure, when the figures cannot be trusted.
    pub caveat: Option<&'static str>,
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

/// Why nobody can say what was lost, with what is known instead; none when loss was judged, or the report does not tell.
pub(super) fn loss_not_judged(state: RunState, readings: &[Reading]) -> Option<String> {
    let unhandled = run_count(readings, "unhandled").filter(|_| run_count(readings, "lost").is_none())?;
    let why = if state == RunState::Interrupted { "interrupted" } else { "broken off" };
    Some(format!("{why}, {} unhandled", number::count(unhandled)))
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
    let headline = match (report.state, accounts::is_sound(&report.readings)) {
        // What the state and the reasons say is weightier than what followed from it.
        (RunState::Complete, Some(false)) => format!("{}; accounts went wrong.", headline.trim_end_matches('.')),
        _ => headline,
    };
    let mut sentences = vec![flow(report)];
    sentences.extend(correctness(report));
    sentences.extend(truth(report));
    sentences.extend(accounts::sentence(report));
    sentences.extend(faults::sentences(report));
    Verdict {
        headline,
        caveat: (report.state == RunState::Invalid).then_some("Figures of an invalid run"),
        sentences: sentences.into_iter().filter(|sentence| !sentence.is_empty()).collect(),
    }
}

fn flow(report: &Report) -> String {
    let run = &report.run;
    let Some(ordered) = run_value(&report.readings, &["ordered_per_s"], &[]) else { return String::new() };
    let offered = run.rate_per_s.filter(|rate| rate.is_finite()).map_or_else(
        || "they were offered as fast as it would go (a closed loop: latency is queueing there)".to_owned(),
        |nominal| {
            // What the profile asks for is a mean: what was drawn from it for this run is what it can be held against.
            let offered = run_value(&report.readings, &["offered_per_s"], &[]).unwrap_or(nominal);
            format!("{} a second were offered", number::plain(offered))
        },
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
        "{} on {} consumed {} messages a second in order; {offered}.{latency}",
        number::of(run.members.into(), "member"),
        number::of(run.partitions.into(), "partition"),
        number::plain(ordered)
    )
}

fn correctness(report: &Report) -> Option<String> {
    let mut parts: Vec<String> = [
        ("handled", run_count(&report.readings, "handled")),
        ("skipped", run_count(&report.readings, "skipped")),
        ("late", run_count(&report.readings, "late")),
        ("regressed", run_count(&report.readings, "regressed")),
        ("lost", run_count(&report.readings, "lost")),
        ("evicted by the stream's limits", run_count(&report.readings, "evicted").filter(|evicted| *evicted > 0)),
        ("handled by two members at once", report.promises.owners.then(|| overlaps(&report.readings)).flatten()),
    ]
    .into_iter()
    .filter_map(|(name, number)| Some(format!("{} {name}", number::count(number?))))
    .collect();
    parts.extend(loss_not_judged(report.state, &report.readings).map(|why| format!("lost: not judged ({why})")));
    let waiting = run_count(&report.readings, "unhandled").zip(run_count(&report.readings, "lost"));
    let waiting = waiting.map_or(0, |(unhandled, lost)| unhandled.saturating_sub(lost));
    if waiting > 0 {
        parts.push(format!("{} still waiting when the drain was cut", number::count(waiting)));
    }
    let repeated = run_count(&report.readings, "redelivered")
        .filter(|times| *times > 0)
        .map_or_else(String::new, |times| format!("; {} repeated, as allowed", number::count(times)));
    (!parts.is_empty()).then(|| format!("Message by message: {}{repeated}.", parts.join(", ")))
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
        reading("offered_per_s", &[], "offered_per_s", "wanted by the load"),
        reading("ordered_per_s", &[], "ordered_per_s", "handled in order"),
        reading("handled_per_s", &[], "handled_per_s", "handled at all"),
        reading("end_to_end", &[Stat::P50], "end_to_end p50", "from intended to handled"),
        reading("end_to_end", &[Stat::P99], "end_to_end p99", "from intended to handled"),
        reading("end_to_end", &[Stat::Max], "end_to_end max", "from intended to handled"),
        count("order_violations", order_violations(&report.readings), "skipped + late + regressed"),
        count("lost", run_count(&report.readings, "lost"), "stored and never handled"),
        loss_not_judged(report.state, &report.readings).map(|why| KeyFigure {
            name: "lost".to_owned(),
            value: "not judged".to_owned(),
            unit: String::new(),
            note: why,
        }),
        count("redelivered", run_count(&report.readings, "redelivered"), "repeated, as allowed"),
        count("overlap", overlaps(&report.readings), "two members in one partition"),
        count("overdrafts", run_count(&report.readings, "overdrafts"), "an account left below zero"),
        count("wrong_balances", run_count(&report.readings, "wrong_balances"), "accounts, in the end"),
        count("doubly_applied", run_count(&report.readings, "doubly_applied"), "messages, once more"),
        count("not_applied", run_count(&report.readings, "not_applied"), "messages, in no balance"),
    ]
    .into_iter()
    .flatten()
    .collect();
    figures.extend(cpu_figures(report));
    figures
}

/// How long partitions stood still: of each kind of fault the median over its faults of the longest, with what is known of its spread.
/// Only the kinds with the greatest; the tables have all.
pub(super) fn gap_figures(report: &Report) -> Vec<KeyFigure> {
    const KINDS_MAX: usize = 4;
    let mut rows: Vec<(f64, faults::GapRow)> =
        faults::by_kind(report).into_iter().filter_map(|row| Some((row.longest.median()?, row))).collect();
    rows.sort_by(|one, other| other.0.total_cmp(&one.0));
    let figure = |(median, row): &(f64, faults::GapRow)| {
        let (value, unit) = number::and_unit(Some(*median), "ms");
        let of = match row.longest.values().len() {
            1 => "longest silence after it".to_owned(),
            number => format!("longest silence, median of {number}"),
        };
        let spread = row.spread_of_longest().map_or_else(String::new, |spread| format!("; {spread}"));
        let cut = if row.censored { " (cut short)" } else { "" };
        KeyFigure { name: format!("gap {}", row.kind), value, unit, note: format!("{of}{spread}{cut}") }
    };
    rows.iter().take(KINDS_MAX).map(figure).collect()
}

/// CPU a million messages of what is compared: the server and the consumers. What the generator of the load uses is among
/// all the readings.
pub(super) fn cpu_readings(readings: &[Reading]) -> impl Iterator<Item = &Reading> {
    let of_kind = |kind: &'static str| {
        let is_it = move |scope: &Scope| matches!(scope, Scope::Process(process) if process == kind);
        readings.iter().find(|reading| reading.metric == "cpu_per_million" && is_it(&reading.scope))
    };
    ["server", "consumers"].into_iter().filter_map(of_kind)
}

fn cpu_figures(report: &Report) -> Vec<KeyFigure> {
    let figure = |reading: &Reading| {
        let Scope::Process(process) = &reading.scope else { return None };
        let (value, unit) = number::and_unit(reading.value, &reading.unit);
        let note = format!("CPU time of {process}");
        Some(KeyFigure { name: format!("cpu_per_million {process}"), value, unit, note })
    };
    cpu_readings(&report.readings).filter_map(figure).collect()
}

/// Whose word counts for what was stored.
fn truth(report: &Report) -> Option<String> {
    let StoredTruth { source, messages, why } = report.stored_truth.as_ref()?;
    let held = messages.map_or_else(String::new, |messages| format!(" ({})", number::of(messages, "message")));
    Some(match source {
        TruthSource::Stream => format!("What was stored is what the stream holds: {why}{held}."),
        TruthSource::StreamInPart => {
            format!(
                "What was stored is what the stream holds, as far as {why}{held}; beyond that, what publishers were told."
            )
        }
        TruthSource::Acknowledgements => format!("What was stored is what publishers were told: {why}."),
    })
}

/// With a capital letter.
fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
