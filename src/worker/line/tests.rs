//! The line held to its order, whatever fails, and to its bookings.

use super::*;
use proptest::prelude::*;

/// A server that stores what reaches it, drops or refuses what the script says, and answers late or never.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send,
    /// The oldest message under way arrives and is stored; the answer is kept for later.
    Arrive,
    /// The oldest message under way arrives and is refused.
    Refuse,
    /// The newest `n` kept answers are given, newest first.
    Answer,
    /// The connection breaks: everything under way is gone, answers too.
    Break,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Send),
        4 => Just(Step::Arrive),
        1 => Just(Step::Refuse),
        4 => Just(Step::Answer),
        1 => Just(Step::Break),
        2 => Just(Step::Restart),
    ]
}

proptest! {
    /// With de-duplication at the server, what is stored is in order and without holes, whatever fails,
    /// provided that failures are a suffix of what is under way (a broken connection, a full stream).
    #[test]
    fn order_survives_failures(steps in proptest::collection::vec(step(), 1..300), window in 1_u16..8) {
        let mut line = Line::new(window);
        let mut next = 0_u32;
        let mut wire: VecDeque<(Ticket, u32)> = VecDeque::new();
        let mut answers: Vec<(Ticket, bool)> = Vec::new();
        let mut stored: Vec<u32> = Vec::new();
        // A full stream refuses everything until the line has stopped and all under way was answered.
        let mut full = false;
        for step in steps {
            match step {
                Step::Send if line.has_room() => {
                    wire.push_back((line.send(next), next));
                    next += 1;
                }
                Step::Arrive | Step::Refuse => {
                    if let Some((ticket, message)) = wire.pop_front() {
                        full |= matches!(step, Step::Refuse);
                        if !full && !stored.contains(&message) {
                            stored.push(message);
                        }
                        answers.push((ticket, !full));
                    }
                }
                Step::Answer => {
                    if let Some((ticket, ok)) = answers.pop() {
                        if ok { line.stored(ticket); } else { line.refused(ticket); }
                    }
                }
                Step::Break => {
                    wire.clear();
                    answers.clear();
                    line.stop();
                }
                Step::Restart if line.is_stopped() && wire.is_empty() && (line.is_quiet() || answers.is_empty()) => {
                    full = false;
                    line.restart();
                    while let Some((_, ticket, message)) = line.next_again() {
                        wire.push_back((ticket, *message));
                    }
                }
                Step::Send | Step::Restart => {}
            }
            prop_assert!(line.unsettled() <= usize::from(window));
        }
        prop_assert!(stored.iter().copied().eq(0..stored.len() as u32), "stored out of order: {:?}", stored);
    }
}

#[test]
fn a_late_answer_of_an_older_generation_is_not_booked() {
    let mut line = Line::new(4);
    let old = line.send("a");
    line.stop();
    line.restart();
    let (_, again, _) = line.next_again().expect("it is sent again");
    assert_eq!(line.stored(old), None);
    assert_eq!(line.stored(again), Some("a"));
    assert!(line.is_empty());
}

#[test]
fn a_slot_is_free_only_when_the_messages_before_it_are_stored() {
    let mut line = Line::new(2);
    let (first, second) = (line.send(1), line.send(2));
    assert!(!line.has_room());
    line.stored(second);
    assert!(!line.has_room(), "the first message still holds its slot");
    line.stored(first);
    assert!(line.has_room() && line.is_empty());
}

#[test]
fn an_answer_that_covers_a_stretch_gives_its_messages_back_in_order() {
    let mut line = Line::new(4);
    for message in 0..4 {
        line.send(message);
    }
    let stored: Vec<_> = std::iter::from_fn(|| line.first_stored_below(3)).collect();
    assert_eq!(stored, [0, 1, 2]);
    assert_eq!((line.unsettled(), line.next_number()), (1, 4));
}

#[test]
fn a_line_that_never_stops_lets_later_messages_pass_the_refused_one() {
    let mut line = Line::new(4).unstopped();
    let first = line.send("first");
    line.refused(first);
    assert!(line.has_room(), "it goes on");
    let second = line.send("second");
    line.retry(|_| false);
    assert!(!line.has_room(), "what is to be sent again goes first");
    let (number, again, message) = line.next_again().expect("the refused one");
    assert_eq!((number, *message), (0, "first"));
    assert_ne!(again.generation, first.generation, "a late answer to the first attempt means nothing");
    assert_eq!(line.stored(second), Some("second"), "who was not sent again keeps its name");
    assert_eq!(line.stored(first), None);
    assert_eq!(line.stored(again), Some("first"));
}

#[test]
fn what_is_not_sent_yet_is_not_booked_by_an_answer_that_covers_a_stretch() {
    let mut line = Line::new(4);
    line.send("a");
    line.stop();
    line.restart();
    assert_eq!(line.first_stored_below(1), None);
    assert!(line.has_again() && line.is_quiet());
    line.next_again();
    assert_eq!(line.first_stored_below(1), Some("a"));
}

#[test]
fn what_is_given_up_leaves_the_line_empty_and_its_numbers_are_not_used_again() {
    let mut line = Line::new(4);
    line.send("a");
    line.send("b");
    line.stop();
    assert_eq!(line.give_up().collect::<Vec<_>>(), ["a", "b"]);
    assert!(line.is_empty() && line.has_room());
    assert_eq!(line.next_number(), 2);
}
