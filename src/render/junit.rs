//! `junit.xml`: a run as a suite of tests: a case a promise, one a limit, one for the measurement itself.
//!
//! A test that passes says that something holds. So no case passes on a run that cannot be trusted or was not whole, and
//! what a strategy does not promise is skipped, with the number of times it did not hold.

use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::summary::{loss_not_judged, run_count, run_value};
use super::tracked::workload;
use super::{Audience, Format, moment, number};
use crate::model::reading::Stat;
use crate::model::report::{Report, RunState, Violation};
use crate::model::units::Timespan;

/// This format.
pub const FORMAT: Format = Format {
    name: "junit",
    file: "junit.xml",
    about: "Promises and limits as test cases, for CI",
    audience: Audience::Programs,
    render,
};

/// So many of what went wrong are told in a case.
const TOLD: usize = 10;

/// A promise, and the metrics that count how often it was broken.
struct Promise {
    name: &'static str,
    promised: bool,
    broken_by: &'static [&'static str],
}

fn promises(report: &Report) -> [Promise; 4] {
    let promises = report.promises;
    let promise = |name, promised, broken_by| Promise { name, promised, broken_by };
    [
        promise("at least once: nothing is lost", promises.at_least_once, &["lost"]),
        promise("order per key holds", promises.order_per_key, &["skipped", "late", "regressed"]),
        promise(
            "exclusive: one owner a partition",
            promises.exclusive,
            &["dual_ownership", "stale_handling", "overlap"],
        ),
        promise("what is handled was published, and is intact", true, &["phantom"]),
    ]
}

fn render(report: &Report) -> String {
    let run = &report.run;
    let name =
        run.variant.as_ref().map_or_else(|| run.profile.clone(), |variant| format!("{} / {variant}", run.profile));
    let mut suite = TestSuite::new(name.as_str());
    suite.set_time(length(report));
    for (key, value) in [
        ("run", run.id.clone()),
        ("state", report.state.to_string()),
        ("started", run.started.clone()),
        ("strategy", run.strategy.clone()),
        ("command", run.command.clone()),
        ("seed", run.seed.to_string()),
        ("jetlag", report.environment.jetlag_version.clone()),
        ("nats-server", report.environment.server_version.clone()),
    ] {
        suite.add_property((key, value.as_str()));
    }
    let judged = promises(report).map(|promise| (promise.name, judge(report, &promise)));
    let limits = schedule_lag(report).map(|status| ("schedule lag p99 is within its limit", status));
    let measurement = ("the measurement can be trusted", measurement(report));
    for (case, status) in judged.into_iter().chain(limits).chain([measurement]) {
        let mut case = TestCase::new(case, status);
        case.set_classname(format!("jetlag.{}", workload(report).replace('/', ".")));
        suite.add_test_case(case);
    }
    let mut document = quick_junit::Report::new("jetlag");
    document.set_time(length(report)).add_test_suite(suite);
    document.to_string().expect("memory takes all")
}

fn length(report: &Report) -> Duration {
    Duration::from_micros((moment::end_ms(report) * 1e3) as u64)
}

fn judge(report: &Report, promise: &Promise) -> TestCaseStatus {
    let counts: Option<Vec<(&str, u64)>> =
        promise.broken_by.iter().map(|metric| Some((*metric, run_count(&report.readings, metric)?))).collect();
    let Some(counts) = counts else {
        let why = loss_not_judged(report.state, &report.readings).filter(|_| promise.broken_by == ["lost"]);
        return skipped(&why.map_or_else(|| "not observed".to_owned(), |why| format!("not judged: {why}")));
    };
    let told: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(metric, count)| format!("{} {metric}", number::count(*count)))
        .collect();
    match (promise.promised, told.is_empty()) {
        (true, true) => passed(report),
        (true, false) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type("broken promise").set_message(told.join(", ")).set_description(stories(report, promise));
            status
        }
        (false, true) => skipped(&format!("not promised by {}, and it held", report.run.strategy)),
        (false, false) => skipped(&format!("not promised by {}: {}", report.run.strategy, told.join(", "))),
    }
}

/// What went wrong, in sentences, as far as the report holds it.
fn stories(report: &Report, promise: &Promise) -> String {
    let of_this = report.violations.iter().filter(|violation| promise.broken_by.contains(&violation.kind.as_str()));
    let line =
        |violation: &Violation| format!("{} {}: {}", number::instant(violation.at_ms), violation.kind, violation.story);
    of_this.take(TOLD).map(line).collect::<Vec<_>>().join("\n")
}

/// The one limit that a profile sets. In a closed loop there is no schedule to lag behind.
fn schedule_lag(report: &Report) -> Option<TestCaseStatus> {
    let limit = report.settings.pointer("/limits/schedule-lag-p99")?.as_str()?;
    let limit_ms = limit.parse::<Timespan>().ok()?.span().as_ms();
    if report.run.rate_per_s.is_none() {
        return Some(skipped("a closed loop has no schedule"));
    }
    Some(match run_value(&report.readings, &["schedule_lag"], &[Stat::P99]) {
        None => skipped("not observed"),
        Some(found) if found <= limit_ms => passed(report),
        Some(found) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type("limit").set_message(format!("{} is above the limit of {limit}", number::ms(found)));
            status
        }
    })
}

fn measurement(report: &Report) -> TestCaseStatus {
    if !doubtful(report) {
        return TestCaseStatus::success();
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type(report.state.to_string()).set_message(report.state_reasons.join("; "));
    status
}

fn doubtful(report: &Report) -> bool {
    matches!(report.state, RunState::Invalid | RunState::Interrupted)
}

fn passed(report: &Report) -> TestCaseStatus {
    if doubtful(report) {
        return skipped(&format!("held as far as was seen; the run is {}", report.state));
    }
    TestCaseStatus::success()
}

fn skipped(why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(why);
    status
}
