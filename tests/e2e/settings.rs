//! Settings that no other test takes to a server: how keys are chosen, when faults strike, and what some strategies wait for.

use jetlag::model::payload;
use jetlag::model::report::RunState;

use crate::order::comparison;
use crate::place::Place;
use crate::server::OwnServer;
use crate::strategies::MEMBER;

const SHORT: &str = r#"
[run]
warm-up = "100ms"
measure = "1s"
drain = "20s"
[stream]
partitions = 2
[fleet]
members = 1
handler = "none"
"#;

/// How many messages of each key a run stored, the most frequent key first.
fn stored_by_key(load: &str) -> Vec<usize> {
    let place = Place::new();
    let server = OwnServer::start(&place);
    place.profile(&format!("{SHORT}[load]\nrate = \"1000/s\"\npublishers = 1\nkeys = 20\n{load}"));
    let ended = place.run(&["run", "profile.toml", "--out", "out", "--server", &server.url(), "--keep"]);
    ended.ended_with(0).report().is(RunState::Complete);
    let mut counts = [0; 20];
    for message in server.messages() {
        counts[payload::decode(&message.payload).expect("it is jetlag's").key as usize] += 1;
    }
    counts.sort_unstable_by(|left, right| right.cmp(left));
    counts.to_vec()
}

#[test]
fn keys_are_chosen_as_the_profile_says() {
    let hot = stored_by_key("key-choice = \"hot\"\nhot-share = 0.6");
    let all: usize = hot.iter().sum();
    assert!((0.5..0.7).contains(&(hot[0] as f64 / all as f64)), "{hot:?}");
    let zipf = stored_by_key("key-choice = \"zipf\"\nzipf-exponent = 2.0");
    // The second has a quarter of the first's share.
    assert!((2.0..8.0).contains(&(zipf[0] as f64 / zipf[1] as f64)), "{zipf:?}");
}

#[test]
fn faults_strike_when_the_profile_says() {
    let place = Place::new();
    let pause = "kind = \"pause\"\ntarget = \"c0\"\nlasting = \"20ms\"\nevery = \"200ms\"\nfrom = \"100ms\"\n\
                 until = \"750ms\"\njitter = \"50ms\"\n";
    let load = "[load]\nrate = \"100/s\"\npublishers = 1\nkeys = 5\n";
    place.profile(&format!("{SHORT}{load}[[fault]]\n{pause}"));
    let told = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0).report().is(RunState::Complete);
    let struck = told.report.faults.iter().filter(|fault| !fault.struck.is_empty()).count();
    assert_eq!(struck, 4, "at 100, 300, 500 and 700 ms, and a little later");
}

#[test]
fn strategies_wait_as_long_as_the_profile_says() {
    let place = Place::new();
    let variants = [
        ("key-sequence", "{ kind = \"key-sequence\", ack-wait = \"1s\", delay = \"20ms\" }".to_owned()),
        ("lease-group", "{ kind = \"lease-group\", ttl = \"1s\", max-handling = \"10s\" }".to_owned()),
        (
            "lease-group-riding",
            "{ kind = \"lease-group\", ttl = \"1s\", sink = \"fenced\", ride-out = \"10s\" }".to_owned(),
        ),
        (
            "external",
            format!(
                "{{ kind = \"external\", {MEMBER}, ready-within = \"15s\", \
                 promises = {{ at-least-once = true, order-per-key = true, exclusive = true }} }}"
            ),
        ),
    ];
    let mut profile = format!("{SHORT}[load]\nrate = \"100/s\"\npublishers = 1\nkeys = 5\n");
    for (name, strategy) in &variants {
        profile += &format!("[[variant]]\nname = \"{name}\"\nset = {{ strategy = {strategy} }}\n");
    }
    place.profile(&profile);
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0);
    for ((name, _), told) in variants.iter().zip(comparison(&ended).1) {
        let told = told.is(RunState::Complete);
        assert_eq!((told.count("lost"), told.count("order_violations")), (0.0, 0.0), "{name}");
    }
    place.wait_until_nobody_is_left();
}
