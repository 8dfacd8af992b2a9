//! Strategies and streams that do not fit, and handlers that cannot work.

use jetlag::profile;

use crate::drawn::wrong;

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
fn a_lease_group_pushes_only_what_is_acknowledged() {
    let of =
        |own: &str| wrong(&format!("# hm?\n[strategy]\nkind = \"lease-group\"\ndeliver-by = \"push\"\n{own}\n"), &[]);
    for own in ["", "commit = \"explicit\"\ntakeover = \"resume\""] {
        let told = of(own);
        assert!(told.contains("needs takeover \"safe\" and commit \"ack-all\" or \"explicit\""), "{own}\n{told}");
    }
    assert!(of("commit = \"explicit\"\ncatch-up = 1").contains("catch-up has no effect with deliver-by \"push\""));
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
