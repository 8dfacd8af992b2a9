//! Planted runs: what a study must say of them, to the microsecond.

use super::{Findings, study};
use crate::model::effect::EffectRun;
use crate::model::history::History;
use crate::model::record::{Fate, Finish, Life, LifeEvent, OwnershipChange, Reach};
use crate::model::report::{OwnershipEnd, RunState};
use crate::model::story::{StoryEvent, StoryLine};
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::scenario::{Scenario, ms, us};

const MS: u64 = 1_000_000;

fn span(milliseconds: u64) -> Option<SpanNs> {
    Some(SpanNs(milliseconds * MS))
}

fn fault(id: u32, kind: &str, process: &str) -> StoryEvent {
    StoryEvent::Fault { id, kind: kind.to_owned(), target: "planted".to_owned(), struck: vec![process.to_owned()] }
}

/// Two members and two keys, a partition each: member k owns and handles partition k. A message a partition every 10 ms
/// for so many milliseconds, handled 1 ms after it was sent by who `handles` at that time.
fn flowing(until: u64, handles: impl Fn(u64, u16) -> Option<u64>) -> Scenario {
    let mut scenario = Scenario::new(2, 2);
    for member in 0..2 {
        scenario.own(member, member, 1, ms(1), OwnershipChange::Granted { deadline: ms(1_000_000) });
    }
    for (seq, at) in (1..).zip((10..until).step_by(10)) {
        for key in 0..2_u16 {
            scenario.stored(key.into(), seq, ms(at));
            if let Some(started) = handles(at, key) {
                scenario.handled(key, key.into(), seq, us(started));
            }
        }
    }
    scenario
}

#[test]
fn a_quiet_run_is_complete_and_flows_at_its_rate() {
    let history = flowing(1_000, |at, _| Some(at * 1_000 + 1_000)).told(2, ms(1_000), ms(1_100));
    let found = study(&history);
    assert_eq!(found.health.state, RunState::Complete, "{:?}", found.health.reasons);
    assert!(found.health.reasons.is_empty());
    assert_eq!((found.flow.offered, found.flow.stored, found.flow.ordered), (198, 198, 198));
    assert_eq!(found.flow.ordered_per_s, Some(198.0));
    assert_eq!(found.latencies.end_to_end.len(), 198);
    // Finished 1.1 ms after the intended instant.
    assert!(found.latencies.end_to_end.equivalent(found.latencies.end_to_end.max(), 1_100_000));
    assert!(found.latencies.publish.equivalent(found.latencies.publish.max(), 200_000));
    assert_eq!(found.latencies.censored, 0);
    assert_eq!(found.figures.throughput.iter().map(|point| point.ordered).sum::<u64>(), 198);
    assert_eq!(found.figures.latency[0].p50_ms, 1.1);
    assert_eq!(found.figures.backlog.iter().map(|point| point.messages).max(), Some(0));
}

#[test]
fn a_stall_of_known_length_is_that_long() {
    // Partition 1 stands still from 500 ms to 800 ms: what was sent at 500 … 790 is handled from 800 ms on.
    let stall = |at: u64, key: u16| {
        Some(match at {
            500..800 if key == 1 => 800_000 + (at - 500) * 20,
            800 if key == 1 => 807_000,
            _ => at * 1_000 + 1_000,
        })
    };
    let found = study(&flowing(1_000, stall).told(2, ms(1_000), ms(1_100)));
    assert_eq!(found.health.state, RunState::Complete, "{:?}", found.health.reasons);
    let longest = &found.figures.silences[0];
    // Silent from the confirmation of the first that waited (500.2 ms) to the start of the first handled.
    assert_eq!((longest.partition, longest.from_ms, longest.to_ms), (1, 500.2, 800.0));
    assert!(found.figures.silences.iter().skip(1).all(|silence| silence.to_ms - silence.from_ms < 7.0));
}

#[test]
fn an_outage_counts_from_when_messages_were_to_be_sent_and_a_gap_does_not() {
    // The server dies at 500 ms and is well again at 800 ms; what was to be sent meanwhile is stored and handled then.
    let mut scenario =
        flowing(1_000, |at, _| Some(if (500..=800).contains(&at) { 810_000 } else { at * 1_000 + 1_000 }));
    for publish in &mut scenario.history.journals[0].publishes {
        if (ms(500)..ms(800)).contains(&publish.intended)
            && let Fate::Stored { at, .. } = &mut publish.fate
        {
            *at = ms(809);
        }
    }
    scenario.tell(ms(500), fault(0, "server-kill", "server-0"));
    scenario.tell(ms(800), StoryEvent::Ready { process: "server-0".to_owned() });
    let found = study(&scenario.told(2, ms(1_000), ms(1_100)));
    let [fault] = found.faults.as_slice() else { panic!("{:?}", found.faults) };
    assert!(fault.window_end >= ms(810), "the window lasts until the server is back and what waited for it flows");
    for partition in &fault.partitions {
        assert!(partition.affected);
        // The last of them was stored as ever, 200 µs after it was sent, and handled with the rest.
        assert_eq!((partition.gap, partition.outage), (Some(SpanNs(9_800_000)), span(310)));
    }
    // A crash of a member has no outage: its messages can be stored.
    assert!(study(&killed()).faults.iter().flat_map(|fault| &fault.partitions).all(|found| found.outage.is_none()));
}

/// Member 0 is killed at 500 ms; member 1 sees it at 700 ms, claims at 720 ms, receives at 739.99 ms, starts at 740 ms.
pub(crate) fn killed() -> History {
    let handles = |at: u64, key: u16| match key {
        0 if at >= 500 => None,
        _ => Some(at * 1_000 + 1_000),
    };
    let mut scenario = flowing(1_500, handles);
    scenario.own(1, 0, 1, ms(700), OwnershipChange::GoneObserved);
    scenario.own(1, 0, 2, ms(720), OwnershipChange::Granted { deadline: ms(1_000_000) });
    scenario.handled(1, 0, 49, us(740_000)).epoch = 2;
    for (seq, at) in (50..).zip((500..1_500).step_by(10)) {
        let started = us((at * 1_000 + 2_000).max(740_000 + u64::from(seq - 49) * 200));
        scenario.handled(1, 0, seq, started).epoch = 2;
    }
    scenario.tell(ms(500), fault(0, "kill", "c0.1"));
    scenario.tell(
        ms(502),
        StoryEvent::Exited { process: "c0.1".into(), code: None, signal: Some(9), ordered: true, message: None },
    );
    scenario.live(1, ms(1_550), LifeEvent::Stopping);
    scenario.own(1, 0, 2, ms(1_551), OwnershipChange::Released);
    scenario.told(2, ms(1_500), ms(1_600))
}

#[test]
fn a_kill_shows_its_gap_its_phases_and_its_bystanders() {
    let found = study(&killed());
    assert_eq!(found.health.state, RunState::Complete, "{:?}", found.health.reasons);
    assert_eq!(found.order.redelivered, 1, "message 49 had been handled and was not committed");
    let fault = &found.faults[0];
    let (struck, bystander) = (&fault.partitions[0], &fault.partitions[1]);
    assert!(struck.affected && !bystander.affected);
    // Message 50, stored at 500.2 ms, waits until 740.2 ms: the replay before it is no relief.
    assert_eq!(struck.gap, span(240));
    assert_eq!(bystander.gap, Some(SpanNs(800_000)), "every message waits from 0.2 to 1 ms");
    assert_eq!(struck.gap_before, Some(SpanNs(800_000)));
    let phases = struck.phases.expect("it is affected");
    assert_eq!((phases.detect, phases.claim), (span(200), span(20)));
    assert_eq!(phases.resume, Some(SpanNs(19_990_000)));
    assert_eq!(phases.first_handled, Some(SpanNs(210_000)));
    assert_eq!(bystander.phases, None);
    // One member is left, with both partitions.
    assert_eq!(fault.converged, span(220));
    assert_eq!((fault.moved, fault.moved_least), (Some(1), Some(1)));
    assert_eq!(fault.takeover_redelivered, 1);
    assert_eq!(fault.stranded_messages, 0);
    assert!(!fault.censored);
    let catch_up = fault.catch_up.expect("it caught up");
    assert!(catch_up > SpanNs(240 * MS) && catch_up < SpanNs(300 * MS), "{catch_up}");
    let ends: Vec<OwnershipEnd> = found.figures.ownership.iter().map(|span| span.end).collect();
    assert_eq!(ends, [OwnershipEnd::Died, OwnershipEnd::Released, OwnershipEnd::Open]);
    assert_eq!(found.figures.silences[0].fault, Some(0));
}

#[test]
fn what_was_in_flight_is_stranded_until_it_is_handled() {
    let mut scenario = Scenario::shared(2, 2);
    for (seq, at) in (1..).zip((10..1_000).step_by(10)) {
        scenario.stored(0, seq, ms(at));
        // Message 49 (490 ms) is in the hands of the member that is killed; it comes back after an ack wait.
        let started = if seq == 49 { ms(900) } else { ms(at + 1) };
        scenario.handled(u16::from(seq >= 49), 0, seq, started);
    }
    scenario.tell(ms(495), fault(0, "kill", "c0.1"));
    let found = study(&scenario.told(2, ms(1_000), ms(1_100)));
    let fault = &found.faults[0];
    assert_eq!(fault.stranded_messages, 1);
    assert_eq!(fault.stranded, Some(SpanNs(405_100_000)));
    assert_eq!((fault.converged, fault.moved), (None, None));
    assert!(fault.partitions.iter().all(|partition| partition.affected && partition.phases.is_none()));
    assert_eq!(fault.partitions[1].gap, None, "nothing was there to wait: unobserved, not 0");
    // Order was not promised, so the skip and the late one are told and violate nothing.
    assert_eq!((found.order.skipped, found.order.late), (1, 1));
    assert_eq!(found.health.state, RunState::Complete);
    assert!(found.violations.iter().all(|violation| !violation.promised && violation.kind != "lost"));
    assert_eq!(found.violations[0].fault, Some(0));
}

#[test]
fn a_message_in_a_paused_handler_waits_behind_no_one_and_the_rest_do() {
    let mut scenario = Scenario::new(1, 1);
    scenario.own(0, 0, 1, ms(1), OwnershipChange::Granted { deadline: ms(1_000_000) });
    for seq in 1..=3 {
        scenario.stored(0, seq, ms(100));
    }
    scenario.handling(0, 0, 1, ms(110), Some(Finish { at: ms(400), ok: true }));
    scenario.handled(0, 0, 2, ms(400));
    scenario.handled(0, 0, 3, us(400_100));
    scenario.tell(ms(150), fault(0, "pause", "c0.1"));
    scenario.tell(ms(350), StoryEvent::Resumed { id: 0, process: "c0.1".into() });
    let found = study(&scenario.told(1, ms(500), ms(600)));
    let longest = &found.figures.silences[0];
    assert_eq!((longest.from_ms, longest.to_ms), (150.0, 350.0), "a long handler is no silence, a paused one is");
    assert_eq!(found.faults[0].partitions[0].gap, span(200));
}

#[test]
fn the_window_is_cut_at_the_next_fault() {
    let mut history = killed();
    let at = history.story.iter().position(|line| line.at > ms(600)).expect("the drain is later");
    let line = crate::model::story::StoryLine { at: ms(600), event: fault(1, "restart", "c0.2") };
    history.story.insert(at, line);
    let found = study(&history);
    assert_eq!(found.faults.len(), 2);
    assert!(found.faults[0].censored);
    assert_eq!(found.faults[0].window_end, ms(600));
    assert_eq!(found.faults[0].partitions[0].gap, Some(SpanNs(99_800_000)));
    assert_eq!(found.faults[1].before_from, ms(600), "what the first fault did is no noise to compare with");
    assert_eq!(found.faults[1].partitions[1].gap_before, None);
}

/// One member that needs 20 ms for a message of which one comes every 10 ms, and a drain that is cut at 1.2 s.
fn too_slow() -> Scenario {
    let mut scenario = Scenario::new(1, 1);
    scenario.own(0, 0, 1, ms(1), OwnershipChange::Granted { deadline: ms(1_000_000) });
    for (seq, at) in (1..=99).zip((10..1_000).step_by(10)) {
        scenario.stored(0, seq, ms(at));
    }
    for (seq, at) in (1..).zip((11..1_200).step_by(20)) {
        let finish = Finish { at: ms(at + 20), ok: true };
        scenario.handling(0, 0, seq, ms(at), Some(finish)).epoch = 1;
    }
    scenario.tell(ms(1_200), StoryEvent::DrainCut { waiting: 39 });
    scenario
}

#[test]
fn a_fleet_that_is_merely_too_slow_lost_nothing() {
    let found = study(&too_slow().told(1, ms(1_000), ms(1_300)));
    assert_eq!((found.unhandled, found.lost), (39, 0));
    assert!(found.violations.is_empty(), "{:?}", found.violations);
    assert_eq!(found.health.state, RunState::Invalid);
    let remedy = "the drain was too short: 39 stored messages still waited when it ended; give `run.drain` more time, or offer less";
    assert_eq!(found.health.reasons, [remedy]);
}

#[test]
fn what_is_passed_over_is_lost_even_when_the_drain_was_cut() {
    let mut scenario = too_slow();
    scenario.member(0).handlings.remove(29);
    let found = study(&scenario.told(1, ms(1_000), ms(1_300)));
    assert_eq!((found.unhandled, found.lost), (40, 1));
    assert_eq!(found.health.state, RunState::Violated);
    assert!(found.health.reasons[0].contains("1 stored message lost"), "{:?}", found.health.reasons);
    assert!(found.health.reasons.iter().any(|reason| reason.contains("39 stored messages still waited")));
    let lost: Vec<_> = found.violations.iter().filter(|told| told.kind == "lost").collect();
    assert_eq!((lost.len(), lost[0].key_seq), (1, Some(30)));
}

#[test]
fn a_new_owner_may_still_come_to_what_the_old_one_passed_over_unless_it_is_committed() {
    let mut scenario = too_slow();
    scenario.member(0).handlings.remove(29);
    scenario.own(1, 0, 2, ms(1_195), OwnershipChange::Granted { deadline: ms(1_000_000) });
    assert_eq!(study(&scenario.told(1, ms(1_000), ms(1_300))).lost, 0, "it begins at the checkpoint, which is before");

    let mut scenario = too_slow();
    scenario.member(0).handlings.remove(29);
    scenario.own(1, 0, 2, ms(1_195), OwnershipChange::Granted { deadline: ms(1_000_000) });
    scenario.commit(0, 0, 40, Reach::UpTo, ms(900));
    assert_eq!(study(&scenario.told(1, ms(1_000), ms(1_300))).lost, 1, "nobody goes back behind a checkpoint");
}

#[test]
fn a_fleet_at_rest_loses_what_it_leaves_however_the_drain_ended() {
    let mut scenario = too_slow();
    scenario.history.story.clear();
    scenario.tell(ms(9_000), StoryEvent::DrainCut { waiting: 39 });
    let found = study(&scenario.told(1, ms(1_000), ms(9_100)));
    assert_eq!((found.unhandled, found.lost), (39, 39));
    assert_eq!(found.health.state, RunState::Violated);
    assert_eq!(found.health.reasons, ["promised at least once: 39 stored messages lost"]);
}

#[test]
fn a_fleet_that_was_refused_a_right_in_mid_run_lost_nothing_and_measured_nothing() {
    let refused = |process: &str, at: u64| {
        let mut scenario = too_slow();
        scenario.history.story.clear();
        let reason = "Permissions Violation".to_owned();
        scenario.tell(ms(at), StoryEvent::Refused { process: process.to_owned(), reason });
        scenario.tell(ms(9_000), StoryEvent::DrainCut { waiting: 39 });
        study(&scenario.told(1, ms(1_000), ms(9_100)))
    };
    let of_a_member = refused("c0.1", 1_100);
    assert_eq!((of_a_member.unhandled, of_a_member.lost), (39, 0));
    assert_eq!(of_a_member.health.state, RunState::Invalid);
    let told =
        "the server refused c0.1 a right in mid-run: Permissions Violation; give the user that right and measure again";
    assert_eq!(of_a_member.health.reasons, [told, "39 stored messages still waited when the drain ended"]);
    // Whoever publishes keeps nobody from handling.
    let of_a_publisher = refused("p0.1", 1_100);
    assert_eq!((of_a_publisher.lost, of_a_publisher.health.state), (39, RunState::Violated));
    assert_eq!(of_a_publisher.health.reasons.len(), 2, "{:?}", of_a_publisher.health.reasons);
}

#[test]
fn a_right_that_is_refused_before_the_load_begins_is_told_and_decides_nothing() {
    let refused = |at: usize| {
        let mut history = flowing(1_000, |at, _| Some(at * 1_000 + 1_000)).told(2, ms(1_000), ms(1_100));
        let event = StoryEvent::Refused { process: "c0.1".to_owned(), reason: "Permissions Violation".to_owned() };
        history.story.insert(at, StoryLine { at: ms(0), event });
        study(&history).health
    };
    let early = refused(1);
    assert_eq!(early.state, RunState::Complete, "{:?}", early.reasons);
    assert!(early.notes.iter().any(|note| note.contains("c0.1: the server refused it something")), "{:?}", early.notes);
    assert_eq!(refused(4).state, RunState::Invalid);
}

/// A quiet run, changed; its state and reasons.
fn state(change: impl FnOnce(&mut History)) -> (RunState, Vec<String>) {
    let mut history = flowing(1_000, |at, _| Some(at * 1_000 + 1_000)).told(2, ms(1_000), ms(1_100));
    change(&mut history);
    let found = study(&history);
    (found.health.state, found.health.reasons)
}

fn tell(history: &mut History, at: MonoNs, event: StoryEvent) {
    let place = history.story.iter().position(|line| line.at > at).unwrap_or(history.story.len());
    history.story.insert(place, crate::model::story::StoryLine { at, event });
}

#[test]
fn states_have_their_precedence() {
    let lose = |history: &mut History| {
        history.journals[1].handlings.pop();
    };
    let interrupt = |history: &mut History| tell(history, ms(900), StoryEvent::Interrupted);
    let die = |history: &mut History| {
        let dead =
            StoryEvent::Exited { process: "p0.1".into(), code: Some(101), signal: None, ordered: false, message: None };
        tell(history, ms(900), dead);
    };
    let damage = |history: &mut History| history.damage.push("a segment is torn".to_owned());

    assert_eq!(state(|_| {}).0, RunState::Complete);
    assert_eq!(state(interrupt).0, RunState::Interrupted);
    assert_eq!(
        state(|h| {
            interrupt(h);
            die(h)
        })
        .0,
        RunState::Invalid
    );
    assert_eq!(state(lose).0, RunState::Violated);
    assert_eq!(
        state(|h| {
            lose(h);
            die(h)
        })
        .0,
        RunState::Violated
    );
    assert_eq!(
        state(|h| {
            lose(h);
            damage(h)
        })
        .0,
        RunState::Invalid
    );
    // An interrupted run cannot judge loss.
    assert_eq!(
        state(|h| {
            lose(h);
            interrupt(h)
        })
        .0,
        RunState::Interrupted
    );
    // The driver died.
    let (state, reasons) = state(|h| {
        h.story.pop();
    });
    assert_eq!(state, RunState::Invalid);
    assert!(reasons[0].contains("driver died"), "{reasons:?}");
}

#[test]
fn a_server_that_dies_is_a_finding_and_not_an_invalid_run() {
    let dead =
        StoryEvent::Exited { process: "server-0".into(), code: None, signal: Some(11), ordered: false, message: None };
    assert_eq!(state(|h| tell(h, ms(500), dead)).0, RunState::Complete);
}

#[test]
fn a_run_that_a_dead_server_broke_off_is_no_whole_one_and_its_loss_is_not_judged() {
    let dead =
        StoryEvent::Exited { process: "server-0".into(), code: None, signal: Some(9), ordered: false, message: None };
    let (state, reasons) = state(|h| {
        h.journals.iter_mut().for_each(|journal| journal.handlings.truncate(500));
        tell(h, ms(500), dead);
        tell(h, ms(501), StoryEvent::BrokenOff);
    });
    assert_eq!(state, RunState::Invalid);
    assert_eq!(reasons, ["the run was broken off: server-0 died unasked by signal 9"]);
}

#[test]
fn a_run_that_was_ended_at_a_broken_promise_is_violated_only_when_the_evidence_has_one() {
    let stopped = || StoryEvent::StoppedAtViolation { kind: "phantom".to_owned(), text: "seen".to_owned() };
    let (for_nothing, reasons) = state(|h| {
        h.journals.iter_mut().for_each(|journal| journal.handlings.truncate(50));
        tell(h, ms(500), stopped());
    });
    assert_eq!(for_nothing, RunState::Invalid);
    assert!(matches!(reasons.as_slice(), [reason] if reason.contains("does not confirm")), "{reasons:?}");
    let (violated, reasons) = state(|h| {
        let member = h.journals.iter_mut().find(|journal| !journal.handlings.is_empty()).expect("a member");
        member.handlings[10].intact = false;
        h.journals.iter_mut().for_each(|journal| journal.handlings.truncate(50));
        tell(h, ms(500), stopped());
    });
    assert_eq!(violated, RunState::Violated);
    assert!(reasons.iter().all(|reason| !reason.contains("confirm") && !reason.contains("lost")), "{reasons:?}");
}

#[test]
fn a_starved_generator_makes_the_run_invalid() {
    let (state, reasons) = state(|h| {
        for publish in &mut h.journals[0].publishes {
            publish.intended = publish.intended - SpanNs(6 * MS);
            publish.possible = publish.intended;
        }
    });
    assert_eq!(state, RunState::Invalid);
    assert!(reasons[0].contains("schedule lag"), "{reasons:?}");
}

#[test]
fn time_in_a_full_window_is_blocked_and_not_lag() {
    let mut scenario = Scenario::new(1, 1);
    scenario.stored(0, 1, ms(100));
    let publish = &mut scenario.history.journals[0].publishes[0];
    publish.intended = ms(60);
    publish.possible = ms(99);
    scenario.handled(0, 0, 1, ms(101));
    let found: Findings = study(&scenario.told(1, ms(500), ms(600)));
    assert!(found.latencies.schedule_lag.equivalent(found.latencies.schedule_lag.max(), MS));
    assert!(found.latencies.blocked.equivalent(found.latencies.blocked.max(), 39 * MS));
}

#[test]
fn absurd_instants_neither_panic_nor_grow_the_report() {
    let mut history = killed();
    history.story.push(crate::model::story::StoryLine { at: MonoNs(u64::MAX), event: StoryEvent::End });
    let journal = &mut history.journals[1];
    let mut torn = journal.handlings[0];
    torn.started = MonoNs(u64::MAX);
    torn.received = MonoNs(0);
    torn.partition = 999;
    torn.finished = Some(Finish { at: MonoNs(1), ok: true });
    journal.handlings.push(torn);
    let mut publish = history.journals[0].publishes[0];
    publish.key_seq = u32::MAX;
    publish.partition = 65_535;
    publish.intended = MonoNs(u64::MAX);
    history.journals[0].publishes.push(publish);
    let found = study(&history);
    assert_eq!(found.health.state, RunState::Invalid);
}

#[test]
fn a_run_without_any_evidence_is_invalid_and_still_studied() {
    let mut history = Scenario::new(4, 4).history;
    history.journals.clear();
    let found = study(&history);
    assert_eq!(found.health.state, RunState::Invalid);
    assert_eq!(found.flow.ordered_per_s, None);
}

/// The connection of member 0 stalls from 500 ms to 800 ms: what is stored meanwhile is handled from then on.
fn cut(healed: bool) -> History {
    let stall = |at: u64, key: u16| {
        Some(match at {
            500..800 if key == 0 => 800_000 + (at - 500) * 20,
            800 if key == 0 => 807_000,
            _ => at * 1_000 + 1_000,
        })
    };
    let mut scenario = flowing(3_000, stall);
    scenario.tell(ms(500), fault(0, "cut", "c0.1"));
    let process = || "c0.1".to_owned();
    scenario.tell(ms(501), StoryEvent::Delivered { id: 0, process: process() });
    scenario.tell(ms(503), StoryEvent::Observed { id: 0, process: process(), what: "bytes were held".to_owned() });
    if healed {
        scenario.tell(ms(1_900), StoryEvent::Healed { id: 0, process: process() });
    }
    scenario.told(2, ms(3_000), ms(3_100))
}

#[test]
fn the_window_of_a_cut_does_not_end_before_it_is_healed_and_its_instants_are_told() {
    let mut history = cut(true);
    history.manifest.relayed = vec!["c0".to_owned()];
    let found = study(&history);
    assert_eq!(found.health.state, RunState::Complete, "{:?}", found.health.reasons);
    let fault = &found.faults[0];
    assert_eq!(fault.instants.delivered, Some(ms(501)));
    assert_eq!(fault.instants.observed, Some(ms(503)));
    assert_eq!(fault.instants.passed, Some(ms(1_900)));
    assert!(!fault.censored);
    assert!(fault.window_end >= ms(1_900) && fault.window_end < ms(1_920), "{:?}", fault.window_end);
    // Stored at 500.2 ms, handled at 800 ms.
    assert_eq!(fault.partitions[0].gap, Some(SpanNs(299_800_000)));
    assert!(fault.partitions[0].affected && !fault.partitions[1].affected);
    assert_eq!(fault.moved, Some(0), "nobody took anything over");
    assert!(found.health.notes.iter().any(|note| note.contains("connections of c0 ran through jetlag's relay")));
    assert!(!found.health.notes.iter().any(|note| note.contains("it shows nothing")));
}

#[test]
fn a_cut_that_was_not_healed_goes_on_to_the_end() {
    let found = study(&cut(false));
    let fault = &found.faults[0];
    assert!(fault.censored);
    assert_eq!((fault.instants.passed, fault.catch_up), (None, None));
}

#[test]
fn a_cut_that_nothing_met_is_told() {
    let mut history = cut(true);
    history.story.retain(|line| !matches!(line.event, StoryEvent::Observed { .. }));
    let found = study(&history);
    assert!(
        found.health.notes.iter().any(|note| note.contains("nothing of c0.1 met fault 0")),
        "{:?}",
        found.health.notes
    );
    assert_eq!(found.faults[0].instants.observed, None);
}

/// Partition 0 goes from epoch 1 to epoch 2; then the sink holds what `late` says of epoch 1.
fn with_a_sink(fenced: bool, late: Option<u64>) -> Findings {
    let mut history = flowing(200, |at, _| Some(at * 1_000 + 1_000)).told(2, ms(1_000), ms(1_100));
    history.manifest.promises.fenced = fenced;
    for handling in history.journals.iter_mut().flat_map(|journal| &mut journal.handlings) {
        handling.epoch = 1;
    }
    let run = |epoch, effects, first, from| EffectRun {
        partition: 0,
        epoch,
        effects,
        first,
        last: first + effects - 1,
        from,
        to: from + effects - 1,
    };
    let late = late.map(|effects| run(1, effects, 8, 3));
    let runs: Vec<_> = [run(1, 2, 2, 1), run(2, 3, 5, 1)].into_iter().chain(late).collect();
    let effects = runs.iter().map(|run| run.effects).sum();
    for event in [StoryEvent::Effects { runs }, StoryEvent::EffectsRead { effects }] {
        let end = history.story.len() - 1;
        history.story.insert(end, StoryLine { at: ms(1_050), event });
    }
    history.journals[1].life.push(Life { at: ms(190), event: LifeEvent::EffectRefused });
    study(&history)
}

#[test]
fn a_superseded_effect_breaks_the_promise_of_a_fence_and_is_counted_without_one() {
    let fenced = with_a_sink(true, Some(2));
    assert_eq!(fenced.health.state, RunState::Violated);
    assert!(fenced.health.reasons[0].contains("2 effects"), "{:?}", fenced.health.reasons);
    let plain = with_a_sink(false, Some(2));
    assert_eq!(plain.health.state, RunState::Complete, "{:?}", plain.health.reasons);
    for (found, promised) in [(fenced, true), (plain, false)] {
        let effects = found.exclusion.effects.expect("they were read");
        assert_eq!((effects.stored, effects.refused, effects.stale), (7, 1, 2));
        let [told] = found.violations.as_slice() else { panic!("{:#?}", found.violations) };
        assert_eq!(
            (told.kind.as_str(), told.promised, told.epochs.as_slice()),
            ("stale_effect", promised, &[1, 2][..])
        );
        assert_eq!((told.stream_seq, told.members.as_slice()), (Some(3), &["c0.1".to_owned()][..]));
    }
}

/// The new epoch repeats what the old one had stored: a near miss.
#[test]
fn effects_that_a_successor_repeats_are_no_violation() {
    let found = with_a_sink(true, None);
    assert_eq!(found.health.state, RunState::Complete, "{:?}", found.health.reasons);
    assert_eq!(found.violations, []);
    assert_eq!(found.exclusion.effects.map(|effects| effects.stored), Some(5));
}
