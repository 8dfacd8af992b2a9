//! Chaos: drawn from the seed, carried out as drawn, and the group keeps its promises through it.

use jetlag::model::report::RunState;

use crate::place::Place;

const PROFILE: &str = "[run]\nwarm-up = \"500ms\"\nmeasure = \"9s\"\ndrain = \"40s\"\nseed = 3\n\
    [stream]\npartitions = 4\n[load]\nrate = \"200/s\"\nkeys = 50\n[fleet]\nmembers = 3\n[strategy]\nkind = \"lease-group\"\nttl = \"1s\"\n\
    [[fault]]\nkind = \"chaos\"\nfrom = \"500ms\"\nevery = \"1500ms\"\njitter = \"500ms\"\nshortest = \"300ms\"\nlongest = \"1500ms\"\n\
    calm = \"2s\"\nmax-down = 1\nmax-servers-down = 1\nweights = { kill = 2, pause = 2, cut = 2, slow = 1, server-kill = 1 }\n";

#[test]
fn what_was_drawn_strikes_and_breaks_no_promise() {
    let place = Place::new();
    place.profile(PROFILE);
    let drawn = place.run(&["profile", "schedule", "profile.toml"]).ended_with(0).out;
    assert_eq!(drawn, place.run(&["profile", "schedule", "profile.toml"]).ended_with(0).out, "the seed decides");
    let other = place.run(&["profile", "schedule", "profile.toml", "--set", "run.seed=4"]).ended_with(0).out;
    assert_ne!(drawn, other);

    let told = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0).report().is(RunState::Complete);
    for metric in ["lost", "order_violations", "overlap", "dual_ownership", "stale_handling", "skipped_start"] {
        assert_eq!(told.count(metric), 0.0, "{metric}");
    }
    let kinds: Vec<&str> = told.report.faults.iter().map(|fault| fault.kind.as_str()).collect();
    assert!(kinds.len() >= 3, "{kinds:?}, skipped: {:?}", told.report.notes);
    assert!(kinds.iter().all(|kind| drawn.contains(kind)), "{kinds:?} of {drawn}");
    let allowed = ["kill", "restart", "pause", "cut", "slow", "server-kill"];
    assert!(kinds.iter().all(|kind| allowed.contains(kind)), "{kinds:?}");
    place.wait_until_nobody_is_left();
}
