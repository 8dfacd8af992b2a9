//! Sweep files as people write them: what they come to, and what is said when they are wrong.

use std::path::Path;

use proptest::prelude::*;

use super::kept::Kept;
use super::{Grid, Order, Turn, builtin, parse};
use crate::profile::problem::Problems;

fn read(text: &str, sets: &[&str]) -> Result<Grid, Problems> {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    parse("test", "test.toml", text, Path::new(""), &sets)
}

fn grid(text: &str, sets: &[&str]) -> Grid {
    read(text, sets).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The problems of a text, a line each.
fn wrong(text: &str, sets: &[&str]) -> Vec<String> {
    match read(text, sets) {
        Ok(_) => panic!("this sweep was taken for a good one:\n{text}"),
        Err(problems) => problems.to_string().lines().map(str::to_owned).collect(),
    }
}

fn names(grid: &Grid) -> Vec<&str> {
    grid.cells.iter().map(|cell| cell.name.as_str()).collect()
}

const TWO_BY_TWO: &str = r#"# Which is faster?
profile = "kill-one"
[sweep]
repeats = 2
[stream]
storage = "memory"
[[axis]]
name = "strategy"
values = [
    { label = "group", set = { "strategy.ttl" = "3s" } },
    { label = "shared", set = { strategy = { kind = "shared-pull" } } },
]
[[axis]]
key = "fleet.members"
values = [2, 8]
"#;

#[test]
fn a_cell_is_the_profile_with_the_file_and_the_values_of_its_axes_over_it() {
    let grid = grid(TWO_BY_TWO, &["load.rate=500/s"]);
    assert_eq!((grid.question.as_str(), grid.order, grid.repeats), ("Which is faster?", Order::Abba, 2));
    assert_eq!(names(&grid), ["group, 2", "group, 8", "shared, 2", "shared, 8"]);
    assert_eq!(grid.cells[2].at, [1, 0]);
    let settings = grid.settings(1).expect("it is run");
    let at = |path: &str| settings.pointer(path).cloned().unwrap_or_default();
    assert_eq!(at("/strategy/ttl"), "3s", "the axis goes over the profile");
    assert_eq!(at("/stream/storage"), "memory", "the file goes over the profile");
    assert_eq!(at("/load/rate"), "500/s", "--set goes over everything");
    assert_eq!(at("/run/measure"), "45s", "the rest is the profile's");
    assert_eq!(at("/fleet/members"), 8);
    let plan = grid.plan(Turn { cell: 3, repeat: 1 }).expect("it is run");
    assert_eq!((plan.strategy.kind(), plan.variant.as_deref()), ("shared-pull", Some("shared, 8")));
    assert_eq!(plan.faults.len(), 2, "its faults, too");
}

#[test]
fn all_cells_of_a_repeat_have_one_seed_and_another_repeat_has_another() {
    let grid = grid(TWO_BY_TWO, &["run.seed=7"]);
    let seeds =
        |repeat: u32| (0..4).filter_map(|cell| Some(grid.plan(Turn { cell, repeat })?.seed)).collect::<Vec<_>>();
    assert_eq!(seeds(1), [7; 4]);
    assert_eq!(seeds(2), [8; 4]);
    let grid = super::tests::grid(TWO_BY_TWO, &["run.seed=9223372036854775807"]);
    assert_eq!(grid.plan(Turn { cell: 0, repeat: 2 }).map(|plan| plan.seed), Some(0), "there is always a next one");
}

#[test]
fn the_variants_of_a_profile_are_an_axis() {
    let text = "profile = \"naive-vs-safe\"\n[[axis]]\nkey = \"strategy.ttl\"\nvalues = [\"1s\", \"2s\"]\n";
    assert_eq!(names(&grid(text, &[])), ["safe, 1s", "safe, 2s", "resume, 1s", "resume, 2s"]);
}

#[test]
fn keys_that_move_together_are_one_axis() {
    let text = r#"
        fault = [{ kind = "kill", at = "1s" }]
        [[axis]]
        keys = ["strategy.ttl", "run.measure", "fault.0.at"]
        values = [["500ms", "10s", "3s"], ["2s", "20s", "4s"]]
    "#;
    let grid = grid(text, &[]);
    assert_eq!(names(&grid), ["500ms", "2s"]);
    let axis = &grid.axes[0];
    assert_eq!((axis.name.as_str(), axis.unit.as_deref()), ("strategy.ttl", Some("s")));
    assert_eq!(axis.values.iter().map(|value| value.number).collect::<Vec<_>>(), [Some(0.5), Some(2.0)]);
    let plan = grid.plan(Turn { cell: 1, repeat: 1 }).expect("it is run");
    assert_eq!((plan.phases.measure.as_s(), plan.faults[0].when.first.as_s()), (20.0, 4.0));
}

#[test]
fn an_axis_has_numbers_only_where_all_its_values_do_in_one_unit() {
    let axis = |key: &str, values: &str| {
        let grid = grid(&format!("[[axis]]\nkey = \"{key}\"\nvalues = {values}\n"), &[]);
        let axis = grid.axes.into_iter().next().expect("one axis");
        (axis.unit, axis.values.into_iter().filter_map(|value| value.number).collect::<Vec<_>>())
    };
    assert_eq!(axis("stream.partitions", "[1, 4]"), (Some(String::new()), vec![1.0, 4.0]));
    assert_eq!(axis("load.rate", "[\"100/s\", \"2000/s\"]"), (Some("msg/s".to_owned()), vec![100.0, 2000.0]));
    assert_eq!(axis("load.rate", "[\"100/s\", \"max\"]"), (None, vec![]));
    assert_eq!(axis("load.payload", "[\"128B\", \"1KiB\"]"), (Some("B".to_owned()), vec![128.0, 1024.0]));
    assert_eq!(axis("server.version", "[\"2.10.26\", \"2.15.1\"]"), (None, vec![]));
    assert_eq!(axis("stream.storage", "[\"file\", \"memory\"]"), (None, vec![]));
}

#[test]
fn constraints_leave_cells_out_and_say_why() {
    let text = |constraint: &str| {
        format!(
            "[[axis]]\nkey = \"stream.replicas\"\nvalues = [1, 3]\n[[axis]]\nkey = \"server.nodes\"\nvalues = [1, 3]\n{constraint}"
        )
    };
    let left = |constraint: &str| -> Vec<String> {
        let grid = grid(&text(constraint), &[]);
        grid.cells.into_iter().filter_map(|cell| Some(format!("{}: {}", cell.name, cell.what.err()?))).collect()
    };
    let impossible = "[[skip]]\nwhen = { \"stream.replicas\" = 3, server.nodes = 1 }\n";
    assert_eq!(left(impossible), ["3, 1: skipped: stream.replicas = 3, server.nodes = 1"]);
    assert_eq!(left(&format!("{impossible}because = \"too few\"\n")), ["3, 1: too few"]);
    let only = "[[only]]\nwhen = { \"server.nodes\" = 3 }\n";
    assert_eq!(left(only), ["1, 1: only where server.nodes = 3", "3, 1: only where server.nodes = 3"]);
    let list = "[[skip]]\nwhen = { \"stream.replicas\" = [3, 5], \"server.nodes\" = [1] }\n";
    assert_eq!(left(list).len(), 1, "a list is one of several");
    assert_eq!(left("[sweep]\nimpossible-cells = \"leave-out\"\n").len(), 1);
    let told = wrong(&text(""), &[]);
    assert!(told[0].contains("(3, 1)") && told[0].contains("[[skip]]"), "{told:?}");
}

#[test]
fn a_condition_compares_what_is_meant_and_knows_defaults_and_labels() {
    let text = |when: &str| format!("{TWO_BY_TWO}[[skip]]\nwhen = {{ {when} }}\n");
    for (when, running) in [
        ("strategy = \"shared\"", 2),
        ("strategy = [\"shared\", \"group\"], \"fleet.members\" = 8", 2),
        ("\"strategy.ttl\" = \"3000ms\"", 2),
        ("\"strategy.kind\" = \"shared-pull\", fleet.members = 2", 3),
        ("\"stream.partitions\" = 17", 4),
        ("\"load.publishers\" = 3", 4),
    ] {
        assert_eq!(grid(&text(when), &[]).running().len(), running, "{when}");
    }
    let told = wrong(&text("strategy = \"grup\""), &[]);
    assert!(told[0].contains("did you mean \"group\"?"), "{told:?}");
    let told = wrong(&text("\"strategy.tll\" = \"1s\""), &[]);
    assert!(told[0].contains("`tll` is no key") && told[0].contains("`ttl`"), "{told:?}");
    let told = wrong(&text("\"load.publishers\" = 2"), &[]);
    assert!(told[0].contains("leave no cell"), "{told:?}");
}

#[test]
fn everything_that_is_wrong_is_told_at_once_where_it_is() {
    let text = r#"# hm?
profile = "quik"
colour = "red"
[sweep]
order = "abab"
repeats = 0
impossible-cells = true
[run]
repeat = 3
[fleet]
members = "many"
[[axis]]
values = [1]
[[axis]]
key = "load.keys"
[[axis]]
key = "strategy.tll"
values = ["1s"]
[[axis]]
key = "stream.storage"
values = ["file", "file", { kind = "x" }]
[[axis]]
keys = ["fleet.handler", "fleet.handler-time"]
values = [["fixed"]]
[[axis]]
name = "x"
values = [{ set = {} }, { label = "a", set = 3 }, 7, { label = "b", sett = {} }]
[[axis]]
key = "load.rate"
keys = []
values = []
[[skip]]
because = "it must be"
"#;
    insta::assert_snapshot!(wrong(text, &["fleet.membrs=3", "nonsense"]).join("\n"));
}

#[test]
fn a_text_that_is_no_toml_is_told_with_everything_else() {
    let told = wrong("# q?\nprofile = \"quik\"\n[[axis]\nkey = 3\n", &[]);
    assert!(told.iter().any(|line| line.starts_with("test.toml:3")), "{told:?}");
    assert!(told.iter().any(|line| line.contains("did you mean \"quick\"?")), "{told:?}");
}

#[test]
fn a_profile_of_ones_own_is_found_beside_the_file_and_its_problems_are_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("mine.toml"), "# Mine?\n[fleet]\nmembrs = 3\n").expect("a file");
    let text = "# q?\nprofile = \"mine.toml\"\n[[axis]]\nkey = \"load.keys\"\nvalues = [10]\n";
    let told = parse("test", "test.toml", text, folder.path(), &[]).expect_err("it is wrong").to_string();
    assert!(told.contains("mine.toml:3:1: `membrs` is no key"), "{told}");
    assert!(!told.contains("test.toml"), "{told}");
}

#[test]
fn what_an_axis_leaves_without_effect_in_the_profile_is_no_mistake() {
    // kill-one has a handler with a time; without a handler the time says nothing.
    let text = "profile = \"kill-one\"\n[[axis]]\nkey = \"fleet.handler\"\nvalues = [\"fixed\", \"none\"]\n";
    assert_eq!(grid(text, &[]).running().len(), 2);
    // In the file's own words beside each other it is one.
    let text = "[fleet]\nhandler = \"none\"\nhandler-time = \"1ms\"\n[[axis]]\nkey = \"load.keys\"\nvalues = [10]\n";
    assert_eq!(wrong(text, &[]).len(), 1);
}

#[test]
fn cells_that_are_the_same_are_refused() {
    let told = wrong(TWO_BY_TWO, &["fleet.members=4"]);
    assert!(told[0].contains("(group, 2) and (group, 8) are the same"), "{told:?}");
}

#[test]
fn a_grid_has_a_bound() {
    let values: Vec<String> = (1..=40).map(|value| value.to_string()).collect();
    let axis = |key: &str| format!("[[axis]]\nkey = \"{key}\"\nvalues = [{}]\n", values.join(", "));
    let told = wrong(&format!("{}{}", axis("load.keys"), axis("fleet.members")), &[]);
    assert!(told[0].contains("1600 cells"), "{told:?}");
    assert!(wrong("# Nothing?\n", &[])[0].contains("nothing is varied"));
}

#[test]
fn every_built_in_sweep_asks_a_question_and_can_be_run() {
    for sweep in builtin::ALL {
        let grid = super::open(sweep.name, &[]).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(grid.question.ends_with('?'), "{}", sweep.name);
        assert!(grid.running().len() > 1, "{}", sweep.name);
    }
}

#[test]
fn the_list_of_built_in_sweeps_is_the_folder() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/profiles/sweeps");
    let list = std::fs::read_dir(folder).expect("the folder of sweeps");
    let mut files: Vec<String> =
        list.filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".toml")?.to_owned())).collect();
    files.sort();
    let mut names: Vec<&str> = builtin::ALL.iter().map(|builtin| builtin.name).collect();
    names.sort_unstable();
    assert_eq!(files, names);
}

#[test]
fn what_is_kept_tells_what_changed_and_lets_repeats_grow() {
    let then = Kept::of(&grid(TWO_BY_TWO, &[]));
    let changes = |text: &str, sets: &[&str]| then.changes(&Kept::of(&grid(text, sets)));
    assert_eq!(changes(TWO_BY_TWO, &[]), [""; 0]);
    assert_eq!(changes(&TWO_BY_TWO.replace("repeats = 2", "repeats = 5"), &[]), [""; 0]);
    assert_eq!(changes(&TWO_BY_TWO.replace("# Which is faster?", "# And now?"), &[]), [""; 0], "words are no settings");
    assert_eq!(
        changes(&TWO_BY_TWO.replace("repeats = 2", "repeats = 1"), &[]),
        ["the number of repeats was 2, and is 1"]
    );
    let told = changes(TWO_BY_TWO, &["load.keys=7"]);
    assert_eq!(told[0], "load.keys of (group, 2) was 1000, and is 7");
    assert_eq!(told.len(), 4);
    let told = changes(&TWO_BY_TWO.replace("[2, 8]", "[2, 9]"), &[]);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("the grid was (group, 2) (group, 8)"), "{told:?}");
    let told = changes(&TWO_BY_TWO.replace("repeats = 2", "order = \"shuffled\"\nrepeats = 2"), &[]);
    assert_eq!(told, ["the order was abba, and is shuffled"]);
}

#[test]
fn folders_are_named_so_that_every_file_system_takes_them() {
    let text = "[[axis]]\nname = \"x\"\nvalues = [{ label = \"a/../b\", set = { \"load.keys\" = 5 } }, { label = \"Ü\", set = {} }]\n";
    let grid = grid(text, &[]);
    assert_eq!(grid.cells[0].folder(0), "01-a-..-b");
    assert_eq!(grid.cells[1].folder(1), "02");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_text_makes_it_panic(text in "(\\[\\[(axis|skip|only)\\]\\]\n|\\[sweep\\]\n|(key|keys|values|name|when|set|label|profile|order|repeats) = |\"[a-z.]{0,8}\"|[0-9]{1,3}|\\[|\\]|\\{|\\}|,|=|\n| ){0,40}") {
        let _ = read(&text, &[]);
    }
}
