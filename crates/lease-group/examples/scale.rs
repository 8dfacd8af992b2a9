//! The curve of cost against partitions and members: the simulation of `tests/simulation`, at one size a line of JSON.
//!
//! `cargo run -p lease-group --example scale -- 10000 1000 10` simulates 10,000 partitions and 1,000 members with leases of 10 s:
//! start, a twentieth more join, as many leave, a third crash. `… -- 10000 1000` instead times one turn of one member's control thread at that
//! size. `scripts/scale-curve` runs all sizes and draws the pictures.

#[path = "../tests/simulation/group.rs"]
mod group;

use std::process::ExitCode;
use std::time::Duration;

use group::count::Outcome;
use group::{Group, Shape, cpu_ns};
use lease_group::assign::Holder;
use lease_group::clock::Moment;
use lease_group::handover::{Handover, Situation};
use lease_group::record::{Heartbeat, Holding, Lease, Presence, Session};
use lease_group::roster::Roster;
use lease_group::state::{Input, Partition, Terms};
use serde_json::{Value, json};

fn main() -> ExitCode {
    let numbers: Vec<u32> =
        std::env::args().skip(1).filter_map(|word| word.parse().ok()).filter(|number| *number > 0).collect();
    let line = match *numbers.as_slice() {
        [partitions, members, ttl_s] => simulate(partitions, members, ttl_s),
        [partitions, members] => {
            json!({ "partitions": partitions, "members": members, "turn_us": turn(partitions, members) })
        }
        _ => {
            eprintln!("usage: scale PARTITIONS MEMBERS [TTL_SECONDS], each at least 1");
            return ExitCode::from(2);
        }
    };
    println!("{line}");
    ExitCode::SUCCESS
}

fn simulate(partitions: u32, members: u32, ttl_s: u32) -> Value {
    let ttl = Duration::from_secs(u64::from(ttl_s));
    let look_every = Duration::from_millis(250);
    let shape = Shape { partitions, ttl, look_every, commit_every: None, whole: false, seed: 1 };
    let mut group = Group::new(shape);
    let few = (members / 20).max(1);
    let patience = ttl * 20;
    let phases: Vec<Outcome> = [
        group.phase("start", patience, |group| group.join(members)),
        group.phase("join", patience, |group| group.join(few)),
        group.phase("leave", patience, |group| group.leave(few)),
        group.phase("crash", patience, |group| group.crash(members / 3)),
    ]
    .into();
    let phases: Vec<_> = phases.iter().map(Outcome::to_json).collect();
    for wrong in group.wrongs.iter().take(5) {
        eprintln!("{wrong}");
    }
    json!({
        "partitions": partitions, "members": members, "ttl_s": ttl_s, "look_every_ms": 250, "seed": 1,
        "phases": phases, "wrongs": group.wrongs.len(), "digest": format!("{:016x}", group.digest()),
    })
}

/// The CPU time, in microseconds, of one turn of a member's control thread: all machines ticked, wishes, the next instant. The median of eleven.
fn turn(partitions: u32, members: u32) -> u64 {
    let ttl = Duration::from_secs(10);
    let now = Moment::from_ns(1_000_000_000);
    let session = |number: u32| Session::from_u128(u128::from(number) + 1);
    let worker = |number: u32| format!("w{number}");
    let terms =
        Terms { session: session(0), worker: worker(0), ttl, commit_every: None, max_handling: ttl, ride_out: None };
    let mut roster = Roster::default();
    for number in 0..members {
        let heartbeat =
            Heartbeat { worker: worker(number), presence: Presence::Here, ttl, since_ms: 0, listens: false };
        roster.see(now, session(number), u64::from(number) + 1, 0, heartbeat);
    }
    let mut machines: Vec<Partition> = (0..partitions)
        .map(|partition| {
            let owner = partition % members;
            let mut machine = Partition::new(terms.clone());
            let (worker, session) = (worker(owner), session(owner));
            let lease = Lease { worker, session, epoch: 1, checkpoint: 0, holding: Holding::Own, ttl };
            machine.step(now, Input::Seen { revision: u64::from(partition) + 1, lease: Some(lease) });
            machine
        })
        .collect();
    let mut handover = Handover::new(ttl / 2);
    let mut costs: Vec<u64> = (0..11)
        .map(|_| {
            let began_ns = cpu_ns();
            for machine in &mut machines {
                machine.step(now, Input::Tick { handled: 0, busy_since: None });
            }
            let held: Vec<bool> = machines.iter().map(Partition::is_held).collect();
            let holders: Vec<Holder> = machines
                .iter()
                .map(|machine| {
                    let (session, worker) = machine.holder(now);
                    Holder { session, worker: worker.map(str::to_owned) }
                })
                .collect();
            let members = roster.members(now);
            let situation = Situation {
                session: session(0),
                present: true,
                current: true,
                members: &members,
                holders: &holders,
                held: &held,
            };
            let wishes = handover.wishes(now, situation);
            let due = machines.iter().filter_map(|machine| machine.due(now)).min();
            std::hint::black_box((wishes, due));
            (cpu_ns() - began_ns) / 1000
        })
        .collect();
    costs.sort_unstable();
    costs[costs.len() / 2]
}
