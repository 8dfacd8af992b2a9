//! The protocol under a model checker: every order of steps, with crashes, pauses, lost answers and lost deliveries between any two.

mod world;

use stateright::{Checker, HasDiscoveries, Model, Property};
use world::{Faults, Form, Step, World};

struct Protocol {
    start: World,
    /// How many quanta of time pass.
    quanta: u32,
    /// A hint may be false, and then exclusion is void: only what is stored counts.
    excuses_hints: bool,
}

impl Model for Protocol {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![self.start.clone()]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Step>) {
        let end = self.start.now.plus(world::QUANTUM * self.quanta);
        actions.extend(world.steps().into_iter().filter(|step| *step != Step::Time || world.now < end));
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut next = world.clone();
        next.take(step);
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("first handlings come in order", |_, world: &World| !world.verdict.skipped),
            Property::always("an epoch runs without holes", |_, world: &World| !world.verdict.torn),
            Property::always("a superseded owner starts nothing", |_, world: &World| !world.verdict.stale),
            Property::always("no superseded effect is stored", |_, world: &World| !world.verdict.stale_effect),
            Property::always("a false hint leaves exclusion alone", |model: &Self, world: &World| {
                model.excuses_hints || !world.verdict.void
            }),
            Property::always("what is committed was handled", |_, world: &World| !world.verdict.ahead),
            Property::always("what is acknowledged is not handled again", |_, world: &World| !world.verdict.repeated),
            Property::always("who follows itself repeats nothing", |_, world: &World| !world.verdict.forgetful),
            Property::always("what was told to be over stays over", |_, world: &World| !world.verdict.revived),
            Property::always("when faults end, everything stored is handled", |_, world: &World| {
                !world.is_served() || world.recovers()
            }),
            // Else the properties hold because nothing happens.
            Property::sometimes("everything is handled", |_, world: &World| world.all_handled()),
        ]
    }
}

/// Checks everything within so many quanta and answers how many states that were.
fn check(start: World, quanta: u32) -> usize {
    let started = std::time::Instant::now();
    let checker = Protocol { start, quanta, excuses_hints: true }.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    println!("{} states, {:?}", checker.unique_state_count(), started.elapsed());
    checker.unique_state_count()
}

/// The steps to the first state that breaks `property`.
fn counter_example(start: World, quanta: u32, property: &'static str) -> Vec<Step> {
    let model = Protocol { start, quanta, excuses_hints: false };
    let checker = model.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    checker.discovery(property).expect("a broken protocol has a counter-example").into_actions()
}

const NOTHING: Faults =
    Faults { crashes: 0, unknowns: 0, cuts: 0, leaves: 0, lost_consumers: 0, open_fails: 0, hints: 0, silences: 0 };
const CRASH: Faults = Faults { crashes: 1, ..NOTHING };
const UNKNOWN: Faults = Faults { unknowns: 1, ..NOTHING };
const CUT: Faults = Faults { cuts: 1, ..NOTHING };
const LEAVE: Faults = Faults { leaves: 1, ..NOTHING };
const LOST_CONSUMER: Faults = Faults { lost_consumers: 1, ..NOTHING };
const OPEN_FAILS: Faults = Faults { open_fails: 1, ..NOTHING };

const SILENCE: Faults = Faults { silences: 1, ..NOTHING };
const HINT: Faults = Faults { hints: 1, ..NOTHING };

fn fenced(stored: u64, faults: Faults) -> World {
    World::new(Form::Fenced, stored, faults)
}

fn safe(stored: u64, faults: Faults) -> World {
    World::new(Form::Safe, stored, faults)
}

fn explicit(stored: u64, faults: Faults) -> World {
    World::new(Form::Explicit, stored, faults)
}

#[test]
fn two_claims_at_once_make_one_owner() {
    assert_eq!(check(safe(1, NOTHING).race(), 1), 882);
}

#[test]
fn a_pause_anywhere_loses_and_reorders_nothing() {
    assert_eq!(check(safe(1, NOTHING).owned(), 5), 41_487);
}

#[test]
fn a_crash_anywhere_loses_and_reorders_nothing() {
    assert_eq!(check(safe(2, CRASH).owned(), 4), 67_651);
}

#[test]
fn an_unknown_result_anywhere_loses_and_reorders_nothing() {
    assert_eq!(check(safe(1, UNKNOWN).owned(), 4), 58_686);
}

#[test]
fn an_unknown_claim_loses_and_reorders_nothing() {
    assert_eq!(check(safe(1, UNKNOWN).race(), 1), 6_786);
}

#[test]
fn a_lost_delivery_is_noticed_and_mended() {
    assert_eq!(check(safe(2, CUT).owned(), 3), 12_835);
}

#[test]
fn a_graceful_leave_loses_and_reorders_nothing() {
    assert_eq!(check(safe(2, LEAVE).owned(), 2), 19_440);
}

#[test]
fn a_leave_that_crashes_or_stays_unknown_loses_and_reorders_nothing() {
    assert_eq!(check(safe(1, Faults { crashes: 1, unknowns: 1, ..LEAVE }).owned(), 1), 24_804);
}

#[test]
fn a_leave_and_a_crash_of_either_lose_and_reorder_nothing() {
    assert_eq!(check(safe(1, Faults { crashes: 1, ..LEAVE }).seldom().owned(), 3), 93_390);
}

/// Long enough for the lease of the leaving to expire over the message in hand.
#[test]
fn a_long_leave_and_a_crash_of_either_lose_and_reorder_nothing() {
    assert_eq!(check(safe(1, CRASH).seldom().owned().leaving(), 5), 540_765);
}

#[test]
fn a_lost_consumer_loses_and_reorders_nothing() {
    assert_eq!(check(safe(2, LOST_CONSUMER).owned(), 4), 127_762);
}

#[test]
fn an_opening_that_fails_or_stays_unknown_loses_and_reorders_nothing() {
    assert_eq!(check(safe(1, OPEN_FAILS).owned(), 5), 79_197);
}

#[test]
fn an_opening_that_fails_in_a_race_loses_and_reorders_nothing() {
    assert_eq!(check(safe(1, OPEN_FAILS).race(), 1), 2_994);
}

#[test]
fn a_pause_anywhere_repeats_nothing_acknowledged() {
    assert_eq!(check(explicit(2, NOTHING).owned(), 5), 370_586);
}

#[test]
fn a_crash_anywhere_repeats_nothing_acknowledged() {
    assert_eq!(check(explicit(1, CRASH).owned(), 5), 124_477);
}

#[test]
fn a_leave_repeats_nothing_acknowledged() {
    assert_eq!(check(explicit(2, LEAVE).owned(), 2), 23_081);
}

#[test]
fn a_consumer_lost_with_its_floor_loses_and_reorders_nothing() {
    assert_eq!(check(explicit(1, LOST_CONSUMER).owned(), 4), 40_939);
}

/// Whoever reads the floor of an old consumer commits it before he deletes that: otherwise nobody knew it any more.
#[test]
fn an_opening_that_fails_anywhere_forgets_no_floor() {
    assert!(check(explicit(1, OPEN_FAILS).owned(), 5) > 1_000);
}

#[test]
fn a_successor_that_crashes_behind_its_opening_forgets_no_floor() {
    assert!(check(explicit(2, Faults { crashes: 1, ..OPEN_FAILS }).owned(), 4) > 1_000);
}

/// The stale owner acknowledges between the successor's reading of the floor and its deletion of the consumer.
#[test]
fn the_checker_finds_a_late_acknowledgement() {
    let start = World::new(Form::LateAck, 1, NOTHING).owned();
    let steps = counter_example(start, 4, "what is acknowledged is not handled again");
    assert!(steps.iter().any(|step| matches!(step, Step::Ack(0))), "{steps:?}");
}

/// The new owner gets message 3 while 1 and 2 wait for the acknowledgement timer of the dead one.
#[test]
fn the_checker_finds_how_resume_breaks_order() {
    let start = World::new(Form::Resume, 3, CRASH).owned();
    let steps = counter_example(start, 4, "first handlings come in order");
    assert!(matches!(steps.last(), Some(Step::Finish(_))), "{steps:?}");
}

#[test]
fn the_checker_finds_what_happens_without_looking_at_consumer_sequences() {
    let start = World::new(Form::Blind, 2, CUT).owned();
    let steps = counter_example(start, 1, "first handlings come in order");
    assert!(steps.iter().any(|step| matches!(step, Step::Cut(_))), "{steps:?}");
}

#[test]
fn a_pause_anywhere_stores_no_superseded_effect() {
    assert_eq!(check(fenced(1, NOTHING).owned(), 5), 45_222);
}

#[test]
fn two_claims_at_once_raise_one_fence_after_the_other() {
    assert_eq!(check(fenced(1, NOTHING).race(), 1), 1_026);
}

#[test]
fn an_opening_that_fails_or_stays_unknown_leaves_no_wrong_fence() {
    assert_eq!(check(fenced(1, OPEN_FAILS).owned(), 5), 122_418);
}

#[test]
fn a_hint_true_or_false_stores_no_superseded_effect_and_loses_nothing() {
    assert!(check(fenced(2, HINT).owned(), 1) > 1_000);
}

#[test]
fn a_hint_and_a_long_pause_store_no_superseded_effect() {
    assert!(check(fenced(1, HINT).owned(), 2) > 1_000);
}

#[test]
fn a_hint_and_a_crash_of_either_store_no_superseded_effect_and_lose_nothing() {
    assert!(check(fenced(1, Faults { crashes: 1, ..HINT }).owned(), 1) > 1_000);
}

/// Only the system that is written to can refuse what a paused owner finishes.
#[test]
fn the_checker_finds_a_superseded_effect_without_the_fence() {
    let start = World::new(Form::Plain, 2, NOTHING).owned();
    let steps = counter_example(start, 5, "no superseded effect is stored");
    assert!(matches!(steps.last(), Some(Step::Finish(0))), "{steps:?}");
}

/// What `unsafe_hints` says: exclusion is void until the old owner's deadline.
#[test]
fn the_checker_finds_two_owners_at_work_after_a_false_hint() {
    let steps = counter_example(safe(1, HINT).owned(), 1, "a false hint leaves exclusion alone");
    assert!(steps.iter().any(|step| matches!(step, Step::Hint(1))), "{steps:?}");
    assert!(steps.iter().any(|step| matches!(step, Step::Check(0))), "{steps:?}");
}

/// The bucket may be silent to one and not to the other: the worst case of `ride_out`.
#[test]
fn who_rides_out_a_silent_bucket_stores_no_superseded_effect_and_loses_nothing() {
    assert!(check(fenced(1, SILENCE).riding().owned(), 4) > 1_000);
}

/// Why `ride_out` needs a sink: what was silence to the owner was none to the one who took over.
#[test]
fn the_checker_finds_two_owners_at_work_when_only_one_of_them_was_not_answered() {
    let steps = counter_example(safe(1, SILENCE).riding().owned(), 5, "a false hint leaves exclusion alone");
    assert!(steps.iter().any(|step| matches!(step, Step::Silence(0))), "{steps:?}");
    assert!(steps.iter().any(|step| matches!(step, Step::Check(0))), "{steps:?}");
}
