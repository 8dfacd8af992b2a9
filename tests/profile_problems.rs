//! What is wrong with a profile is told all at once, where it is: each kind of slip, drawn with its caret.

use jetlag::cli::profile::{Answer, ProfileArgs, ProfileCommand};
use jetlag::profile::{self, Problems, builtin};
use proptest::prelude::*;

fn sets(sets: &[&str]) -> Vec<String> {
    sets.iter().map(|set| (*set).to_owned()).collect()
}

/// The problems of a text, each with its line and carets below it.
fn drawn(problems: &Problems) -> String {
    let mut drawn = String::new();
    for problem in &problems.problems {
        let (line, column) = problems.line_and_column(problem);
        let source = &problems.sources[problem.source];
        let text = source.text.lines().nth(line - 1).unwrap_or("");
        let width = source.text[problem.span.clone()].lines().next().map_or(1, |first| first.chars().count().max(1));
        drawn += &format!("{}:{line}:{column}: {}\n", source.name, problem.message);
        drawn +=
            format!("  | {text}\n  | {}{} {}", " ".repeat(column - 1), "^".repeat(width), problem.label).trim_end();
        drawn += "\n";
        if let Some(help) = &problem.help {
            drawn += &format!("  = {help}\n");
        }
    }
    drawn
}

fn wrong(text: &str, set: &[&str]) -> String {
    match profile::parse("test", "test.toml", text, &sets(set)) {
        Ok(_) => panic!("this profile was taken for a good one:\n{text}"),
        Err(problems) => drawn(&problems),
    }
}

#[test]
fn every_slip_in_keys_and_values_is_told_at_once_where_it_is() {
    let text = r#"# hm?
[run]
mesure = "4s"
warm-up = 3
drain = "5 parsecs"
[load]
rate = "fast"
keys = -1
arrivals = "poison"
message-id = 3
publishers = 70000
payload = 256
key-choice = ["zipf"]
[fleet]
members = "four"
handler_time = "1ms"
[limits]
colour = "red"
[streem]
partitions = 4
"#;
    insta::assert_snapshot!(wrong(text, &[]));
}

#[test]
fn slips_in_kinds_are_told_with_the_nearest_kind() {
    let text = r#"# hm?
[strategy]
kind = "lease-grup"
ttl = "1s"
[[fault]]
kind = "kil"
at = "1s"
[[fault]]
kind = "kill"
att = "3s"
[[fault]]
kind = "kill"
lasting = "3s"
at = "3s"
[[fault]]
at = "2s"
[[fault]]
kind = "pause"
at = "2s"
lasting = 3
[[fault]]
kind = "kill"
at = "2s"
target = "everyone"
"#;
    insta::assert_snapshot!(wrong(text, &[]));
}

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
fn faults_that_cannot_strike_are_told() {
    let text = r#"# hm?
[run]
measure = "30s"
[stream]
partitions = 8
[strategy]
kind = "shared-pull"
[[fault]]
kind = "kill"
[[fault]]
kind = "kill"
at = "3s"
every = "3s"
[[fault]]
kind = "kill"
at = "30s"
[[fault]]
kind = "kill"
at = "3s"
times = 3
[[fault]]
kind = "kill"
every = "40s"
[[fault]]
kind = "kill"
every = "0s"
[[fault]]
kind = "kill"
from = "10s"
every = "2s"
until = "9s"
[[fault]]
kind = "leave"
every = "2s"
until = "1m"
[[fault]]
kind = "join"
at = "8s"
target = "c2"
[[fault]]
kind = "kill"
at = "7s"
target = "c4"
[[fault]]
kind = "join"
at = "8s"
[[fault]]
kind = "kill"
at = "9s"
target = "owner-of:8"
[[fault]]
kind = "pause"
at = "1s"
lasting = "0s"
[[fault]]
kind = "kill"
at = "29s"
jitter = "2s"
"#;
    insta::assert_snapshot!(wrong(text, &[]));
}

#[test]
fn cuts_and_slow_handlers_that_cannot_work_are_told() {
    let text = r#"# hm?
[run]
measure = "30s"
[load]
publishers = 2
[fleet]
handler = "none"
[[fault]]
kind = "cut"
at = "1s"
how = "stal"
[[fault]]
kind = "cut"
at = "1s"
target = "p2"
lasting = "0s"
delay = "1ms"
delay-jitter = "1ms"
rate = "1KiB"
direction = "to-server"
[[fault]]
kind = "cut"
at = "1s"
how = "delay"
delay = "0s"
[[fault]]
kind = "cut"
at = "1s"
how = "throttle"
rate = "10B"
[[fault]]
kind = "slow"
at = "1s"
target = "p0"
by = "0.5x"
[[fault]]
kind = "slow"
at = "1s"
lasting = "0s"
by = "5"
[[fault]]
kind = "slow"
at = "1s"
by = "2x"
to = "3h"
[[fault]]
kind = "kill"
at = "2s"
target = "p1"
"#;
    insta::assert_snapshot!(wrong(text, &[]));
    let fixed = text.replace("stal\"", "stall\"").replace("by = \"5\"", "by = \"5x\"");
    insta::assert_snapshot!(wrong(&fixed, &[]));
    let external = "# hm?\n[strategy]\nkind = \"external\"\ncommand = [\"./member\"]\n[[fault]]\nkind = \"cut\"\nat = \"1s\"\n\
                    [[fault]]\nkind = \"slow\"\nat = \"2s\"\n[[fault]]\nkind = \"cut\"\nat = \"3s\"\ntarget = \"p0\"\n";
    insta::assert_snapshot!(wrong(external, &[]));
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
fn a_random_restart_needs_somebody_who_has_died() {
    let text = "[[fault]]\nkind = \"restart\"\nat = \"1s\"\n[[fault]]\nkind = \"kill\"\nat = \"2s\"\n";
    insta::assert_snapshot!(wrong(text, &[]));
    assert!(profile::parse("test", "test.toml", text, &sets(&["fault.0.at=3s"])).is_ok());
}

#[test]
fn slips_in_sections_and_variants_are_told() {
    let text = r#"# hm?
load = 5
[fault]
kind = "kill"
[[variant]]
set = { "strategy.ttl" = "1s" }
[[variant]]
name = "A b"
[[variant]]
name = "fast"
set = { "strategy.tll" = "1s", "run.seed" = "x" }
[[variant]]
name = "fast"
[[variant]]
name = "slow"
sett = 3
"#;
    insta::assert_snapshot!(wrong(text, &[]));
}

#[test]
fn text_that_is_no_toml_is_told_line_by_line_and_the_rest_is_still_read() {
    let text = "# hm?\n[run]\nseed = 1 2\nrepeat = \n[load]\nraet = \"5/s\"\nkeys = 5\nkeys = 6\n";
    insta::assert_snapshot!(wrong(text, &[]));
}

#[test]
fn slips_on_the_command_line_name_the_set() {
    let set = [
        "fleet.members=0",
        "load.payload=256",
        "fleet.membres=3",
        "bla",
        "load.rate=fast",
        "fault.7.at=3s",
        "strategy.kind={",
        "run.seed.x=3",
    ];
    insta::assert_snapshot!(wrong("# hm?\n[fleet]\nmembers = 3\n[[fault]]\nkind = \"kill\"\nat = \"3s\"\n", &set));
}

#[test]
fn a_profile_that_is_not_there_is_told_with_the_nearest_one() {
    for (name, help) in [("quik", "did you mean quick?"), ("no/such.toml", "there are quick, throughput")] {
        let problems = profile::load(name, &[]).expect_err("there is no such profile");
        let help_given = problems.problems[0].help.as_deref().unwrap_or_default();
        assert!(help_given.starts_with(help), "{help_given}");
    }
}

#[test]
fn people_get_carets_and_machines_get_one_object() {
    let check = |set: &str, json| {
        let args = ProfileArgs { profile: "quick".to_owned(), sets: sets(&[set]), json };
        jetlag::cli::profile::run(&ProfileCommand::Check(args))
    };
    assert_eq!(check("run.seed=2", false), Answer { out: "quick: ok\n".to_owned(), err: String::new(), code: 0 });
    let bad = check("load.raet=5/s", false);
    assert_eq!((bad.out.as_str(), bad.code), ("", 2));
    insta::assert_snapshot!(bad.err);
    let bad = check("load.raet=5/s", true);
    assert_eq!((bad.err.as_str(), bad.code), ("", 2));
    insta::assert_snapshot!(bad.out);
}

/// What profiles are made of, good and bad.
fn pieces() -> impl Strategy<Value = String> {
    let words = [
        "[load]",
        "[run]",
        "[[fault]]",
        "[[variant]]",
        "[strategy]",
        "kind",
        "=",
        "\"kill\"",
        "\"lease-group\"",
        "at",
        "\"2s\"",
        "every",
        "\"1ms\"",
        "{",
        "}",
        "[",
        "]",
        ".",
        ",",
        "rate",
        "\"max\"",
        "name",
        "\"x\"",
        "set",
        "5",
        "-1",
        "1e99",
        "é",
        "\u{1f600}",
        "# ",
        "\"",
        "'",
        "measure",
        "\"500000000000000y\"",
        "seed",
        "load",
        "fault",
        "0",
        "times",
        "4294967295",
        "ttl",
        "jitter",
        "until",
        "from",
        "\"0s\"",
        "true",
        "1979-05-27",
        "\r",
        "\0",
    ];
    let space = prop_oneof![3 => Just(" "), 2 => Just("\n"), 1 => Just("")];
    let piece = (prop::sample::select(words.to_vec()), space).prop_map(|(word, space)| format!("{word}{space}"));
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

/// Keys with values that may be anything: closer to a profile than [`pieces`], so that more of the checks are reached.
fn keys() -> impl Strategy<Value = String> {
    let keys = [
        "run.measure",
        "run.warm-up",
        "load.rate",
        "load.keys",
        "load.payload",
        "fleet.members",
        "strategy.ttl",
        "strategy.commit-every",
        "fault.0.at",
        "fault.0.every",
        "fault.0.jitter",
        "fault.0.until",
        "fault.0.times",
        "fault.0.from",
        "stream.max-age",
        "stream.max-bytes",
        "fleet.handler-time",
        "load.zipf-exponent",
        "load.workload",
        "ledger.store",
        "ledger.write",
    ];
    let values = [
        "0",
        "-1",
        "1",
        "18446744073709551615",
        "9223372036854775807",
        "0s",
        "1ns",
        "500000000000y",
        "584542046090y",
        "16777216TiB",
        "1B",
        "1e300/s",
        "max",
        "nan",
        "inf",
        "1e-300",
        "\"\"",
        "[]",
        "{}",
        "3s",
        "c65535",
        "ledger",
        "memory",
        "last-write-wins",
    ];
    (prop::sample::select(keys.to_vec()), prop::sample::select(values.to_vec()))
        .prop_map(|(key, value)| format!("{key}={value}"))
}

proptest! {
    #[test]
    fn no_text_brings_the_reader_down_and_every_place_is_in_its_text(
        text in pieces(), set in pieces(), keys in prop::collection::vec(keys(), 0..6),
    ) {
        for base in [text.clone(), format!("{}{text}", builtin::ALL[0].text), builtin::ALL[0].text.to_owned()] {
            let mut sets = keys.clone();
            if base != builtin::ALL[0].text {
                sets.push(set.clone());
            }
            match profile::parse("any", "any.toml", &base, &sets) {
                Ok(loaded) => {
                    let shown = profile::show::show(&loaded);
                    let again = profile::parse("any", "shown", &shown, &[]);
                    prop_assert_eq!(again.map(|again| again.plans()), Ok(loaded.plans()), "{}", shown);
                    for plan in loaded.plans() {
                        let strikes = plan.schedule();
                        prop_assert!(strikes.len() <= 20_000);
                    }
                }
                Err(problems) => {
                    prop_assert!(!problems.problems.is_empty());
                    for problem in &problems.problems {
                        let text = &problems.sources[problem.source].text;
                        prop_assert!(text.get(problem.span.clone()).is_some(), "{:?}", problem);
                    }
                    drop(jetlag::cli::profile::problems_text(&problems, false));
                }
            }
        }
    }

    #[test]
    fn a_plan_exists_exactly_when_it_can_be_run(
        partitions in 0..2000_u16, members in 0..5_u16, publishers in 0..6_u16, keys in 0..6_u32, replicas in 0..6_u16,
        nodes in 0..6_u16, payload in 0..200_u64, window in 0..10_000_u32, measure in 0..9_u64, at in 0..9_u64,
        target in 0..6_u16, sane: [bool; 11],
    ) {
        // Most values are made sane, so that sound plans are common.
        let pick = |number: usize, value: u64, good: u64| if sane[number] || number.is_multiple_of(3) { good } else { value };
        let (partitions, members) = (pick(0, partitions.into(), 16), pick(1, members.into(), 4));
        let (publishers, keys) = (pick(2, publishers.into(), 2), pick(3, keys.into(), 5));
        let (replicas, nodes) = (pick(4, replicas.into(), 1), pick(5, nodes.into(), 3));
        let (payload, window) = (pick(6, payload, 64), pick(7, window.into(), 8192));
        let (measure, at, target) = (pick(8, measure, 9), pick(9, at, 1), pick(10, target.into(), 0));
        let set = [
            format!("stream.partitions={partitions}"), format!("fleet.members={members}"),
            format!("load.publishers={publishers}"), format!("load.keys={keys}"),
            format!("stream.replicas={replicas}"), format!("server.nodes={nodes}"),
            format!("load.payload={payload}B"), format!("load.window={window}"),
            format!("run.measure={measure}s"), format!("fault.0.at={at}s"), format!("fault.0.target=c{target}"),
        ];
        let sound = (1..=1024).contains(&partitions) && members > 0 && publishers > 0 && keys >= publishers
            && [1, 3, 5].contains(&replicas) && [1, 3, 5].contains(&nodes) && replicas <= nodes && payload >= 64
            && (1..=8192).contains(&window) && at < measure && target < members;
        let parsed = profile::parse("any", "any.toml", "[[fault]]\nkind = \"kill\"\n", &set);
        prop_assert_eq!(parsed.is_ok(), sound, "{:?}", parsed.err().map(|problems| problems.to_string()));
    }
}

#[test]
fn a_strategy_without_a_group_takes_one_member_and_no_newcomer() {
    let text = r#"# hm?
[fleet]
members = 3
[strategy]
kind = "ordered"
[[fault]]
kind = "join"
at = "3s"
"#;
    insta::assert_snapshot!(wrong(text, &[]));
}

#[test]
fn settings_of_strategies_that_cannot_work_are_told() {
    let text = |own: &str| format!("# hm?\n[strategy]\n{own}\n");
    for own in [
        "kind = \"serial\"\nack-wait = \"100ms\"",
        "kind = \"queue-group\"\nmax-ack-pending = 0",
        "kind = \"queue-group\"\nidle-heartbeat = \"1ms\"",
        "kind = \"pinned\"\npin-ttl = \"1ms\"",
        "kind = \"pinned\"\nmax-ack-pending = 0",
        "kind = \"key-sequence\"\ndelay = \"0s\"",
        "kind = \"key-sequence\"\nbatch = 0",
        "kind = \"shared-pull\"\nmax-deliver = 0",
        "kind = \"shared-pull\"\nthreshold = 100",
        "kind = \"serial\"\nreplicas = 2",
        "kind = \"lease-group\"\nconsumer-replicas = 2",
    ] {
        let key = own.split(['\n', ' ']).nth(3).expect("a second line begins with its key");
        let told = wrong(&text(own), &[]);
        assert!(told.contains(&format!("{key} is ")), "{own}\n{told}");
    }
}

#[test]
fn a_stream_that_cannot_carry_the_strategy_is_refused_with_the_reason() {
    for (stream, strategy, reason) in [
        ("retention = \"interest\"", "kind = \"lease-group\"", "deleting the only consumer"),
        ("retention = \"interest\"", "kind = \"ordered\"", "published before a consumer stands"),
        ("retention = \"work-queue\"", "kind = \"lease-group\"\ncommit = \"explicit\"", "10101"),
        ("retention = \"work-queue\"", "kind = \"lease-group\"", "10084"),
        ("retention = \"work-queue\"", "kind = \"ordered\"", "10100"),
        ("retention = \"work-queue\"", "kind = \"shared-pull\"\nack = \"all\"", "10098"),
        ("retention = \"work-queue\"", "kind = \"shared-pull\"\nack = \"none\"", "10084"),
        ("retention = \"work-queue\"", "kind = \"shared-pull\"\ndeliver = \"new\"", "10101"),
        ("max-messages = 100", "kind = \"key-sequence\"", "stops its key for ever"),
        ("max-messages-per-subject = 100", "kind = \"key-sequence\"", "stops its key for ever"),
        ("max-age = \"1s\"", "kind = \"key-sequence\"", "stops its key for ever"),
    ] {
        let told = wrong(&format!("# hm?\n[stream]\n{stream}\n[fleet]\nmembers = 1\n[strategy]\n{strategy}\n"), &[]);
        assert!(told.contains(reason) && told.contains("  = "), "{stream}, {strategy}\n{told}");
        let line = told.lines().nth(1).expect("the typed line is shown");
        assert!(line.contains(stream), "the caret is at the setting of the stream: {told}");
    }
}

#[test]
fn limits_of_a_stream_that_mean_nothing_or_refuse_everything_are_told() {
    for (stream, reason) in [
        ("discard = \"new\"", "no limit is set"),
        ("discard-new-per-subject = true", "max-messages-per-subject"),
        ("discard = \"new\"\nmax-messages = 5\ndiscard-new-per-subject = true", "max-messages-per-subject"),
        ("max-messages-per-subject = 3\ndiscard-new-per-subject = true", "max-messages-per-subject"),
        ("max-messages-per-subject = 0", "expected 1 to"),
        ("max-message-size = \"256B\"", "a message is up to"),
        ("max-message-size = \"1GiB\"", "expected at most"),
        ("storage = \"memory\"\ncompression = \"s2\"", "no effect"),
    ] {
        let told = wrong(&format!("# hm?\n[stream]\n{stream}\n"), &[]);
        assert!(told.contains(reason), "{stream}\n{told}");
    }
    let sound = "# hm?\n[stream]\ndiscard = \"new\"\nmax-messages-per-subject = 3\ndiscard-new-per-subject = true\n";
    assert!(profile::parse("sound", "sound.toml", sound, &[]).is_ok());
}

#[test]
fn settings_of_consumers_that_cannot_work_are_told_with_the_reason() {
    let text = r#"# hm?
[strategy]
kind = "shared-pull"
ack = "none"
double-ack = true
max-deliver = 3
back-off = ["1ms"]
max-wait = "1ms"
max-bytes = "200B"
deliver = { by-sequence = 0 }
replicas = 3
"#;
    insta::assert_snapshot!(wrong(text, &[]));
}

#[test]
fn a_key_that_a_strategy_rules_out_is_told_with_the_reason() {
    for (kind, set) in [
        ("serial", "ack = \"all\""),
        ("serial", "max-deliver = 3"),
        ("pinned", "back-off = [\"1s\"]"),
        ("queue-group", "batch = 5"),
        ("shared-pull", "flow-control = true"),
        ("lease-group", "deliver = \"new\""),
        ("lease-group", "replicas = 3"),
        ("ordered", "ack = \"none\""),
    ] {
        let key = set.split(' ').next().expect("a key");
        let reason = jetlag::strategy::ruled_out::ruled_out(kind, key).expect("there is a reason");
        let told = wrong(&format!("# hm?\n[strategy]\nkind = \"{kind}\"\n{set}\n"), &[]);
        assert!(told.contains(reason) && told.contains(&format!("`{key}` is no key")), "{told}");
    }
}

#[test]
fn slips_in_where_a_consumer_begins_are_told_with_all_that_is_possible() {
    let of = |deliver: &str| wrong(&format!("# hm?\n[strategy]\nkind = \"serial\"\ndeliver = {deliver}\n"), &[]);
    for deliver in ["\"newest\"", "7", "{ by-time = \"yesterday\" }", "{ by-sequence = -1 }", "{ by-number = 1 }"] {
        let told = of(deliver);
        let expected = "expected \"all\", \"last\" or \"new\", or { by-sequence = … }, or { by-time = … }";
        assert!(told.contains(expected), "{deliver}\n{told}");
    }
}

#[test]
fn handlers_that_cannot_work_are_told_with_the_reason() {
    let text = r#"# hm?
[fleet]
handler = "bimodal"
handler-time = "30ms"
slow-share = 1.5
fail-share = 0.1
fail-times = 0
on-failure = "nak"
in-progress-every = "1ms"
[strategy]
kind = "shared-pull"
"#;
    insta::assert_snapshot!(wrong(text, &[]));
    let idle = r#"# hm?
[fleet]
handler = "none"
handler-work = "cpu"
slow-time = "1s"
fail-times = 3
on-failure = "nak"
nak-delay = "1s"
in-progress-every = "1s"
"#;
    insta::assert_snapshot!(wrong(idle, &[]));
    for (kind, deed) in
        [("lease-group", "nak"), ("ordered", "term"), ("key-sequence", "term"), ("lease-group", "no-ack")]
    {
        let members = "members = 1";
        let text = format!(
            "# hm?\n[fleet]\n{members}\nfail-share = 0.1\non-failure = \"{deed}\"\n[strategy]\nkind = \"{kind}\"\n"
        );
        assert!(wrong(&text, &[]).contains(&format!("{kind} cannot do this")), "{kind} {deed}");
    }
}

#[test]
fn a_program_that_cannot_be_a_member_is_told_at_the_key_that_says_so() {
    for (own, expected) in [
        ("", "external needs a `command`"),
        ("command = []", "external needs a `command`"),
        ("command = [\"\"]", "external needs a `command`"),
        ("command = [\"a\"]\nenv = { JETLAG_SERVER = \"x\" }", "'JETLAG_SERVER' is jetlag's own"),
        ("command = [\"a\"]\nstop-within = \"1m\"", "`stop-within` is 1m, expected 100ms to 8s"),
        ("command = [\"a\"]\nready-within = \"1ms\"", "`ready-within` is 1ms, expected 100ms to 25s"),
        ("command = [\"a\"]\npromises = { order = true }", "`order`"),
        ("command = [\"a\"]\nowners = \"yes\"", "`owners`"),
    ] {
        let told = wrong(&format!("# hm?\n[strategy]\nkind = \"external\"\n{own}\n"), &[]);
        assert!(told.contains(expected), "{own}\n{told}");
    }
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
