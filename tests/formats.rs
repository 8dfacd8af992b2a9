//! The output formats from outside: what they say of golden runs, the schemas of those whose tools cannot be fetched,
//! and how the command line writes them. `tests/format_readers` gives the others to their tools.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jetlag::model::report::Report;
use jetlag::render;
use serde_json::{Value, json};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).join("report.json")
}

fn report(name: &str) -> Report {
    let text = std::fs::read_to_string(golden(name)).expect("a golden run has a report");
    render::parse(&text).expect("it is a report")
}

fn rendered(format: &str, report: &Report) -> String {
    render::format(format).unwrap_or_else(|| panic!("there is no format {format}")).render(report)
}

fn json_of(format: &str, report: &Report) -> Value {
    serde_json::from_str(&rendered(format, report)).unwrap_or_else(|error| panic!("{format} is no JSON: {error}"))
}

#[test]
fn formats_say_of_golden_runs_what_they_always_said() {
    let safe = report("safe");
    for format in render::ALL.iter().filter(|format| !["json", "html", "text"].contains(&format.name)) {
        insta::assert_snapshot!(format!("{}-safe", format.name), format.render(&safe));
    }
    for format in ["junit", "github-benchmark-smaller"] {
        insta::assert_snapshot!(format!("{format}-resume"), rendered(format, &report("resume")));
    }
}

/// An entry of github-action-benchmark: name, unit and value, and nothing but what it knows.
fn github_benchmark_schema() -> Value {
    json!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["name", "unit", "value"],
            "additionalProperties": false,
            "properties": {
                "name": { "type": "string", "minLength": 1 },
                "unit": { "type": "string" },
                "value": { "type": "number" },
                "range": { "type": "string" },
                "extra": { "type": "string" }
            }
        }
    })
}

/// Bencher Metric Format, version 1: scalar parameters, at most eight, and at most eight names a measure (what goes beyond is
/// dropped there without a word); names up to 64 letters without space around them.
fn bencher_schema() -> Value {
    let name = json!({ "type": "string", "minLength": 1, "maxLength": 64, "pattern": "^\\S(.*\\S)?$" });
    json!({
        "type": "object",
        "minProperties": 1,
        "propertyNames": { "minLength": 1, "maxLength": 1024 },
        "additionalProperties": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["parameters", "measures"],
                "additionalProperties": false,
                "properties": {
                    "parameters": {
                        "type": "object",
                        "maxProperties": 8,
                        "propertyNames": name,
                        "additionalProperties": { "anyOf": [name, { "type": ["number", "boolean"] }] }
                    },
                    "measures": {
                        "type": "object",
                        "minProperties": 1,
                        "propertyNames": name,
                        "additionalProperties": {
                            "type": "object",
                            "required": ["value"],
                            "maxProperties": 8,
                            "propertyNames": name,
                            "additionalProperties": { "type": "number" }
                        }
                    }
                }
            }
        }
    })
}

/// The fields of a result of the OpenMessaging Benchmark. Its converter to CSV refuses a field that it does not know, and
/// its charts need points in every series that they draw.
fn openmessaging_schema() -> Value {
    let percentiles = ["Avg", "50pct", "75pct", "95pct", "99pct", "999pct", "9999pct", "Max"];
    let series = |kind: &str| json!({ "type": "array", "minItems": 1, "items": { "type": kind } });
    let mut properties = json!({
        "workload": { "type": "string" },
        "driver": { "type": "string" },
        "messageSize": { "type": "integer" },
        "topics": { "type": "integer" },
        "partitions": { "type": "integer" },
        "producersPerTopic": { "type": "integer" },
        "consumersPerTopic": { "type": "integer" },
        "publishRate": series("number"),
        "publishErrorRate": series("number"),
        "consumeRate": series("number"),
        "backlog": series("integer"),
    });
    for (latency, kind) in
        [("PublishLatency", "number"), ("PublishDelayLatency", "integer"), ("EndToEndLatency", "number")]
    {
        let lower = format!("{}{}", latency[..1].to_lowercase(), &latency[1..]);
        for name in percentiles {
            let kind = if name == "Avg" { "number" } else { kind };
            properties[format!("{lower}{name}")] = series(kind);
            properties[format!("aggregated{latency}{name}")] = json!({ "type": kind });
        }
        properties[format!("aggregated{latency}Quantiles")] = json!({
            "type": "object",
            "minProperties": 10,
            "propertyNames": { "pattern": "^[0-9]+\\.[0-9]+$" },
            "additionalProperties": { "type": kind }
        });
    }
    let all: Vec<String> = properties.as_object().expect("an object").keys().cloned().collect();
    json!({ "type": "object", "required": all, "additionalProperties": false, "properties": properties })
}

fn keeps(format: &str, schema: &Value, report: &Report) {
    let validator = jsonschema::validator_for(schema).expect("a schema is one");
    let document = json_of(format, report);
    let breaches: Vec<_> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(breaches, [""; 0], "{format}");
}

#[test]
fn what_is_written_for_trackers_keeps_their_schemas() {
    for report in [report("safe"), report("resume")] {
        keeps("github-benchmark-bigger", &github_benchmark_schema(), &report);
        keeps("github-benchmark-smaller", &github_benchmark_schema(), &report);
        keeps("bencher", &bencher_schema(), &report);
        keeps("openmessaging", &openmessaging_schema(), &report);
    }
}

#[test]
fn a_run_with_long_and_strange_names_keeps_them_too() {
    let mut report = report("safe");
    report.run.profile = format!(" {} ", "long name ".repeat(200));
    report.run.strategy = " s".repeat(60);
    report.run.commit_mode = Some("checkpoint".to_owned());
    keeps("bencher", &bencher_schema(), &report);
    keeps("github-benchmark-smaller", &github_benchmark_schema(), &report);
}

#[test]
fn the_direction_of_a_figure_says_in_which_file_it_is() {
    let report = report("resume");
    let names = |format: &str| -> Vec<String> {
        let entries = json_of(format, &report);
        entries
            .as_array()
            .expect("a list")
            .iter()
            .map(|entry| entry["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    let (bigger, smaller) = (names("github-benchmark-bigger"), names("github-benchmark-smaller"));
    assert!(bigger.contains(&"profile/resume: ordered_per_s".to_owned()), "{bigger:?}");
    for lower in ["end_to_end_p99", "gap_max_kill", "order_violations"] {
        assert!(smaller.contains(&format!("profile/resume: {lower}")), "{lower} is not in {smaller:?}");
    }
    let unique: BTreeSet<_> = bigger.iter().chain(&smaller).collect();
    assert_eq!(unique.len(), bigger.len() + smaller.len(), "a figure has one direction and one name");
    assert!(unique.len() < 40, "so many alarms that some ring by chance in every run: {}", unique.len());
}

#[test]
fn bencher_gets_faults_as_parameters_and_a_value_to_watch() {
    let document = json_of("bencher", &report("safe"));
    let entries = document["profile/safe"].as_array().expect("the benchmark is the profile and its variant");
    let kill = entries.iter().find(|entry| entry["parameters"]["fault"] == "kill").expect("there was one");
    assert_eq!(kill["parameters"]["partitions"], 4);
    assert_eq!(kill["measures"]["gap-ms"]["value"], 865.784);
    let run = entries.iter().find(|entry| entry["parameters"].get("fault").is_none()).expect("the run itself");
    assert_eq!(run["measures"]["end-to-end-ms"]["value"], run["measures"]["end-to-end-ms"]["p99"]);
    assert_eq!(run["measures"]["lost"], json!({ "value": 0.0 }));
}

fn jetlag(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jetlag")).args(args).output().expect("the program starts")
}

#[test]
fn several_formats_go_into_a_folder_and_one_to_standard_output() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let (run, out) = (golden("safe"), place.path().join("not/yet/there"));
    let (run, folder) = (run.to_str().expect("plain"), out.to_str().expect("plain"));
    let both = "github-benchmark-bigger,github-benchmark-smaller";
    let written = jetlag(&["report", run, "--format", both, "--format", "csv", "--out", folder]);
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let said = String::from_utf8_lossy(&written.stdout);
    let safe = report("safe");
    for (path, format) in said.lines().zip(["github-benchmark-bigger", "github-benchmark-smaller", "csv"]) {
        assert_eq!(std::fs::read_to_string(path).expect(path), rendered(format, &safe));
    }
    assert_eq!(std::fs::read_dir(&out).expect("it was made").count(), 3);
    let printed = jetlag(&["report", run, "--format", "otava"]);
    assert_eq!(String::from_utf8_lossy(&printed.stdout), rendered("otava", &safe));
    let refused = jetlag(&["report", run, "--format", both]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--out"));
    assert!(refused.stdout.is_empty(), "never half of it");
}

#[test]
fn a_run_that_cannot_be_trusted_is_refused_for_trackers_before_anything_is_written() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let text = std::fs::read_to_string(golden("safe")).expect("it is there");
    let text = text.replacen("\"state\": \"complete\"", "\"state\": \"invalid\"", 1);
    let text = text.replacen("\"state_reasons\": []", "\"state_reasons\": [\"c1.1 died unasked\"]", 1);
    let run = place.path().join("report.json");
    std::fs::write(&run, text).expect("it can be written");
    let (run, out) = (run.to_str().expect("plain"), place.path().join("out"));
    let refused = jetlag(&["report", run, "--format", "csv,bencher", "--out", out.to_str().expect("plain")]);
    assert_eq!(refused.status.code(), Some(4));
    let said = String::from_utf8_lossy(&refused.stderr);
    for part in ["invalid", "c1.1 died unasked", "'bencher'", "measure again"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!out.exists());
    let junit = jetlag(&["report", run, "--format", "junit"]);
    assert!(junit.status.success() && String::from_utf8_lossy(&junit.stdout).contains("<error"));
}
