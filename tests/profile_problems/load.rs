//! What cannot be published, searched or kept in accounts.

use jetlag::profile;

use crate::drawn::{sets, wrong};

#[test]
fn what_cannot_be_run_is_told_at_the_key_that_says_so() {
    let text = r#"# hm?
[run]
measure = "0s"
repeat = 0
[server]
version = "2.12"
nodes = 2
[stream]
partitions = 1025
replicas = 3
duplicate-window = "2h"
max-age = "1h"
max-bytes = "0B"
[load]
publishers = 8
keys = 7
payload = "63B"
window = 8193
rate = "0.001/s"
zipf-exponent = 1.1
key-choice = "hot"
hot-share = 1.0
[fleet]
members = 0
handler = "none"
handler-time = "1ms"
[strategy]
kind = "lease-group"
ttl = "200ms"
commit-every = "100ms"
takeover = "resume"
[limits]
schedule-lag-p99 = "0s"
"#;
    insta::assert_snapshot!(wrong(text, &[]));
}

#[test]
fn accounts_that_cannot_be_kept_as_asked_are_refused() {
    let plain = "# hm?\n[ledger]\nstore = \"kv\"\nrepeats = \"apply\"\n";
    let memory = "# hm?\n[load]\nworkload = \"ledger\"\n[ledger]\nstore = \"memory\"\nwrite = \"last-write-wins\"\n";
    let many = "# hm?\n[load]\nworkload = \"ledger\"\nkeys = 100001\n";
    let unknown = "# hm?\n[load]\nworkload = \"ledgers\"\n[ledger]\nstore = \"redis\"\nwrites = \"never\"\n";
    insta::assert_snapshot!([plain, memory, many, unknown].map(|text| wrong(text, &[])).join("\n---\n"));
}

#[test]
fn what_cannot_be_searched_is_told() {
    let bounds = "# hm?\n[search]\nleast = \"500/s\"\nmost = \"100/s\"\nfirst = \"max\"\n";
    let shares = "# hm?\n[search]\ntolerance = 5\nagree = 9\ntrials = 0\nend-to-end-p99 = \"0s\"\nwithin = \"1ms\"\n";
    let outside = "# hm?\n[search]\nleast = \"500/s\"\nfirst = \"100/s\"\n";
    let unknown = "# hm?\n[search]\nlimit = \"1s\"\nfirst = 100\n";
    insta::assert_snapshot!([bounds, shares, outside, unknown].map(|text| wrong(text, &[])).join("\n---\n"));
}

#[test]
fn a_run_takes_no_notice_of_what_is_searched() {
    let plan = |text: &str| profile::parse("a", "a", text, &[]).expect("it can be run").plans().remove(0);
    let (plain, searched) = (plan("# hm?\n"), plan("# hm?\n[search]\nmost = \"700/s\"\ntolerance = 0.1\n"));
    assert_eq!(plain.settings, searched.settings);
    // The rate of the load is where a search begins, as far as it lies within the bounds.
    assert_eq!((plain.search.first_per_s, searched.search.first_per_s), (2_000.0, 700.0));
    let closed = plan("# hm?\n[load]\nrate = \"max\"\n");
    assert_eq!(closed.search.first_per_s, 1_000.0);
    let loaded = profile::parse("a", "a", "# hm?\n[search]\nmost = \"700/s\"\n", &[]).expect("it can be run");
    let shown = profile::show::show(&loaded);
    assert!(shown.contains("[search]\nmost = \"700/s\""), "{shown}");
    assert_eq!(profile::parse("a", "a", &shown, &[]).expect("it can be run, too").plans(), loaded.plans());
}

#[test]
fn a_profile_with_accounts_is_shown_with_every_default_and_means_the_same() {
    for sets in [&[][..], &["ledger.store=memory"], &["ledger.repeats=apply", "ledger.write=last-write-wins"]] {
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        let loaded = profile::parse("a", "a", "# hm?\n[load]\nworkload = \"ledger\"\n", &sets).expect("it can be run");
        let shown = profile::show::show(&loaded);
        assert!(shown.contains("[ledger]\nstore = ") && shown.contains("repeats = "), "{shown}");
        let again = profile::parse("a", "a", &shown, &[]).expect("it can be run, too");
        assert_eq!(again.plans(), loaded.plans());
        assert!(loaded.plans()[0].bank.is_some());
    }
}

#[test]
fn keys_of_one_way_to_publish_are_told_where_they_say_nothing_with_another() {
    for (publish, keys) in [
        ("windowed", "batch = 10"),
        ("sync", "window = 10\nbatch = 10\nretry = \"per-message\""),
        ("atomic-batch", "batch = 1001\nwindow = 10\nretry = \"per-message\""),
        ("fast-batch", "batch = 501\nwindow = 10\nretry = \"stop-the-line\""),
        ("core", "window = 0\nbatch = 10\nretry = \"per-message\""),
    ] {
        insta::assert_snapshot!(
            format!("publish_{publish}"),
            wrong(&format!("# hm?\n[load]\npublish = \"{publish}\"\n{keys}\n"), &[])
        );
    }
    let good = "[load]\npublish = \"core\"\nwindow = 10\n";
    assert!(profile::parse("test", "test.toml", good, &[]).is_ok());
    let later = profile::parse("test", "test.toml", "[load]\nwindow = 10\n", &sets(&["load.publish=sync"]));
    assert!(later.is_ok(), "a --set may leave a key of the file without effect");
}

#[test]
fn a_version_that_lacks_what_is_demanded_is_told_and_so_is_a_backlog_that_nobody_gets() {
    let text = r#"# hm?
[server]
version = "2.10.26"
[load]
backlog = 100
[strategy]
kind = "pinned"
[[variant]]
name = "pinned"
[[variant]]
name = "atomic"
set = { "load.publish" = "atomic-batch" }
[[variant]]
name = "ids"
set = { "load.publish" = "atomic-batch", "server.version" = "2.12.0" }
[[variant]]
name = "fast"
set = { "load.publish" = "fast-batch", "server.version" = "2.12.8" }
[[variant]]
name = "core"
set = { "strategy" = { "kind" = "core-queue" } }
"#;
    insta::assert_snapshot!(wrong(text, &[]));
}

#[test]
fn what_nobody_would_keep_or_apply_is_told() {
    for (text, reason) in [
        (
            "[stream]\nretention = \"interest\"\n[load]\nbacklog = 10\n[strategy]\nkind = \"serial\"\n",
            "drops a backlog",
        ),
        ("[stream]\nrouting = \"server\"\n[strategy]\nkind = \"core-queue\"\n", "hear the subjects"),
        (
            "[stream]\nmax-messages = 9\n[load]\npublish = \"fast-batch\"\n[strategy]\nkind = \"serial\"\n",
            "evicted from",
        ),
        (
            "[load]\nbacklog = 9\npublish = \"fast-batch\"\n[strategy]\nkind = \"serial\"\ndeliver = \"new\"\n",
            "not offered from",
        ),
        ("[load]\npublish = \"core\"\n[strategy]\nkind = \"key-sequence\"\n", "stops its key for ever"),
        (
            "[server]\nnodes = 3\n[stream]\nreplicas = 3\nretention = \"interest\"\n[strategy]\nkind = \"serial\"\nreplicas = 1\n",
            "cannot decide",
        ),
        (
            "[fleet]\nhandler-time = \"2s\"\nfail-share = 0.1\nfail-times = 2\n[strategy]\nkind = \"serial\"\n",
            "it comes to another",
        ),
        ("[fleet]\nfail-share = 0.1\n[strategy]\nkind = \"external\"\ncommand = [\"a\"]\n", "handlers of its own"),
        (
            "[load]\nworkload = \"ledger\"\n[strategy]\nkind = \"external\"\ncommand = [\"a\"]\n",
            "keeps its state itself",
        ),
    ] {
        let told = wrong(&format!("# hm?\n{text}"), &[]);
        assert!(told.contains(reason), "{text}\n{told}");
    }
}

#[test]
fn rules_of_a_gate_that_say_nothing_are_told_at_the_word_that_is_wrong() {
    let text = r#"# hm?
[gate]
rules = { "gapp.max" = "< 3s", "gap.maximum@kill" = "< 3s", "gap.max@kil" = "< 3s", gap.max = "< 3", lost = "none", ordered_per_s = "> 1s" }
thresholds = { gap = "25", stored = "10%", "end_to_end.p99" = "5%" }
metrics = ["end_to_end.p95", "gap_bystandr"]
min-repeats = 8
max-repeats = 4
"#;
    insta::assert_snapshot!(wrong(text, &[]));
    let good = "# hm?\n[gate]\nrules = { \"gap.max@kill\" = \"< 3s\", end_to_end.p99 = \"< 1s\" }\nthresholds = { gap = \"25%\" }";
    let plain = profile::parse("test", "test.toml", "# hm?\n", &[]).expect("it is a profile").plans().remove(0);
    let plan = profile::parse("test", "test.toml", good, &[]).expect("it is a profile").plans().remove(0);
    assert_eq!((plan.gate.rules.len(), plan.gate.thresholds.len()), (2, 1));
    assert_eq!(plan.settings, plain.settings, "a gate is no part of a run");
}
