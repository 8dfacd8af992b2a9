//! Any text at all: problems stand where the text is, and what is shown means the same.

use jetlag::profile::{self, builtin};
use proptest::prelude::*;

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
