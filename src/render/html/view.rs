//! What the page shows, as text ready to be laid out: the template decides where, never what.

use askama::Template;

use super::state::{State, state};
use crate::model::reading::{Reading, Scope};
use crate::model::report::{AccountStep, AccountStory, FaultReport, Report, RunState, TakeoverPhases, Violation};
use crate::render::accounts;
use crate::render::explain::{self, Lines};
use crate::render::faults::{self, GapRow, Spread, Stranded};
use crate::render::hazards;
use crate::render::number::{self, ABSENT};
use crate::render::origin;
use crate::render::plot::{self, Plot};
use crate::render::summary::{self, KeyFigure, Verdict};

/// The page.
#[derive(Template)]
#[template(path = "report.html")]
pub(super) struct Page<'a> {
    report: &'a Report,
    style: String,
    state: State,
    tone: &'static str,
    verdict: Verdict,
    figures: Vec<KeyFigure>,
    plots: Vec<Plot>,
    gaps: Vec<Gap>,
    faults: Vec<Fault<'a>>,
    has_phases: bool,
    kinds: Vec<ViolationKind<'a>>,
    hazards: Vec<hazards::Row<'a>>,
    hazards_told: Option<String>,
    accounts: Option<Accounts>,
    readings: Vec<Row<'a>>,
    readings_number: String,
    has_many_faults: bool,
    promises: Vec<(&'static str, bool)>,
    environment: Vec<(&'static str, String)>,
    health: Vec<(&'static str, String)>,
    settings: String,
    fault_list: String,
}

/// One kind of fault.
struct Gap {
    kind: String,
    faults: usize,
    affected: [String; 3],
    longest: String,
    longest_spread: String,
    stranded: String,
    bystanders: [String; 3],
    before: String,
}

/// One fault.
struct Fault<'a> {
    fault: &'a FaultReport,
    at: String,
    /// Delivered, seen and over, since it was ordered.
    instants: [String; 3],
    struck: String,
    affected: usize,
    gap: String,
    stranded: String,
    bystanders: String,
    phases: [String; 4],
    has_phases: bool,
    window: String,
}

/// Violations of one kind.
struct ViolationKind<'a> {
    kind: &'a str,
    promised: bool,
    number: usize,
    shown: Vec<Evidence<'a>>,
}

/// One violation.
struct Evidence<'a> {
    /// Its number in the report, from 1.
    number: u32,
    violation: &'a Violation,
    at: String,
    facts: String,
    /// How it came about, for the first of each kind.
    history: Option<Lines<'a>>,
}

/// The accounts, when there are any.
struct Accounts {
    told: String,
    worst: Vec<Account>,
}

/// One of the worst accounts.
struct Account {
    head: String,
    steps: Vec<Step>,
    left_out: Option<String>,
}

/// One step of its story.
struct Step {
    cells: [String; 6],
    said: String,
    odd: bool,
    left_out: Option<String>,
}

/// One reading.
struct Row<'a> {
    metric: &'a str,
    stat: String,
    value: String,
    scope: String,
    n: String,
    note: &'static str,
}

impl<'a> Page<'a> {
    /// Of this report.
    pub(super) fn of(report: &'a Report) -> Self {
        Self {
            report,
            style: plot::palette::style_sheet(),
            state: state(report.state),
            tone: tone(report),
            verdict: summary::verdict(report),
            figures: figures(report),
            plots: plot::all(report),
            gaps: faults::by_kind(report).into_iter().map(gap).collect(),
            faults: report.faults.iter().map(|struck| fault(struck, &report.readings)).collect(),
            has_phases: report.faults.iter().any(has_phases),
            kinds: violations(report),
            hazards: hazards::rows(report),
            hazards_told: hazards::sentence(report),
            accounts: accounts(report),
            readings: readings(report),
            readings_number: number::count(report.readings.len() as u64),
            has_many_faults: report.faults.len() > FAULTS_OPEN_MAX,
            promises: promises(report),
            environment: environment(report),
            health: health(report),
            settings: serde_json::to_string_pretty(&report.settings).unwrap_or_default(),
            fault_list: fault_list(report),
        }
    }
}

/// More faults than these are folded away: the kinds say what matters.
const FAULTS_OPEN_MAX: usize = 24;

/// A whole run whose order broke, or whose accounts went wrong, as nobody had promised otherwise is neither good nor bad.
fn tone(report: &Report) -> &'static str {
    match (report.state, summary::order_violations(&report.readings)) {
        (RunState::Complete, Some(0)) if accounts::is_sound(&report.readings) != Some(false) => {
            state(RunState::Complete).class
        }
        (RunState::Complete, _) => "plain",
        (other, _) => state(other).class,
    }
}

/// The gaps stand before what it cost.
fn figures(report: &Report) -> Vec<KeyFigure> {
    let mut figures = summary::key_figures(report);
    let costs = figures.iter().position(|figure| figure.name.starts_with("cpu")).unwrap_or(figures.len());
    figures.splice(costs..costs, summary::gap_figures(report));
    figures
}

fn gap(row: GapRow) -> Gap {
    let cells = |spread: &Spread| [spread.p50, spread.p99, spread.max].map(number::ms_or_absent);
    let mark = if row.censored { " (cut short)" } else { "" };
    Gap {
        kind: format!("{}{mark}", row.kind),
        faults: row.faults,
        affected: cells(&row.affected),
        longest: number::ms_or_absent(row.longest.median()),
        longest_spread: row.spread_of_longest().unwrap_or_default(),
        stranded: row.stranded.cell(number::ms),
        bystanders: cells(&row.bystanders),
        before: number::ms_or_absent(row.before.max),
    }
}

fn fault<'a>(fault: &'a FaultReport, readings: &[Reading]) -> Fault<'a> {
    let gaps = |affected: bool| {
        Spread::of(fault.partitions.iter().filter(|gap| gap.affected == affected).filter_map(|gap| gap.gap_ms)).short()
    };
    let phase = |pick: fn(&TakeoverPhases) -> Option<f64>| {
        let phases = fault.partitions.iter().filter_map(|gap| gap.phases.as_ref());
        Spread::of(phases.filter_map(pick)).short()
    };
    let censored = if fault.censored { ", cut short" } else { "" };
    Fault {
        fault,
        at: number::instant(fault.at_ms),
        instants: faults::since_ordered(fault).map(|(_, since)| since.map_or_else(|| ABSENT.to_owned(), number::plain)),
        struck: match fault.struck.as_slice() {
            [] => ABSENT.to_owned(),
            [first, second, third, rest @ ..] if rest.len() > 1 => {
                format!("{first}, {second}, {third} and {} more", rest.len())
            }
            few => few.join(", "),
        },
        affected: fault.partitions.iter().filter(|gap| gap.affected).count(),
        gap: gaps(true),
        stranded: Stranded::of(readings, &Scope::Fault(fault.id)).cell(number::plain),
        bystanders: gaps(false),
        phases: [
            phase(|phases| phases.detect_ms),
            phase(|phases| phases.claim_ms),
            phase(|phases| phases.resume_ms),
            phase(|phases| phases.first_handled_ms),
        ],
        has_phases: has_phases(fault),
        window: format!("{}{censored}", number::ms(fault.window_end_ms - fault.at_ms)),
    }
}

/// Whether some phase of a takeover after it is known.
fn has_phases(fault: &FaultReport) -> bool {
    let phases = fault.partitions.iter().filter_map(|gap| gap.phases.as_ref());
    phases.into_iter().any(|phases| {
        [phases.detect_ms, phases.claim_ms, phases.resume_ms, phases.first_handled_ms].iter().any(Option::is_some)
    })
}

/// The faults for the script, as JSON that no page takes for markup: from, to, name.
fn fault_list(report: &Report) -> String {
    let fault = |fault: &FaultReport| {
        let name = format!("{} {} {}, {}", fault.id, fault.kind, fault.target, number::instant(fault.at_ms));
        (fault.at_ms, fault.window_end_ms, name)
    };
    let faults: Vec<(f64, f64, String)> = report.faults.iter().map(fault).collect();
    serde_json::to_string(&faults).unwrap_or_default().replace('<', "\\u003c")
}

fn accounts(report: &Report) -> Option<Accounts> {
    let step = |step: &AccountStep| {
        let (cells, said) = accounts::step(step);
        Step { cells, said, odd: accounts::is_odd(step), left_out: accounts::left_out(step.left_out) }
    };
    let account = |story: &AccountStory| Account {
        head: accounts::head(story),
        steps: story.steps.iter().map(step).collect(),
        left_out: accounts::left_out(story.left_out_after),
    };
    let told = accounts::sentence(report)?;
    let worst = report.accounts.iter().flat_map(|accounts| &accounts.worst).map(account).collect();
    Some(Accounts { told, worst })
}

fn violations(report: &Report) -> Vec<ViolationKind<'_>> {
    const SHOWN: usize = 25;
    let mut kinds: Vec<ViolationKind<'_>> = Vec::new();
    for (number, violation) in (1..).zip(&report.violations) {
        let at = kinds.iter().position(|kind| kind.kind == violation.kind).unwrap_or_else(|| {
            let promised = violation.promised;
            kinds.push(ViolationKind { kind: &violation.kind, promised, number: 0, shown: Vec::new() });
            kinds.len() - 1
        });
        kinds[at].number += 1;
        if kinds[at].shown.len() < SHOWN {
            let history = report.explanations.iter().find(|it| it.number == number).map(explain::lines);
            kinds[at].shown.push(evidence(number, violation, history));
        }
    }
    kinds
}

fn evidence<'a>(place: u32, violation: &'a Violation, history: Option<Lines<'a>>) -> Evidence<'a> {
    let mut facts = vec![format!("partition {}", violation.partition)];
    facts.extend(violation.key.map(|key| format!("key {key}")));
    facts.extend(violation.key_seq.map(|seq| format!("key_seq {seq}")));
    facts.extend(violation.stream_seq.map(|seq| format!("stream sequence {}", number::count(seq))));
    facts.extend(violation.distance.map(|distance| format!("distance {}", number::count(distance))));
    for (index, member) in violation.members.iter().enumerate() {
        let epoch = violation.epochs.get(index).map_or_else(String::new, |epoch| format!(" in epoch {epoch}"));
        facts.push(format!("{member}{epoch}"));
    }
    facts.extend(violation.fault.map(|fault| format!("in the window of fault {fault}")));
    Evidence { number: place, violation, at: number::instant(violation.at_ms), facts: facts.join(" · "), history }
}

fn readings(report: &Report) -> Vec<Row<'_>> {
    report
        .readings
        .iter()
        .map(|reading| Row {
            metric: &reading.metric,
            stat: reading.stat.to_string(),
            value: number::with_unit(reading.value, &reading.unit),
            scope: reading.scope.to_string(),
            n: number::count(reading.n),
            note: match (reading.value, reading.censored) {
                (None, _) => "not observed",
                (_, true) => "cut short",
                _ => "",
            },
        })
        .collect()
}

fn promises(report: &Report) -> Vec<(&'static str, bool)> {
    let promises = &report.promises;
    vec![
        ("every stored message is handled (at least once)", promises.at_least_once),
        ("order per key", promises.order_per_key),
        ("one owner of a partition at a time", promises.exclusive),
    ]
}

fn environment(report: &Report) -> Vec<(&'static str, String)> {
    let mut environment = origin::details(&report.environment);
    environment.extend([("started", report.run.started.clone()), ("run", report.run.id.clone())]);
    environment
}

fn health(report: &Report) -> Vec<(&'static str, String)> {
    use crate::model::reading::Stat;
    let reading = |metric: &str, stats: &[Stat]| {
        let reading = summary::run_reading(&report.readings, &[metric], stats)?;
        Some(number::with_unit(reading.value, &reading.unit))
    };
    [
        ("schedule_lag p99: how late the generator itself was", reading("schedule_lag", &[Stat::P99])),
        ("schedule_lag max", reading("schedule_lag", &[Stat::Max])),
        ("blocked p99: held up by a full window or a stalled server", reading("blocked", &[Stat::P99])),
        ("publishing failed", reading("failed", &[])),
        ("publishing unknown (cut off; may be stored)", reading("unknown", &[])),
        ("lost by the server", reading("lost_by_server", &[])),
        ("stored twice", reading("duplicate_stored", &[])),
        ("stored out of order", reading("publish_reordered", &[])),
        ("not handled by the end (censored)", reading("censored", &[])),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}
