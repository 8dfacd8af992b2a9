//! Slips in keys, values, sections and on the command line.

use jetlag::cli::profile::{Answer, ProfileArgs, ProfileCommand};
use jetlag::profile;

use crate::drawn::{sets, wrong};

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
