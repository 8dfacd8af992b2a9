//! Every output format, read by the tool that it is for.
//!
//! The tools are fetched from their registries into `target/`, once. Where that cannot be (no Go, no Python, no network), the
//! test is reported as ignored with the reason; with `JETLAG_FORMAT_READERS=required` it fails. It never passes unread.

mod benchstat;
mod python;
mod tools;

use std::path::{Path, PathBuf};

use jetlag::model::report::Report;
use jetlag::render;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

fn main() {
    let trials = vec![
        trial("benchstat_reads_runs_as_repeats_and_finds_a_planted_slowdown", benchstat::tool, benchstat::slowdown),
        trial("benchstat_finds_no_difference_between_a_run_and_itself", benchstat::tool, benchstat::itself),
        trial("the_csv_module_of_python_reads_every_row", python::alone, python::csv),
        trial("hdrhistogram_reads_every_latency_from_the_log", python::hdrhistogram, python::hlog),
        trial("prometheus_client_parses_every_sample", python::prometheus_client, python::openmetrics),
        trial("prometheus_client_parses_a_live_run", python::prometheus_client, python::openmetrics_of_a_live_run),
        trial("junitparser_counts_what_passed_failed_and_was_skipped", python::junitparser, python::junit),
        trial("junitparser_counts_the_rules_and_quantities_of_a_gate", python::junitparser, python::junit_of_a_gate),
        trial("otava_finds_a_planted_change_in_a_table_with_a_row_a_run", python::otava, python::change),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// A test of what a tool reads, which cannot run without the tool.
fn trial<T: 'static>(name: &str, tool: fn() -> Result<T, String>, test: fn(&T) -> Result<(), Failed>) -> Trial {
    Trial::ignorable_test(name, move || match tool() {
        Ok(tool) => test(&tool).map(|()| Completion::Completed),
        Err(why) if std::env::var_os("JETLAG_FORMAT_READERS").is_some_and(|how| how == "required") => Err(why.into()),
        Err(why) => Ok(Completion::ignored_with(format!("could not run: {why}"))),
    })
}

/// The report of a golden run.
fn golden(name: &str) -> Report {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).join("report.json");
    let text = std::fs::read_to_string(path).expect("a golden run has a report");
    render::parse(&text).expect("it is a report")
}

fn rendered(format: &str, report: &Report) -> String {
    render::format(format).expect("it is listed").render(report)
}

/// Sets the readings of a metric and statistic about `scope`, which must be there.
fn set(report: &mut Report, metric: &str, stat: &str, scope: &str, value: f64) {
    let is_it = |reading: &&mut jetlag::model::reading::Reading| {
        reading.metric == metric && reading.stat.to_string() == stat && reading.scope.to_string() == scope
    };
    report.readings.iter_mut().find(is_it).expect("the golden run has it").value = Some(value);
}

/// A few parts in a thousand up and down, the same in every run of the test.
fn noise(repeat: u32) -> f64 {
    1.0 + f64::from(repeat * 7 % 11) / 2_000.0
}

/// Where a test puts its files.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("format-readers").join(test);
    std::fs::create_dir_all(&folder).expect("target/ can be written");
    folder
}

fn file(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("target/ can be written");
    path
}

/// Fails with what was expected and what the tool said.
fn hold(is_so: bool, what: &str, said: &str) -> Result<(), Failed> {
    if is_so { Ok(()) } else { Err(format!("not so: {what}\nthe tool said:\n{said}").into()) }
}
