//! A member whose handler is slow for a while.

use jetlag::model::history::{History, Journal};
use jetlag::model::report::RunState;
use jetlag::model::story::StoryEvent;
use jetlag::model::time::MonoNs;

use crate::place::Place;

/// The shortest handling that was begun and ended in `from` … `to`, in milliseconds, and how many there were.
fn shortest(journal: &Journal, from: MonoNs, to: MonoNs) -> (f64, usize) {
    let ended = journal.handlings.iter().filter_map(|handling| Some((handling.started, handling.finished?.at)));
    let spans: Vec<f64> = ended
        .filter(|&(started, finished)| from < started && finished < to)
        .map(|(started, finished)| finished.since(started).as_ms())
        .collect();
    (spans.iter().copied().fold(f64::INFINITY, f64::min), spans.len())
}

fn lasted(history: &History, fault: u32) -> (MonoNs, MonoNs) {
    let at = |is_it: &dyn Fn(&StoryEvent) -> bool| {
        history.story.iter().find(|line| is_it(&line.event)).expect("it is told").at
    };
    let observed = at(&|event| matches!(event, StoryEvent::Observed { id, .. } if *id == fault));
    (observed, at(&|event| matches!(event, StoryEvent::Healed { id, .. } if *id == fault)))
}

#[test]
fn a_slow_handler_is_slow_for_as_long_as_it_should_and_nobody_else_is() {
    let place = Place::new();
    place.profile(
        r#"
[run]
warm-up = "500ms"
measure = "7s"
drain = "30s"
[stream]
partitions = 4
[load]
rate = "200/s"
keys = 40
[fleet]
members = 2
handler = "fixed"
handler-time = "1ms"
[strategy]
kind = "lease-group"
ttl = "2s"
[[fault]]
kind = "slow"
target = "c0"
by = "20x"
at = "1s"
lasting = "1500ms"
[[fault]]
kind = "slow"
target = "c1"
to = "30ms"
at = "4s"
lasting = "1500ms"
"#,
    );
    let told = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0).report().is(RunState::Complete);
    for metric in ["lost", "order_violations", "overlap", "dual_ownership"] {
        assert_eq!(told.count(metric), 0.0, "{metric}");
    }
    let history = jetlag::evidence::load(&told.folder).expect("the evidence is there");
    let journal =
        |name: &str| history.journals.iter().find(|journal| journal.author.to_string() == name).expect("it wrote one");
    for (fault, struck, other, least_ms) in [(0, "c0.1", "c1.1", 20.0), (1, "c1.1", "c0.1", 30.0)] {
        let (from, to) = lasted(&history, fault);
        let (slow, handlings) = shortest(journal(struck), from, to);
        assert!(handlings > 3 && slow >= least_ms, "{struck}: {handlings} handlings, {slow} ms");
        let (quick, _) = shortest(journal(other), from, to);
        assert!(quick < least_ms, "{other}: {quick} ms");
        let (quick, _) = shortest(journal(struck), to, MonoNs(u64::MAX));
        assert!(quick < least_ms, "{struck} afterwards: {quick} ms");
        let report = &told.report.faults[fault as usize];
        assert_eq!(report.kind, "slow");
        assert!(report.passed_ms.is_some_and(|passed| report.window_end_ms >= passed || report.censored));
        assert!(report.partitions.iter().any(|partition| partition.affected));
    }
}
