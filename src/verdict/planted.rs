//! Planted hazards: each must be reported exactly, and its near miss not at all.

use super::scenario::{Scenario, ms, us};
use super::{Ledger, Verdict, judge};
use crate::model::gone::Gone;
use crate::model::manifest::Confirmation;
use crate::model::record::{Fate, Finish, OwnershipChange, Reach, Term};
use crate::model::story::{StoryEvent, StoryLine};
use crate::model::time::MonoNs;

/// `count` messages of key 0, stored a millisecond apart.
fn stream(count: u32) -> Scenario {
    let mut scenario = Scenario::new(1, 1);
    for seq in 1..=count {
        scenario.stored(0, seq, ms(seq.into()));
    }
    scenario
}

/// Handles these messages of key 0 by member 0, a millisecond apart from 100 ms on.
fn handle(scenario: &mut Scenario, seqs: &[u32]) {
    for (at, &seq) in (100..).zip(seqs) {
        scenario.handled(0, 0, seq, ms(at));
    }
}

/// The ledger when these messages of key 0 are handled in this order.
fn ledger(stored: u32, handled: &[u32]) -> Ledger {
    let mut scenario = stream(stored);
    handle(&mut scenario, handled);
    judge(&scenario.history)
}

/// (in order, skipped, late, redelivered, regressed, lost)
fn counts(ledger: &Ledger) -> (u64, u64, u64, u64, u64, u64) {
    let order = ledger.order;
    (order.in_order, order.skipped, order.late, order.redelivered, order.regressed, ledger.lost)
}

#[test]
fn a_clean_run_has_nothing_to_tell() {
    let ledger = ledger(5, &[1, 2, 3, 4, 5]);
    assert_eq!(counts(&ledger), (5, 0, 0, 0, 0, 0));
    assert_eq!(ledger.publisher.stored, 5);
    assert_eq!(ledger.partition_order.violations(), 0);
    assert_eq!((ledger.phantom, ledger.aborted, ledger.misplaced), (0, 0, 0));
}

#[test]
fn a_skip_is_one_hole_of_its_size_and_a_loss() {
    let ledger = ledger(6, &[1, 4, 5, 6]);
    assert_eq!(counts(&ledger), (3, 1, 0, 0, 0, 2));
    assert_eq!((ledger.order.hole_messages, ledger.order.distance_max), (2, 2));
}

/// The ledger when of six messages 1, 2, 5 and 6 were handled, and the stream then began at `below`.
fn after_eviction(below: u64, acknowledged: &[u64]) -> Ledger {
    let mut scenario = stream(6);
    handle(&mut scenario, &[1, 2, 5, 6]);
    for &stream_seq in acknowledged {
        scenario.commit(0, 0, stream_seq, Reach::Exact, ms(50));
    }
    scenario.tell(ms(500), StoryEvent::Gone { gone: Gone::new(below, Vec::new()) });
    judge(&scenario.history)
}

#[test]
fn what_the_streams_limits_took_is_neither_lost_nor_a_hole() {
    let evicted = after_eviction(5, &[]);
    assert_eq!(counts(&evicted), (4, 0, 0, 0, 0, 0));
    assert_eq!((evicted.evicted, evicted.unhandled, evicted.publisher.stored), (Some(2), 0, 6));
    assert_eq!(evicted.partition_order.violations(), 0);
    let half = after_eviction(4, &[]);
    assert_eq!(counts(&half), (3, 1, 0, 0, 0, 1), "message 4 is still there");
    assert_eq!(half.evicted, Some(1));
    let all_handled = after_eviction(3, &[]);
    assert_eq!((all_handled.evicted, all_handled.lost), (Some(0), 2), "who was handled before was not evicted");
}

#[test]
fn what_was_acknowledged_unhandled_was_not_taken_by_the_limits() {
    let ledger = after_eviction(5, &[3]);
    assert_eq!((ledger.evicted, ledger.lost, ledger.order.skipped), (Some(1), 1, 1));
}

/// The ledger when of six messages some were handled, and the stream then held some, read up to `through` of six.
fn after_reading(handled: &[u32], held: &[u32], through: u64) -> Ledger {
    let mut scenario = stream(6);
    handle(&mut scenario, handled);
    let held: Vec<_> = held.iter().map(|&seq| (u64::from(seq), 0, seq)).collect();
    scenario.read_back(&held, (through, 6), ms(500));
    judge(&scenario.history)
}

#[test]
fn what_the_server_lost_is_charged_to_the_server_and_is_no_hole() {
    let whole = after_reading(&[1, 2, 3, 4, 5, 6], &[1, 2, 3, 4, 5, 6], 6);
    assert_eq!((whole.lost_by_server, whole.perished, counts(&whole)), (Some(0), 0, (6, 0, 0, 0, 0, 0)));
    let lost = after_reading(&[1, 2, 5, 6], &[1, 2, 5, 6], 6);
    assert_eq!((lost.lost_by_server, lost.perished), (Some(2), 2));
    assert_eq!((counts(&lost), lost.unhandled, lost.publisher.stored), ((4, 0, 0, 0, 0, 0), 0, 6));
    assert_eq!(lost.partition_order.violations(), 0);
    // It was handled before it was lost: it keeps its place.
    let handled = after_reading(&[1, 2, 3, 4, 5, 6], &[1, 2, 5, 6], 6);
    assert_eq!((handled.lost_by_server, handled.perished, counts(&handled)), (Some(2), 0, (6, 0, 0, 0, 0, 0)));
    // Near miss: it is there, and the strategy never handled it.
    let lost = after_reading(&[1, 2, 5, 6], &[1, 2, 3, 4, 5, 6], 6);
    assert_eq!((lost.lost_by_server, counts(&lost)), (Some(0), (3, 1, 0, 0, 0, 2)));
}

#[test]
fn what_was_not_read_is_not_missing() {
    // Read up to message 3: that 3 is gone is known, of 4 nobody knows.
    let half = after_reading(&[1, 2, 5, 6], &[1, 2], 3);
    assert_eq!((half.lost_by_server, counts(&half)), (Some(1), (3, 1, 0, 0, 0, 1)));
    // What evidence lost is not lost by the server, and what limits may have taken neither.
    let mut scenario = stream(3);
    scenario.read_back(&[(1, 0, 1)], (3, 3), ms(500));
    let mut cut = scenario.history.clone();
    cut.stored.clear();
    assert_eq!(judge(&cut).lost_by_server, None);
    scenario.tell(ms(500), StoryEvent::Gone { gone: Gone::new(1, Vec::new()) });
    assert_eq!(judge(&scenario.history).lost_by_server, None);
}

#[test]
fn the_stream_says_whether_a_publish_without_an_answer_is_stored() {
    let unknown = |held: &[(u64, u32, u32)], through| {
        let mut scenario = stream(1);
        scenario.publish(0, 2, ms(2), Fate::Unknown);
        scenario.publish(0, 3, ms(3), Fate::Unknown);
        handle(&mut scenario, &[1]);
        scenario.read_back(held, (through, 5), ms(500));
        let ledger = judge(&scenario.history);
        let counts = ledger.publisher;
        ((counts.surfaced, counts.unknown, counts.failed), (ledger.unhandled, ledger.lost))
    };
    // Found only now, so that nobody waited for it: not handled, and not charged to the strategy.
    assert_eq!(unknown(&[(1, 0, 1), (4, 0, 3)], 5), ((1, 0, 1), (1, 0)));
    assert_eq!(unknown(&[(1, 0, 1)], 5), ((0, 0, 2), (0, 0)));
    assert_eq!(unknown(&[(1, 0, 1)], 2), ((0, 2, 0), (0, 0)), "it may stand behind what was read");
}

#[test]
fn what_was_found_and_passed_over_is_lost() {
    let mut scenario = stream(1);
    scenario.publish(0, 2, ms(2), Fate::Unknown);
    scenario.publish(0, 3, ms(3), Fate::Stored { at: ms(4), stream_seq: 3, duplicate: false });
    handle(&mut scenario, &[1, 3]);
    scenario.read_back(&[(1, 0, 1), (2, 0, 2), (3, 0, 3)], (3, 3), ms(500));
    let ledger = judge(&scenario.history);
    assert_eq!((counts(&ledger), ledger.publisher.surfaced), ((1, 1, 0, 0, 0, 1), 1));
    // Near miss: it is not there, and 3 comes right behind 1.
    let mut scenario = stream(1);
    scenario.publish(0, 2, ms(2), Fate::Unknown);
    scenario.publish(0, 3, ms(3), Fate::Stored { at: ms(4), stream_seq: 2, duplicate: false });
    handle(&mut scenario, &[1, 3]);
    scenario.read_back(&[(1, 0, 1), (2, 0, 3)], (2, 2), ms(500));
    let ledger = judge(&scenario.history);
    assert_eq!((counts(&ledger), ledger.publisher.failed), ((2, 0, 0, 0, 0, 0), 1));
}

#[test]
fn copies_and_their_order_are_as_the_stream_has_them() {
    // Message 2 was sent again: the first copy, which nobody was told of, stands before message 3, the second behind it.
    let mut scenario = stream(1);
    scenario.publish(0, 2, ms(2), Fate::Stored { at: ms(9), stream_seq: 4, duplicate: false });
    scenario.publish(0, 3, ms(3), Fate::Stored { at: ms(5), stream_seq: 3, duplicate: false });
    let acknowledged = judge(&scenario.history);
    assert_eq!((acknowledged.publisher.publish_reordered, acknowledged.copies.len()), (1, 0));
    scenario.read_back(&[(1, 0, 1), (2, 0, 2), (3, 0, 3), (4, 0, 2)], (4, 4), ms(500));
    let ledger = judge(&scenario.history);
    assert_eq!((ledger.publisher.publish_reordered, ledger.copies.clone()), (0, vec![(1, 4)]));
    // The acknowledged copy of a message is gone, another is there: it is where that is.
    let mut scenario = stream(2);
    scenario.read_back(&[(1, 0, 2), (3, 0, 1)], (3, 3), ms(500));
    let ledger = judge(&scenario.history);
    assert_eq!((ledger.publisher.publish_reordered, ledger.lost_by_server), (1, Some(0)));
    assert_eq!(ledger.messages.iter().map(|message| message.stream_seq).collect::<Vec<_>>(), [3, 1]);
}

#[test]
fn a_server_that_forgot_the_end_of_its_stream_gives_its_sequences_again() {
    // Messages 2 and 3 were stored at 2 and 3 and handled; then the server forgot them, and 4 and 5 came to stand there.
    let mut scenario = stream(3);
    for (seq, place) in [(4, 2), (5, 3)] {
        scenario.publish(0, seq, ms(200), Fate::Stored { at: ms(201), stream_seq: place, duplicate: false });
    }
    handle(&mut scenario, &[1, 2, 3]);
    for (at, seq) in [(300, 4), (301, 5)] {
        scenario.handled(0, 0, seq, ms(at));
    }
    scenario.read_back(&[(1, 0, 1), (2, 0, 4), (3, 0, 5)], (3, 3), ms(500));
    let ledger = judge(&scenario.history);
    assert_eq!((counts(&ledger), ledger.lost_by_server, ledger.perished), ((5, 0, 0, 0, 0, 0), Some(2), 0));
    assert_eq!((ledger.publisher.publish_reordered, ledger.partition_order.violations()), (0, 0));
}

#[test]
fn messages_of_others_in_the_stream_are_nobodys() {
    let mut scenario = stream(2);
    handle(&mut scenario, &[1, 2]);
    scenario.read_back(&[(1, 0, 1), (2, 0, 2), (3, 0, 0), (4, 7, 1), (5, 0, 9)], (5, 5), ms(500));
    let ledger = judge(&scenario.history);
    assert_eq!((counts(&ledger), ledger.publisher.attempted, ledger.lost_by_server), ((2, 0, 0, 0, 0, 0), 2, Some(0)));
}

#[test]
fn a_hole_filled_late_is_late_with_its_distance() {
    let ledger = ledger(6, &[1, 3, 4, 5, 6, 2]);
    assert_eq!(counts(&ledger), (4, 1, 1, 0, 0, 0));
    assert_eq!(ledger.order.distance_max, 4);
}

#[test]
fn a_loss_at_the_end_breaks_no_order() {
    assert_eq!(counts(&ledger(5, &[1, 2, 3])), (3, 0, 0, 0, 0, 2));
}

#[test]
fn a_contiguous_rewind_is_no_violation() {
    assert_eq!(counts(&ledger(6, &[1, 2, 3, 4, 2, 3, 4, 5, 6])), (6, 0, 0, 3, 0, 0));
}

#[test]
fn a_repeat_out_of_place_is_a_regression() {
    assert_eq!(counts(&ledger(6, &[1, 2, 3, 4, 2, 5, 6])), (6, 0, 0, 0, 1, 0));
}

#[test]
fn a_committed_repeat_is_a_regression_and_an_uncommitted_one_is_not() {
    for (reach, at, regressed) in [
        (Reach::UpTo, 102, 2),
        (Reach::Exact, 102, 1),
        // Confirmed only after the repeats had begun.
        (Reach::UpTo, 110, 0),
        (Reach::Exact, 110, 0),
    ] {
        let mut scenario = stream(3);
        handle(&mut scenario, &[1, 2, 3, 1, 2, 3]);
        scenario.commit(0, 0, 2, reach, ms(at));
        let ledger = judge(&scenario.history);
        assert_eq!(counts(&ledger), (3, 0, 0, 3 - regressed, regressed, 0), "{reach:?} at {at}");
    }
}

#[test]
fn what_a_server_had_confirmed_and_forgot_is_charged_to_the_server() {
    let exited = || StoryEvent::Exited {
        process: "server-0".to_owned(),
        code: None,
        signal: Some(9),
        ordered: true,
        message: None,
    };
    let spawned = || StoryEvent::Spawned { process: "server-0".to_owned(), pid: 1 };
    // Message 2 is acknowledged at 102 ms and handled again at 104 ms.
    let regressed_in = |mode: Option<&str>, reach, nodes, story: &[(u64, StoryEvent)]| {
        let mut scenario = stream(3);
        scenario.history.manifest.commit_mode = mode.map(str::to_owned);
        scenario.history.manifest.environment.server_nodes = nodes;
        handle(&mut scenario, &[1, 2, 3, 1, 2, 3]);
        scenario.commit(0, 0, 2, reach, ms(102));
        for (at, event) in story {
            scenario.tell(us(*at), event.clone());
        }
        let ledger = judge(&scenario.history);
        assert_eq!(ledger.order.regressed + ledger.order.redelivered, 3);
        (ledger.order.regressed, ledger.forgotten_by_server)
    };
    let regressed = |reach, nodes, story: &[(u64, StoryEvent)]| regressed_in(None, reach, nodes, story);
    assert_eq!(regressed(Reach::Exact, 1, &[]), (1, 0));
    assert_eq!(regressed(Reach::Exact, 1, &[(103_000, exited())]), (0, 1));
    // What is acknowledged again after that is not forgotten.
    let mut again = stream(3);
    handle(&mut again, &[1, 2, 3, 1, 2, 3]);
    again.commit(0, 0, 2, Reach::Exact, ms(102));
    again.tell(us(102_500), exited());
    again.commit(0, 0, 2, Reach::Exact, ms(103));
    let again = judge(&again.history);
    assert_eq!((again.order.regressed, again.forgotten_by_server), (1, 0));
    // What ended before the confirmation, or after the repeat, excuses nothing.
    assert_eq!(regressed(Reach::Exact, 1, &[(101_000, exited())]), (1, 0));
    assert_eq!(regressed(Reach::Exact, 1, &[(105_000, exited())]), (1, 0));
    // Nobody was there to confirm between the end of the only server and its next life; of three, somebody was.
    let restarted = [(1_000, spawned()), (101_000, exited()), (103_000, spawned())];
    assert_eq!(regressed(Reach::Exact, 1, &restarted), (0, 1));
    assert_eq!(regressed(Reach::Exact, 3, &restarted), (1, 0));
    // A checkpoint is a message: it is not forgotten.
    assert_eq!(regressed(Reach::UpTo, 1, &[(103_000, exited())]), (2, 0));
    assert_eq!(regressed_in(Some("checkpoint"), Reach::UpTo, 1, &[(102_500, exited())]), (2, 0));
    // An acknowledgement that stands for all up to here is, like any other.
    assert_eq!(regressed_in(Some("ack-all"), Reach::UpTo, 1, &[]), (2, 0));
    assert_eq!(regressed_in(Some("ack-all"), Reach::UpTo, 1, &[(102_500, exited())]), (0, 2));
    assert_eq!(regressed_in(Some("ack-all"), Reach::UpTo, 1, &[(103_000, exited())]), (1, 1));
    assert_eq!(regressed_in(Some("ack-all"), Reach::UpTo, 1, &[(101_000, exited())]), (2, 0));
}

#[test]
fn an_aborted_start_has_no_order_and_its_message_still_waits() {
    let mut scenario = stream(3);
    scenario.handled(0, 0, 1, ms(100));
    scenario.handling(0, 0, 2, ms(101), None);
    scenario.handling(1, 0, 2, ms(102), Some(Finish { at: ms(103), ok: false }));
    scenario.handled(1, 0, 2, ms(104));
    let ledger = judge(&scenario.history);
    assert_eq!(counts(&ledger), (2, 0, 0, 0, 0, 1));
    assert_eq!(ledger.aborted, 2);
}

#[test]
fn phantoms_are_what_nobody_published_or_what_is_not_intact() {
    let mut scenario = stream(2);
    handle(&mut scenario, &[1, 2]);
    scenario.handled(0, 0, 3, ms(110));
    scenario.handled(0, 7_000_000, 1, ms(111));
    scenario.handled(0, 0, 1, ms(112)).intact = false;
    let ledger = judge(&scenario.history);
    assert_eq!(ledger.phantom, 3);
    assert_eq!(counts(&ledger), (2, 0, 0, 0, 0, 0));
}

#[test]
fn an_unknown_publish_that_is_delivered_has_surfaced() {
    let mut scenario = stream(1);
    for (seq, fate) in [(2, Fate::Unknown), (3, Fate::Unknown), (4, Fate::Failed { at: ms(9) })] {
        scenario.publish(0, seq, ms(seq.into()), fate);
    }
    scenario.handled(0, 0, 1, ms(100));
    scenario.handled(0, 0, 2, ms(101)).stream_seq = 2;
    let ledger = judge(&scenario.history);
    let publisher = ledger.publisher;
    assert_eq!((publisher.attempted, publisher.stored, publisher.surfaced), (4, 1, 1));
    assert_eq!((publisher.unknown, publisher.failed), (1, 1));
    assert_eq!(counts(&ledger), (2, 0, 0, 0, 0, 0));
}

#[test]
fn a_second_stored_copy_is_not_charged_to_the_consumer() {
    let mut scenario = stream(3);
    scenario.publish(0, 1, ms(5), Fate::Stored { at: ms(6), stream_seq: 4, duplicate: false });
    handle(&mut scenario, &[1, 2, 3]);
    scenario.handled(0, 0, 1, ms(110)).stream_seq = 4;
    let ledger = judge(&scenario.history);
    assert_eq!(ledger.publisher.duplicate_stored, 1);
    assert_eq!(ledger.extra_copies, 1);
    assert_eq!(counts(&ledger), (3, 0, 0, 0, 0, 0));
}

#[test]
fn a_duplicate_that_the_server_dropped_is_no_copy() {
    let mut scenario = stream(2);
    scenario.publish(0, 2, ms(5), Fate::Stored { at: ms(6), stream_seq: 2, duplicate: true });
    handle(&mut scenario, &[1, 2]);
    let ledger = judge(&scenario.history);
    assert_eq!(ledger.publisher.duplicate_stored, 0);
    assert_eq!(ledger.publisher.attempted, 2);
}

#[test]
fn what_was_stored_out_of_order_is_judged_in_stream_order() {
    let mut scenario = Scenario::new(1, 1);
    for (seq, stream_seq) in [(1, 1), (2, 3), (3, 2), (4, 4)] {
        scenario.publish(0, seq, ms(seq.into()), Fate::Stored { at: ms(10), stream_seq, duplicate: false });
    }
    handle(&mut scenario, &[1, 3, 2, 4]);
    let ledger = judge(&scenario.history);
    assert_eq!(ledger.publisher.publish_reordered, 1);
    assert_eq!(counts(&ledger), (4, 0, 0, 0, 0, 0));
}

/// Five messages of key 0 that were sent and that no stream knows of; these were handled.
fn sent(confirmation: Confirmation, handled: &[u32]) -> Ledger {
    let mut scenario = Scenario::new(1, 1);
    scenario.history.manifest.confirmation = confirmation;
    for seq in 1..=5 {
        scenario.publish(0, seq, ms(seq.into()), Fate::Stored { at: ms(9), stream_seq: 0, duplicate: false });
    }
    let in_a_stream = confirmation == Confirmation::SentToStream;
    for (at, &seq) in (100..).zip(handled) {
        scenario.handled(0, 0, seq, ms(at)).stream_seq = if in_a_stream { u64::from(seq) } else { 0 };
    }
    judge(&scenario.history)
}

#[test]
fn without_a_stream_the_order_of_sending_counts_and_what_nobody_got_is_lost() {
    assert_eq!(counts(&sent(Confirmation::Sent, &[1, 2, 3, 4, 5])), (5, 0, 0, 0, 0, 0));
    assert_eq!(counts(&sent(Confirmation::Sent, &[1, 3, 2, 4, 5])), (3, 1, 1, 0, 0, 0));
    let ledger = sent(Confirmation::Sent, &[1, 2, 5]);
    assert_eq!(counts(&ledger), (2, 1, 0, 0, 0, 2));
    assert_eq!((ledger.publisher.stored, ledger.publisher.unknown), (5, 0));
}

#[test]
fn what_was_sent_to_a_stream_without_acknowledgement_is_stored_if_somebody_got_it_and_else_unknown() {
    let ledger = sent(Confirmation::SentToStream, &[1, 2, 5]);
    assert_eq!(counts(&ledger), (3, 0, 0, 0, 0, 0), "nothing shows that the stream had 3 and 4");
    assert_eq!((ledger.publisher.stored, ledger.publisher.unknown), (3, 2));
    assert_eq!(sent(Confirmation::SentToStream, &[1, 3, 2]).order.violations(), 2, "the order of the stream counts");
}

#[test]
fn a_stored_message_whose_place_nobody_knows_stands_behind_what_was_sent_before_it() {
    for (handled, expected) in [(&[1, 2, 3, 4][..], (4, 0, 0, 0, 0, 0)), (&[1, 2, 4], (2, 1, 0, 0, 0, 1))] {
        let mut scenario = Scenario::new(1, 1);
        for seq in 1..=4 {
            scenario.publish(0, seq, ms(seq.into()), Fate::Stored { at: ms(9), stream_seq: 0, duplicate: false });
        }
        for (at, &seq) in (100..).zip(handled) {
            scenario.handled(0, 0, seq, ms(at)).stream_seq = 10 + u64::from(seq);
        }
        let ledger = judge(&scenario.history);
        assert_eq!(counts(&ledger), expected, "{handled:?}");
        assert_eq!(ledger.partition_order.skipped, expected.1, "{handled:?}");
        assert_eq!(ledger.publisher.publish_reordered, 0);
    }
}

#[test]
fn two_keys_of_a_partition_may_pass_each_other_by_key_but_not_by_partition() {
    let mut scenario = Scenario::new(1, 2);
    for seq in 1..=3 {
        scenario.stored(0, seq, ms(seq.into()));
        scenario.stored(1, seq, ms(seq.into()));
    }
    for (at, (key, seq)) in (100..).zip([(0, 1), (0, 2), (1, 1), (0, 3), (1, 2), (1, 3)]) {
        scenario.handled(0, key, seq, ms(at));
    }
    let ledger = judge(&scenario.history);
    assert_eq!(counts(&ledger), (6, 0, 0, 0, 0, 0));
    let partition = ledger.partition_order;
    // Stream: a1 b1 a2 b2 a3 b3. Handled: a1, a2 (skips b1), b1 late, a3 (skips b2), b2 late, b3.
    assert_eq!((partition.in_order, partition.skipped, partition.late), (2, 2, 2));
}

#[test]
fn handling_beside_another_member_is_an_overlap_and_touching_is_none() {
    for (second, overlaps) in [(us(100_050), 1), (us(100_100), 0)] {
        let mut scenario = stream(2);
        scenario.handled(0, 0, 1, us(100_000));
        scenario.handled(1, 0, 2, second);
        let ledger = judge(&scenario.history);
        assert_eq!(ledger.exclusion.overlap, [overlaps]);
        assert_eq!(ledger.exclusion.overlaps.len() as u64, overlaps);
    }
}

#[test]
fn a_handler_cut_off_by_sigkill_is_going_on_until_the_death() {
    let mut scenario = stream(2);
    scenario.handling(0, 0, 1, ms(100), None);
    scenario.handled(1, 0, 2, ms(105));
    let struck = vec!["c0.1".to_owned()];
    for (death, overlaps) in [(ms(110), 1), (ms(104), 0)] {
        scenario.history.story.clear();
        scenario
            .tell(death, StoryEvent::Fault { id: 0, kind: "kill".into(), target: "c0".into(), struck: struck.clone() });
        assert_eq!(judge(&scenario.history).exclusion.overlap, [overlaps]);
    }
}

/// Member 0 owns the partition from 10 ms in epoch 1, member 1 from `takeover` in epoch 2.
fn two_owners(first_deadline: MonoNs, takeover: MonoNs) -> Scenario {
    let mut scenario = stream(4);
    scenario.own(0, 0, 1, ms(10), OwnershipChange::Granted { deadline: ms(60) });
    scenario.own(0, 0, 1, ms(50), OwnershipChange::Renewed { deadline: first_deadline });
    scenario.own(1, 0, 2, takeover, OwnershipChange::Granted { deadline: ms(500) });
    scenario
}

#[test]
fn overlapping_beliefs_are_dual_ownership_and_successive_ones_are_not() {
    assert_eq!(judge(&two_owners(ms(200), ms(150)).history).exclusion.dual_ownership.len(), 1);
    assert_eq!(judge(&two_owners(ms(150), ms(150)).history).exclusion.dual_ownership.len(), 0);

    let mut released = two_owners(ms(200), ms(150));
    released.own(0, 0, 1, ms(149), OwnershipChange::Released);
    assert_eq!(judge(&released.history).exclusion.dual_ownership.len(), 0);

    let mut dead = two_owners(ms(200), ms(150));
    dead.tell(
        ms(149),
        StoryEvent::Exited { process: "c0.1".into(), code: None, signal: Some(9), ordered: true, message: None },
    );
    assert_eq!(judge(&dead.history).exclusion.dual_ownership.len(), 0);
}

#[test]
fn a_superseded_owner_that_starts_is_stale_and_its_tail_is_not() {
    let mut scenario = two_owners(ms(140), ms(150));
    // The check passed before the grant, the handler was paused and ended long after it.
    scenario.handling(0, 0, 1, ms(139), Some(Finish { at: ms(170), ok: true })).epoch = 1;
    scenario.handled(1, 0, 2, ms(160)).epoch = 2;
    let ledger = judge(&scenario.history);
    assert_eq!(ledger.exclusion.stale_tail, [0]);
    assert!(ledger.exclusion.stale_handling.is_empty());
    assert_eq!((ledger.exclusion.overlap.as_slice(), ledger.exclusion.overlap_stale_tail), (&[0][..], 1));

    // The next message of the superseded owner is one too many.
    scenario.handled(0, 0, 3, ms(171)).epoch = 1;
    let ledger = judge(&scenario.history);
    assert_eq!(ledger.exclusion.stale_handling.len(), 1);
    assert_eq!(ledger.exclusion.stale_tail.len(), 1);
}

#[test]
fn absurd_evidence_is_judged_without_panic() {
    let mut scenario = stream(3);
    handle(&mut scenario, &[1, 2, 3]);
    let mut torn = *scenario.handled(0, u32::MAX, u32::MAX, MonoNs(u64::MAX));
    torn.partition = u16::MAX;
    torn.finished = Some(Finish { at: MonoNs(0), ok: true });
    torn.epoch = u32::MAX;
    torn.stream_seq = u64::MAX;
    scenario.member(0).handlings.push(torn);
    scenario.publish(u32::MAX, u32::MAX, MonoNs(u64::MAX), Fate::Unknown);
    scenario.commit(0, u16::MAX, u64::MAX, Reach::UpTo, MonoNs(0));
    scenario.own(0, u16::MAX, u32::MAX, MonoNs(u64::MAX), OwnershipChange::Renewed { deadline: MonoNs(0) });
    let ledger = judge(&scenario.history);
    assert_eq!(ledger.entries.len(), 5);
    assert_eq!(ledger.entries.iter().filter(|entry| entry.verdict == Verdict::InOrder).count(), 4);
    assert!(ledger.misplaced > 0);
}

#[test]
fn what_stands_before_the_start_of_the_consumer_is_not_offered_and_breaks_nothing() {
    let mut scenario = Scenario::new(1, 1);
    for seq in 1..=5 {
        scenario.stored(0, seq, ms(seq.into()));
    }
    for seq in 3..=5 {
        scenario.handled(0, 0, seq, ms(10 + u64::from(seq)));
    }
    let starts = StoryEvent::Starts { partition: None, stream_seq: 3 };
    scenario.history.story.push(StoryLine { at: ms(0), event: starts });
    let ledger = judge(&scenario.history);
    assert_eq!((ledger.not_offered, ledger.unhandled, ledger.lost), (2, 0, 0));
    assert_eq!((ledger.order.in_order, ledger.order.violations()), (3, 0));
    assert_eq!(ledger.partition_order.violations(), 0);

    // A start of another partition is none of this one's.
    scenario.history.story[0].event = StoryEvent::Starts { partition: Some(7), stream_seq: 3 };
    let ledger = judge(&scenario.history);
    assert_eq!((ledger.not_offered, ledger.lost, ledger.order.skipped), (0, 2, 1));
}

#[test]
fn what_was_given_up_is_dropped_and_not_lost_unless_it_was_handled_all_the_same() {
    let mut scenario = Scenario::new(1, 1);
    for seq in 1..=4 {
        scenario.stored(0, seq, ms(seq.into()));
    }
    for seq in [1, 4] {
        scenario.handled(0, 0, seq, ms(10 + u64::from(seq)));
    }
    // The server gives up the first, which was handled by then, and the second; a member gives up the third.
    for stream_seq in [1, 2] {
        let dropped = StoryEvent::Dropped { stream_seq, deliveries: 3 };
        scenario.history.story.push(StoryLine { at: ms(30), event: dropped });
    }
    let term = Term { at: ms(31), key: 0, key_seq: 3, partition: 0, stream_seq: 3 };
    scenario.member(0).terms.push(term);
    let ledger = judge(&scenario.history);
    assert_eq!((ledger.dropped, ledger.unhandled, ledger.lost), (2, 0, 0));
    assert_eq!((ledger.order.skipped, ledger.order.hole_messages), (1, 2), "it leaves a hole all the same");
}
