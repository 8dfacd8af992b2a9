//! A gate as `gate.xml`: one suite, a case a rule and a case a quantity, and one for whether the runs can be trusted.
//!
//! A case that passes says that something holds. What is not decided is skipped, with what it would take.

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::cells as own;
use crate::model::contrast::{Outcome, Row, Rule};
use crate::model::gate::{Gate, RuleOutcome, Ruling, Verdict};
use crate::model::report::RunState;
use crate::render::contrast::cells;

/// The document.
pub(super) fn render(gate: &Gate) -> String {
    let mut suite = TestSuite::new(gate.head.name.as_str());
    for (key, value) in [
        ("verdict", gate.verdict.to_string()),
        ("command", gate.command.clone()),
        ("profile", gate.head.profile.clone()),
        ("head", gate.head.source.clone()),
        ("base", gate.base.as_ref().map_or_else(String::new, |base| base.source.clone())),
        ("jetlag", gate.head.environment.jetlag_version.clone()),
        ("nats-server", gate.head.environment.server_version.clone()),
    ] {
        suite.add_property((key, value.as_str()));
    }
    let rules = gate.rules.iter().map(|rule| ("rule", format!("{} {}", rule.subject, rule.limit), of_rule(rule)));
    let rows = gate.timing.iter().flat_map(|timing| &timing.quantities);
    let rows = rows.map(|row| ("against-base", format!("{} is not worse", cells::label(row)), of_row(row)));
    let whole = ("runs", "every promise held, and the runs can be trusted".to_owned(), of_runs(gate));
    for (class, name, status) in rules.chain(rows).chain([whole]) {
        let mut case = TestCase::new(name.as_str(), status);
        case.set_classname(format!("jetlag.gate.{}.{class}", gate.head.profile.replace('.', "-")));
        suite.add_test_case(case);
    }
    let mut document = quick_junit::Report::new("jetlag gate");
    document.add_test_suite(suite);
    document.to_string().expect("memory takes all")
}

fn of_rule(rule: &Ruling) -> TestCaseStatus {
    let figures = format!("{}, {} keep it: {}", own::over(rule), rule.kept_by, own::value(rule));
    match rule.outcome {
        RuleOutcome::Held => TestCaseStatus::success(),
        RuleOutcome::Broken => failure("rule", &format!("{} is not {} ({figures})", own::value(rule), rule.limit)),
        RuleOutcome::Unobserved => error("unobserved", "fewer than half of the repeats observed it"),
    }
}

fn of_row(row: &Row) -> TestCaseStatus {
    let [base, head] = cells::sides(row);
    let ratio = match row.rule {
        Rule::Statistics => format!(", {} times ({})", cells::ratio(row), cells::interval(row)),
        Rule::AnyRise => String::new(),
    };
    let figures = format!("{base} → {head}{ratio}");
    match row.outcome {
        Outcome::Same | Outcome::Better => TestCaseStatus::success(),
        Outcome::Worse => failure("worse", &figures),
        Outcome::Undecided | Outcome::Incomparable => {
            let takes = row.repeats_needed.map_or_else(
                || "more repeats than are worth asking for".to_owned(),
                |repeats| format!("about {repeats} repeats a side"),
            );
            skipped(&format!("undecided: {figures}; it takes {takes}"))
        }
    }
}

fn of_runs(gate: &Gate) -> TestCaseStatus {
    let violated: Vec<String> = gate
        .head
        .runs
        .iter()
        .filter(|run| run.state == RunState::Violated)
        .map(|run| format!("{}: {}", run.name, run.state_reasons.join("; ")))
        .collect();
    if !violated.is_empty() {
        return failure("violated", &violated.join("; "));
    }
    match gate.verdict {
        Verdict::Passed | Verdict::Failed => TestCaseStatus::success(),
        Verdict::Undecided | Verdict::Incomparable | Verdict::Interrupted => {
            error(&gate.verdict.to_string(), &gate.findings.join(" "))
        }
    }
}

fn failure(kind: &str, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(kind).set_message(message);
    status
}

fn error(kind: &str, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type(kind).set_message(message);
    status
}

fn skipped(why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(why);
    status
}
