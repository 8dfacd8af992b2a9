//! What is selected, and what is said when the evidence is thin or absurd.

use super::explain;
use crate::analysis::planted::killed;
use crate::analysis::study;
use crate::model::explanation::{Deed, Explanation, View};
use crate::model::history::History;
use crate::model::record::{Finish, OwnershipChange};
use crate::model::story::StoryEvent;
use crate::model::time::MonoNs;
use crate::verdict::scenario::{Scenario, ms};

const NEAR: View = View { around_ms: Some(50.0), events_max: Some(20) };

fn explained(history: &History, kind: &str, view: View) -> Explanation {
    let violations = study(history).violations;
    let at = violations.iter().position(|it| it.kind == kind).expect("it was planted") as u32;
    explain(history, &violations, at + 1, view).expect("it is in the list")
}

/// c0 is killed with message 5 in its hands; c1 goes on with 6, and 5 comes back to it long after.
fn stranded() -> Scenario {
    let mut scenario = Scenario::shared(1, 1);
    for (seq, at) in (1..=300).zip((10..).step_by(10)) {
        scenario.stored(0, seq, ms(at));
        match seq {
            ..5 => scenario.handled(0, 0, seq, ms(at + 1)).delivered = 1,
            5 => {
                scenario.handling(0, 0, seq, ms(at + 1), None);
                let again = scenario.handled(1, 0, seq, ms(2_500));
                (again.delivered, again.consumer_seq) = (2, 400);
            }
            _ => scenario.handled(1, 0, seq, ms(at + 1)).delivered = 1,
        }
    }
    let struck = vec!["c0.1".to_owned()];
    scenario.tell(ms(55), StoryEvent::Fault { id: 0, kind: "kill".into(), target: "c0".into(), struck });
    scenario
}

#[test]
fn a_message_in_the_hands_of_the_dead_is_told_from_its_first_delivery_to_its_last() {
    let history = stranded().told(2, ms(9_000), ms(9_100));
    let skipped = explained(&history, "skipped", NEAR);
    let told = skipped.told.join(" ");
    for words in [
        "c1.1 began message 6 while message 5 had not been handled.",
        "c0.1 had begun message 5 10 ms before as its first delivery, and died before it had finished.",
        "c1.1 began message 5 again 2,439 ms later as delivery 2.",
        "c0.1 was killed 4.8 ms after message 5 was stored.",
    ] {
        assert!(told.contains(words), "{words}\n{told}");
    }
    let at_zero: Vec<_> = skipped.events.iter().filter(|event| event.offset_ms == 0.0).collect();
    assert_eq!((at_zero.len(), at_zero[0].what, at_zero[0].key_seq), (1, Deed::Started, Some(6)));
    // The second handling lies far outside of what is looked at, and is shown all the same.
    let last = skipped.events.iter().rfind(|event| event.concerned).expect("it is concerned");
    assert_eq!((last.what, last.key_seq, last.delivered), (Deed::Finished, Some(5), Some(2)));
    assert!(skipped.events.iter().any(|event| event.what == Deed::Fault && event.who == "c0.1"));
    let late = explained(&history, "late", NEAR).told.join(" ");
    assert!(late.contains("The first to pass it was message 6, begun by c1.1"), "{late}");
}

#[test]
fn what_is_left_out_is_counted_where_it_is_left_out() {
    let history = stranded().told(2, ms(9_000), ms(9_100));
    let whole = explained(&history, "skipped", View { around_ms: None, events_max: None });
    let left_out = |it: &Explanation| it.left_out_after + it.events.iter().map(|event| event.left_out).sum::<u64>();
    assert_eq!(left_out(&whole), 0);
    assert!(whole.events.is_sorted_by(|one, other| one.at_ms <= other.at_ms));
    let near = explained(&history, "skipped", NEAR);
    assert!(near.events.len() <= 20);
    assert_eq!(near.events.len() as u64 + left_out(&near), whole.events.len() as u64);
    let none = explained(&history, "skipped", View { around_ms: Some(0.0), events_max: Some(0) });
    assert!(none.events.iter().all(|event| event.concerned), "the most is kept but for what is concerned");
}

#[test]
fn renewals_are_one_line_and_a_deadline_that_passes_is_another() {
    let mut scenario = Scenario::new(1, 1);
    scenario.stored(0, 1, ms(5));
    scenario.own(0, 0, 1, ms(10), OwnershipChange::Granted { deadline: ms(60) });
    for at in [30, 50, 70] {
        scenario.own(0, 0, 1, ms(at), OwnershipChange::Renewed { deadline: ms(at + 50) });
    }
    scenario.own(1, 0, 2, ms(100), OwnershipChange::Granted { deadline: ms(20_000) });
    scenario.handling(1, 0, 1, ms(110), Some(Finish { at: ms(111), ok: true })).epoch = 2;
    let history = scenario.told(2, ms(9_000), ms(9_100));
    let told = explained(&history, "dual_ownership", View { around_ms: None, events_max: None });
    let of = |what: Deed| told.events.iter().filter(move |event| event.what == what);
    assert_eq!(of(Deed::Renewed).count(), 1);
    assert_eq!(of(Deed::Renewed).next().map(|event| event.detail.as_str()), Some("3 times, until +20.0 ms"));
    assert_eq!(
        of(Deed::Expired).map(|event| (event.offset_ms, event.who.as_str())).collect::<Vec<_>>(),
        [(20.0, "c0.1")]
    );
}

#[test]
fn absurd_evidence_is_explained_without_a_panic() {
    let mut history = killed();
    for journal in &mut history.journals {
        if let Some(mut torn) = journal.handlings.first().copied() {
            torn.started = MonoNs(u64::MAX);
            torn.finished = Some(Finish { at: MonoNs(0), ok: true });
            (torn.key, torn.key_seq, torn.partition) = (u32::MAX, u32::MAX, u16::MAX);
            journal.handlings.push(torn);
        }
        journal.publishes.retain(|publish| publish.key_seq % 7 != 3);
    }
    let violations = study(&history).violations;
    assert!(!violations.is_empty());
    for number in 1..=violations.len() as u32 {
        assert!(explain(&history, &violations, number, NEAR).is_some());
    }
    // The list of another run, even: what it names is not there.
    let other = stranded().told(2, ms(9_000), ms(9_100));
    for number in 1..=violations.len() as u32 {
        assert!(explain(&other, &violations, number, NEAR).is_some());
    }
}
