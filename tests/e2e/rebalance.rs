//! A group loses a member, gets it back, lets one leave and one join: what the report says of it.

use jetlag::model::reading::{Scope, Stat};
use jetlag::model::report::RunState;
use jetlag::render::Audience;
use serde_json::Value;

use crate::place::{Place, Told};

const PROFILE: &str = r#"
[run]
warm-up = "500ms"
measure = "10s"
drain = "30s"
[stream]
partitions = 8
[load]
rate = "400/s"
keys = 100
[fleet]
members = 3
[strategy]
kind = "lease-group"
ttl = "1s"
[[fault]]
kind = "kill"
target = "c1"
at = "1s"
[[fault]]
kind = "restart"
target = "c1"
at = "4s"
[[fault]]
kind = "leave"
target = "c2"
at = "6s"
[[fault]]
kind = "join"
at = "8s"
"#;

#[test]
fn a_group_that_crashes_returns_leaves_and_joins_keeps_order_and_says_what_it_cost() {
    let place = Place::new();
    place.profile(PROFILE);
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0);
    let told = ended.report().is(RunState::Complete);
    let report = &told.report;

    assert_eq!(report.state_reasons, [""; 0]);
    for metric in ["lost", "order_violations", "overlap", "dual_ownership", "stale_handling", "phantom"] {
        assert_eq!(told.count(metric), 0.0, "{metric}");
    }
    assert!(told.count("stored") > 1000.0 && told.count("handled") >= told.count("stored"));

    let faults: Vec<_> = report.faults.iter().map(|fault| (fault.kind.as_str(), fault.struck.as_slice())).collect();
    let struck = |who: &str| [who.to_owned()];
    let expected = [
        ("kill", &struck("c1.1")[..]),
        ("restart", &struck("c1.2")[..]),
        ("leave", &struck("c2.1")[..]),
        ("join", &struck("c3.1")[..]),
    ];
    assert_eq!(faults, expected);

    // What the crash did to the partitions of the dead is more than what it did to the others, and more than what a leave does.
    let gap =
        |metric: &str, kind: &str| told.reading(metric, Stat::Max, &Scope::FaultKind(kind.to_owned())).unwrap_or(0.0);
    let crash = gap("gap", "kill");
    assert!(crash > 0.0, "two or three partitions had an owner that died");
    assert!(gap("gap_bystander", "kill") < crash, "a crash does not stop the world");
    assert!(gap("gap", "leave") < crash, "who says goodbye is replaced sooner than who does not");
    assert!(gap("gap", "join") < crash);
    assert!(report.faults[0].partitions.iter().any(|partition| partition.affected));
    assert!(report.faults[0].partitions.iter().any(|partition| !partition.affected));

    assert_eq!(report.environment.server_nodes, 1);
    assert!(report.environment.server_embedded && report.environment.server_version.starts_with('2'));
    assert!(report.environment.cores > 0 && report.environment.memory_bytes > 0 && !report.environment.os.is_empty());
    assert_eq!(report.run.command, "jetlag run profile.toml --out out");

    // The evidence says the same again, in the form for machines.
    let before = std::fs::read(told.folder.join("report.json")).expect("it is there");
    let folder = told.folder.strip_prefix(place.path()).expect("--out is relative").to_str().expect("a plain name");
    let again = place.run(&["analyze", folder, "--json"]).ended_with(0);
    let object: Value = serde_json::from_str(&again.out).expect("one object and nothing else");
    assert_eq!(object["state"], "complete");
    assert_eq!(object["exit_code"], 0);
    assert_eq!(object["run_dir"], folder);
    assert_eq!(object["report_json"], format!("{folder}/report.json"));
    assert_eq!(object["report_html"], format!("{folder}/report.html"));
    assert_eq!(
        std::fs::read(told.folder.join("report.json")).expect("it is there"),
        before,
        "a report is a function of the evidence"
    );

    // Every format can be had from the report.
    for format in jetlag::render::ALL {
        let shown = place.run(&["report", folder, "--format", format.name]).ended_with(0);
        assert_eq!(shown.out, format.render(report), "{}", format.name);
        // Tools that compare runs have no field for it; they get no run of which it is not so.
        let says_so = shown.out.contains("complete") || format.audience == Audience::Trackers;
        assert!(says_so, "{}: {}", format.name, shown.out);
    }
    place.wait_until_nobody_is_left();
}

#[test]
fn a_run_for_machines_prints_one_object_and_nothing_else() {
    let place = Place::new();
    place.profile(
        "[run]\nwarm-up = \"100ms\"\nmeasure = \"1s\"\n[load]\nrate = \"100/s\"\nkeys = 10\n[fleet]\nmembers = 2\n",
    );
    let ended = place
        .run(&["run", "profile.toml", "--out", "out", "--json", "--quiet", "--set", "fleet.members=1"])
        .ended_with(0);
    let object: Value = serde_json::from_str(&ended.out).expect("one object and nothing else");
    assert_eq!(object["state"], "complete");
    assert_eq!(object["exit_code"], 0);
    let path =
        |name: &str| place.path().join(object[name].as_str().unwrap_or_else(|| panic!("{name} is a path: {object}")));
    assert!(path("report_html").is_file());
    assert_eq!(path("report_json").parent(), Some(path("run_dir").as_path()));
    assert_eq!(Told::read(&path("run_dir")).report.run.members, 1, "what is set is set");
    assert_eq!(ended.err, "", "quiet is quiet");
}
