//! The core at a size that no test could start as processes: hundreds of partitions and members in simulated time. The curve up to 10,000
//! partitions and 1,000 members is made by `examples/scale.rs`.

#[path = "group.rs"]
mod group;

use std::time::Duration;

use group::count::Outcome;
use group::{Group, Shape};

fn shape(partitions: u32, seed: u64) -> Shape {
    Shape {
        partitions,
        ttl: Duration::from_secs(2),
        look_every: Duration::from_millis(50),
        commit_every: None,
        whole: false,
        seed,
    }
}

/// What is promised of every phase, whatever the size.
fn check(group: &Group, outcome: &Outcome, ttl: Duration) {
    println!("{}", outcome.to_json());
    assert!(outcome.converged_ms.is_some(), "{outcome:?}");
    assert!(outcome.loads.0 - outcome.loads.1 <= 1, "{outcome:?}");
    assert!(group.wrongs.is_empty(), "{:?}", group.wrongs);
    assert!(outcome.moves >= outcome.moves_least, "the least is wrong: {outcome:?}");
    let counts = outcome.counts;
    assert_eq!(counts.deliveries > 0, outcome.length_ms > 0);
    // Every lease and every heartbeat every third of a time to live; a claim and a release a move, and as many again for what is refused.
    let rounds = outcome.length_ms as f64 / (ttl.as_millis() as f64 / 3.0) + 1.0;
    let steady = rounds * (outcome.loads.0 as f64 + 1.0) * f64::from(outcome.members) * 1.5;
    assert!(counts.writes() as f64 <= steady + 4.0 * outcome.moves as f64, "{counts:?}");
    assert!(counts.refused <= outcome.moves, "{counts:?}");
}

fn check_life(partitions: u32, members: u32, seed: u64) {
    let shape = shape(partitions, seed);
    let ttl = shape.ttl;
    let patience = ttl * 30;
    let mut group = Group::new(shape);
    let start = group.phase("start", patience, |group| group.join(members));
    check(&group, &start, ttl);
    let few = (members / 10).max(1);
    let join = group.phase("join", patience, |group| group.join(few));
    check(&group, &join, ttl);
    let leave = group.phase("leave", patience, |group| group.leave(few));
    check(&group, &leave, ttl);
    let crash = group.phase("crash", patience, |group| group.crash(members / 3));
    check(&group, &crash, ttl);
    for outcome in [&join, &leave, &crash] {
        assert!(outcome.moves <= outcome.moves_least * 2 + 2, "far more moves than needed: {outcome:?}");
    }
    assert!(crash.gap_ms_max as u128 >= ttl.as_millis() / 2, "nobody may take over before the lease is over");
}

#[test]
fn a_group_of_sixty_converges_balanced_and_moves_little() {
    check_life(500, 60, 1);
}

#[test]
fn small_groups_converge_whatever_the_seed() {
    for seed in 0..10 {
        check_life(37, 7, seed);
    }
    check_life(5, 9, 99);
}

#[test]
fn machines_made_when_they_are_needed_write_the_same_history() {
    let history = |whole| {
        let mut group = Group::new(Shape { whole, ..shape(60, 4) });
        for (members, crashed) in [(9, 0), (2, 0), (0, 3)] {
            group.phase("change", Duration::from_secs(60), |group| {
                group.join(members);
                group.crash(crashed);
            });
        }
        group.digest()
    };
    assert_eq!(history(true), history(false));
}

#[test]
fn committed_progress_is_written_as_often_as_was_asked() {
    let quiet = Group::new(shape(40, 5)).phase("start", Duration::from_secs(60), |group| group.join(4));
    let every = Some(Duration::from_millis(100));
    let mut group = Group::new(Shape { commit_every: every, ..shape(40, 5) });
    let busy = group.phase("start", Duration::from_secs(60), |group| group.join(4));
    assert!(group.wrongs.is_empty(), "{:?}", group.wrongs);
    assert!(busy.counts.renewals > quiet.counts.renewals * 3, "{busy:?} {quiet:?}");
}
