//! Properties of the schedule and of orders, over any fleet and any fault.

use proptest::prelude::*;

use super::*;
use crate::model::time::MonoNs;
use crate::model::units::Timespan;

fn kinds() -> impl Strategy<Value = Kind> {
    let pause = (1..5_000_u64)
        .prop_map(|ms| Kind::Pause(pause::Settings { lasting: Timespan(std::time::Duration::from_millis(ms)) }));
    let cut = (0..4_u64).prop_map(|seconds| {
        let lasting = Some(Timespan(std::time::Duration::from_secs(seconds)));
        Kind::Cut(cut::Settings { how: cut::How::Reset, lasting, ..Default::default() })
    });
    let slow = Just(Kind::Slow(slow::Settings::default()));
    let plain = prop::sample::select(vec![Kind::Kill, Kind::Terminate, Kind::Restart, Kind::Join, Kind::Leave]);
    let servers = prop_oneof![
        Just(Kind::ServerRestart),
        (1..5_000_u64).prop_map(|ms| {
            Kind::ServerKill(server_kill::Settings { lasting: Timespan(std::time::Duration::from_millis(ms)) })
        }),
        Just(Kind::ServerPause(server_pause::Settings::default())),
        Just(Kind::StepDown(step_down::Settings::default())),
        prop::sample::select(vec![rolling::Of::Members, rolling::Of::Servers])
            .prop_map(|of| Kind::Rolling(rolling::Settings { of, ..Default::default() })),
    ];
    prop_oneof![4 => plain, 1 => pause, 1 => cut, 1 => slow, 2 => servers]
}

fn targets() -> impl Strategy<Value = Target> {
    prop_oneof![
        (0..8_u16).prop_map(Target::Member),
        (0..6_u16).prop_map(Target::OwnerOf),
        (0..4_u16).prop_map(Target::Publisher),
        Just(Target::Random),
        Just(Target::All),
        (0..4_u16).prop_map(Target::Node),
        Just(Target::Leader),
        Just(Target::Follower),
    ]
}

fn kinds_with_targets() -> impl Strategy<Value = (Kind, Target)> {
    (kinds(), targets()).prop_map(|(kind, target)| {
        let target = if kind.admits(target) { target } else { kind.default_target() };
        (kind, target)
    })
}

fn specs() -> impl Strategy<Value = Vec<Spec>> {
    let again = prop::option::of((1..20_000_u64, 0..90_000_u64, prop::option::of(1..50_u32)));
    let when = (0..80_000_u64, again, 0..2_000_u64).prop_map(|(first, again, jitter)| When {
        first: ms(first),
        again: again.map(|(every, until, times)| Again { every: ms(every), until: ms(until), times }),
        jitter: ms(jitter),
    });
    let spec = (kinds_with_targets(), when).prop_map(|((kind, target), when)| Spec { kind, target, when });
    prop::collection::vec(spec, 0..5)
}

fn fleets() -> impl Strategy<Value = Fleet> {
    let state = prop_oneof![
        3 => Just(State::Live),
        1 => Just(State::Paused),
        1 => Just(State::Stopping),
        2 => (0..100_u64).prop_map(|at| State::Dead { since: MonoNs(at) }),
        1 => Just(State::Left),
    ];
    let owners = prop::collection::vec(prop::option::of(0..8_u16), 0..6);
    let condition = prop_oneof![
        3 => Just(Condition::Up),
        1 => Just(Condition::Paused),
        1 => Just(Condition::Down),
        1 => Just(Condition::Recovering),
    ];
    let nodes = (prop::collection::vec(condition, 0..4), prop::option::of(0..4_u16));
    let client = prop_oneof![(0..8_u16).prop_map(Client::Member), (0..4_u16).prop_map(Client::Publisher)];
    let cut = prop::collection::btree_set(client, 0..4);
    let slow = prop::collection::btree_set(0..8_u16, 0..3);
    (prop::collection::vec((1..4_u16, state), 0..7), owners, 0..4_u16, cut, slow, nodes).prop_map(
        |(members, owners, publishers, cut, slow, (nodes, leader))| Fleet {
            members: (0..).zip(members).map(|(index, (life, state))| Member { index, life, state }).collect(),
            owners,
            publishers,
            cut,
            slow,
            nodes: (0..)
                .zip(nodes)
                .map(|(number, condition)| Node { number, condition, leads: leader == Some(number) })
                .collect(),
        },
    )
}

/// A measure phase of a minute with three members, on three nodes with three copies.
const MINUTE: Scene = Scene {
    measure: SpanNs(60_000_000_000),
    members: 3,
    nodes: 3,
    replicas: 3,
    grows: true,
    programs: false,
    bucket: true,
};

fn ms(ms: u64) -> SpanNs {
    SpanNs(ms * 1_000_000)
}

proptest! {
    #[test]
    fn the_same_seed_gives_the_same_schedule(specs in specs(), seed: u64) {
        prop_assert_eq!(schedule(&specs, seed, &MINUTE), schedule(&specs, seed, &MINUTE));
    }

    #[test]
    fn strikes_are_numbered_in_order_of_time_and_within_the_measure_phase(specs in specs(), seed: u64) {
        let strikes = schedule(&specs, seed, &MINUTE);
        for (number, strike) in strikes.iter().enumerate() {
            prop_assert_eq!(strike.id as usize, number);
            prop_assert!(strike.at < ms(60_000));
        }
        prop_assert!(strikes.is_sorted_by_key(|strike| strike.at));
    }

    #[test]
    fn a_repeated_fault_strikes_every_so_often_until_its_end(
        first in 0..50_000_u64, every in 1..9_000_u64, until in 0..70_000_u64, times in 1..30_u32,
    ) {
        let again = Some(Again { every: ms(every), until: ms(until), times: Some(times) });
        let when = When { first: ms(first), again, jitter: SpanNs(0) };
        let strikes = schedule(&[Spec { kind: Kind::Kill, target: Target::Random, when }], 1, &MINUTE);
        let expected: Vec<_> =
            (0..u64::from(times)).map(|n| first + n * every).filter(|at| *at < until.min(60_000)).map(ms).collect();
        prop_assert_eq!(strikes.iter().map(|strike| strike.at).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn orders_are_for_members_that_can_take_them((kind, target) in kinds_with_targets(), fleet in fleets(), seed: u64) {
        let strike = Strike { id: 3, at: ms(1), kind, target, rule: Rule::Free };
        let resolved = resolve(&strike, &fleet, seed);
        prop_assert_eq!(&resolved, &resolve(&strike, &fleet, seed));
        let Ok(orders) = resolved else { return Ok(()) };
        prop_assert!(!orders.is_empty());
        let mut struck: Vec<Client> = orders.iter().filter_map(Order::client).collect();
        struck.sort_unstable();
        struck.dedup();
        prop_assert!(struck.is_empty() || struck.len() == orders.len(), "one order a member");
        for order in orders {
            let client = order.client();
            let member = fleet.members.iter().find(|member| Some(Client::Member(member.index)) == client);
            let state = member.map(|member| member.state);
            let can = match order {
                Order::Kill { .. } => matches!(state, Some(State::Live | State::Paused)),
                Order::Terminate { .. } | Order::Restart { .. } | Order::Leave { .. } | Order::Pause { .. } => {
                    state == Some(State::Live)
                }
                Order::Start { .. } => matches!(state, Some(State::Dead { .. })),
                Order::Join { member } => state.is_none() && member == fleet.next_index(),
                Order::Node { node, .. } => {
                    let is_it = |of: &&Node| of.number == node && of.condition == Condition::Up;
                    fleet.nodes.iter().any(|of| is_it(&of))
                }
                Order::StepDown { .. } => true,
                Order::Roll { ref turns, .. } => !turns.is_empty() && turns.is_sorted(),
                Order::Slow { member, .. } => state == Some(State::Live) && !fleet.slow.contains(&member),
                Order::Cut { client: Client::Publisher(index), .. } => {
                    index < fleet.publishers && !client.is_some_and(|client| fleet.cut.contains(&client))
                }
                Order::Cut { .. } => state == Some(State::Live) && !client.is_some_and(|client| fleet.cut.contains(&client)),
            };
            prop_assert!(can, "{:?} for a member that is {:?}", order, state);
        }
    }

    #[test]
    fn a_strike_is_skipped_only_when_nobody_can_be_struck((kind, target) in kinds_with_targets(), fleet in fleets()) {
        let live = fleet.members.iter().any(|member| member.state == State::Live);
        let dead = fleet.members.iter().any(|member| matches!(member.state, State::Dead { .. }));
        let possible = match (&kind, target) {
            (Kind::Join, _) => true,
            (Kind::Restart, Target::Random) => dead,
            (Kind::Restart, Target::All) => dead || live,
            (Kind::Cut(_), Target::Random | Target::All) => fleet.members.iter().any(|member| {
                member.state == State::Live && !fleet.cut.contains(&Client::Member(member.index))
            }),
            (Kind::Slow(_), Target::Random | Target::All) => {
                fleet.members.iter().any(|member| member.state == State::Live && !fleet.slow.contains(&member.index))
            }
            (Kind::Rolling(settings), _) if settings.of == rolling::Of::Members => live,
            (kind, Target::Random) if kind.strikes_servers() => {
                fleet.nodes.iter().any(|node| node.condition == Condition::Up)
            }
            (Kind::Kill | Kind::Terminate | Kind::Leave | Kind::Pause(_), Target::Random | Target::All) => live,
            _ => return Ok(()),
        };
        let resolved = resolve(&Strike { id: 0, at: ms(1), kind, target, rule: Rule::Free }, &fleet, 7);
        prop_assert!(!possible || resolved.is_ok(), "{:?}", resolved);
    }
}

fn fleet(states: &[State], owners: &[Option<u16>]) -> Fleet {
    let members = (0..).zip(states).map(|(index, state)| Member { index, life: 1, state: *state }).collect();
    Fleet { members, owners: owners.to_vec(), publishers: 2, ..Fleet::default() }
}

fn dead(at: u64) -> State {
    State::Dead { since: MonoNs(at) }
}

fn orders(kind: Kind, target: Target, fleet: &Fleet) -> Result<Vec<Order>, String> {
    resolve(&Strike { id: 0, at: ms(1), kind, target, rule: Rule::Free }, fleet, 1)
}

#[test]
fn a_random_restart_takes_the_member_that_died_last() {
    let fleet = fleet(&[dead(5), State::Live, dead(9), dead(7)], &[]);
    assert_eq!(orders(Kind::Restart, Target::Random, &fleet), Ok(vec![Order::Start { member: 2 }]));
}

#[test]
fn a_restart_of_all_brings_back_the_dead_and_else_restarts_the_living() {
    let mixed = fleet(&[dead(5), State::Live, dead(9)], &[]);
    let revived = vec![Order::Start { member: 0 }, Order::Start { member: 2 }];
    assert_eq!(orders(Kind::Restart, Target::All, &mixed), Ok(revived));
    let living = fleet(&[State::Live, State::Left, State::Live], &[]);
    let restarted = vec![Order::Restart { member: 0 }, Order::Restart { member: 2 }];
    assert_eq!(orders(Kind::Restart, Target::All, &living), Ok(restarted));
}

#[test]
fn the_owner_of_a_partition_is_struck_as_it_is_now() {
    let fleet = fleet(&[State::Live, dead(1)], &[Some(0), Some(1), None]);
    assert_eq!(orders(Kind::Kill, Target::OwnerOf(0), &fleet), Ok(vec![Order::Kill { member: 0 }]));
    assert_eq!(orders(Kind::Kill, Target::OwnerOf(1), &fleet), Err("c1 is dead, not running".to_owned()));
    assert_eq!(orders(Kind::Kill, Target::OwnerOf(2), &fleet), Err("partition 2 has no owner".to_owned()));
    assert_eq!(orders(Kind::Kill, Target::OwnerOf(9), &fleet), Err("partition 9 has no owner".to_owned()));
}

#[test]
fn the_reason_of_a_skipped_fault_names_the_member_and_its_state() {
    let fleet = fleet(&[State::Paused, State::Left], &[]);
    assert_eq!(orders(Kind::Leave, Target::Member(0), &fleet), Err("c0 is paused, not alive".to_owned()));
    assert_eq!(orders(Kind::Restart, Target::Member(1), &fleet), Err("c1 is gone for good".to_owned()));
    assert_eq!(orders(Kind::Kill, Target::Member(7), &fleet), Err("there is no member c7".to_owned()));
    assert_eq!(orders(Kind::Terminate, Target::Random, &fleet), Err("no member is alive".to_owned()));
}

#[test]
fn random_strikes_reach_every_member_and_follow_the_seed() {
    let fleet = fleet(&[State::Live; 4], &[]);
    let struck = |seed| {
        let one = |id| {
            resolve(&Strike { id, at: ms(1), kind: Kind::Kill, target: Target::Random, rule: Rule::Free }, &fleet, seed)
        };
        (0..40).map(|id| one(id).expect("there are living members")[0].client()).collect::<Vec<_>>()
    };
    let everyone: std::collections::BTreeSet<_> = struck(1).into_iter().collect();
    assert_eq!(everyone.len(), 4);
    assert_ne!(struck(1), struck(2));
}

#[test]
fn every_kind_is_listed_under_the_name_that_profiles_use() {
    let every: Vec<Kind> = ALL.iter().filter_map(|about| Kind::named(about.kind)).collect();
    assert_eq!(
        every.iter().map(Kind::name).collect::<Vec<_>>(),
        ALL.iter().map(|about| about.kind).collect::<Vec<_>>()
    );
    for kind in every {
        let written = serde_json::to_value(&kind).expect("a kind is JSON");
        assert_eq!(written["kind"], kind.name());
        assert!(kind.admits(kind.default_target()));
    }
}

fn chaos(settings: chaos::Settings, every: u64, jitter: u64) -> Vec<Spec> {
    let again = Some(Again { every: ms(every), until: ms(600_000), times: None });
    let when = When { first: ms(1_000), again, jitter: ms(jitter) };
    vec![Spec { kind: Kind::Chaos(settings), target: Target::Random, when }]
}

/// Who is away, from when to when.
type Absence = (Target, SpanNs, SpanNs);

/// Members or nodes that are away at each instant at which that changes, were every strike carried out in its time: who, from, to.
fn absences(strikes: &[Strike]) -> (Vec<Absence>, Vec<(SpanNs, SpanNs)>) {
    let (mut members, mut nodes) = (Vec::new(), Vec::new());
    for strike in strikes {
        let to = strike.at.0 + strike.kind.lasting().map_or(0, |length| length.0);
        match strike.kind {
            Kind::Kill => {
                let healed = |other: &&Strike| {
                    other.rule == Rule::Heals && other.target == strike.target && other.at > strike.at
                };
                let healed = strikes.iter().find(healed).expect("whoever is killed is started again");
                members.push((strike.target, strike.at, healed.at));
            }
            Kind::Pause(_) => members.push((strike.target, strike.at, SpanNs(to))),
            Kind::ServerKill(_) | Kind::ServerPause(_) => nodes.push((strike.at, SpanNs(to))),
            _ => {}
        }
    }
    (members, nodes)
}

proptest! {
    #[test]
    fn chaos_keeps_its_guards_whatever_the_seed(
        seed: u64, every in 50..4_000_u64, jitter in 0..3_000_u64, members in 1..6_u16, nodes in prop::sample::select(vec![1_u16, 3]),
        max_down in 0..4_u16, max_servers_down in 0..3_u16, longest in 500..9_000_u64, calm in 1..30_u64,
    ) {
        let settings = chaos::Settings {
            max_down,
            max_servers_down,
            longest: Timespan(std::time::Duration::from_millis(longest)),
            calm: Timespan(std::time::Duration::from_secs(calm)),
            ..chaos::Settings::default()
        };
        let scene = Scene { members, nodes, replicas: nodes, ..MINUTE };
        let specs = chaos(settings, every, jitter);
        let strikes = schedule(&specs, seed, &scene);
        prop_assert_eq!(&strikes, &schedule(&specs, seed, &scene), "the same seed gives the same schedule");

        let (away, nodes_away) = absences(&strikes);
        let healed_by = SpanNs(60_000_000_000 - calm * 1_000_000_000);
        prop_assert!(away.iter().all(|(.., to)| *to <= healed_by), "a member is away at the end");
        prop_assert!(nodes_away.iter().all(|(_, to)| *to <= healed_by), "a server is away at the end");
        prop_assert!(strikes.iter().all(|strike| strike.at <= healed_by));
        for (_, at, _) in &away {
            let together = away.iter().filter(|(_, from, to)| from <= at && at < to).count();
            prop_assert!(together <= usize::from(max_down), "{} members are away at {:?}", together, at);
        }
        for (at, _) in &nodes_away {
            let together = nodes_away.iter().filter(|(from, to)| from <= at && at < to).count();
            prop_assert!(together <= usize::from(max_servers_down), "{} servers are away at {:?}", together, at);
        }
        for (number, (who, at, _)) in away.iter().enumerate() {
            let again = away.iter().enumerate().any(|(other, (whom, from, to))| {
                other != number && whom == who && from <= at && at < to
            });
            prop_assert!(!again, "{who} is struck while it is away");
        }
        let mut there: std::collections::BTreeSet<Target> = (0..members).map(Target::Member).collect();
        let mut next = members;
        for strike in &strikes {
            match strike.kind {
                Kind::Join => {
                    there.insert(Target::Member(next));
                    next += 1;
                }
                Kind::Leave => prop_assert!(there.remove(&strike.target), "{} leaves twice", strike.target),
                Kind::StepDown(_) => prop_assert!(nodes > 1, "nobody leads one server"),
                _ if strike.kind.admits(Target::Member(0)) => {
                    prop_assert!(there.contains(&strike.target), "{} is not there", strike.target);
                }
                _ => {}
            }
        }
        prop_assert!(there.len() >= usize::from(max_down.min(members)).max(1));
    }

    #[test]
    fn guards_hold_at_the_instant_too(fleet in fleets(), seed: u64, members in 0..4_u16, nodes in 0..3_u16) {
        for (kind, target) in [(Kind::Kill, Target::Random), (Kind::ServerRestart, Target::Random)] {
            let rule = Rule::Within { members, nodes };
            let strike = Strike { id: 1, at: ms(1), kind: kind.clone(), target, rule };
            if resolve(&strike, &fleet, seed).is_ok() {
                let (away, most) = match kind {
                    Kind::Kill => (fleet.members_away(), members),
                    _ => (fleet.nodes_away(), nodes),
                };
                prop_assert!(away < usize::from(most));
            }
        }
    }
}

#[test]
fn chaos_reaches_every_kind_it_knows_and_only_those_with_a_weight() {
    let kinds = |settings: chaos::Settings| {
        let long = Scene { measure: ms(600_000), ..MINUTE };
        let strikes = schedule(&chaos(settings, 1_000, 500), 7, &long);
        strikes.iter().map(|strike| strike.kind.name()).collect::<std::collections::BTreeSet<_>>()
    };
    let every: std::collections::BTreeSet<_> =
        ALL.iter().map(|about| about.kind).filter(|kind| !["terminate", "rolling", "chaos"].contains(kind)).collect();
    assert_eq!(kinds(chaos::Settings::default()), every);
    let weights = [("pause".to_owned(), 3), ("join".to_owned(), 0)].into();
    let only = chaos::Settings { weights: Some(weights), ..chaos::Settings::default() };
    assert_eq!(kinds(only), ["pause"].into());
}

#[test]
fn what_heals_has_nothing_to_do_when_nobody_died() {
    let strike = |state| {
        let strike = Strike { id: 0, at: ms(1), kind: Kind::Restart, target: Target::Member(0), rule: Rule::Heals };
        resolve(&strike, &fleet(&[state], &[]), 1)
    };
    assert_eq!(strike(dead(1)), Ok(vec![Order::Start { member: 0 }]));
    assert_eq!(strike(State::Live), Err("c0 is not dead: there is nothing to heal".to_owned()));
}

#[test]
fn a_server_is_struck_as_its_target_says() {
    let node = |number, condition, leads| Node { number, condition, leads };
    let nodes =
        vec![node(0, Condition::Up, false), node(1, Condition::Up, true), node(2, Condition::Recovering, false)];
    let fleet = Fleet { nodes, ..Fleet::default() };
    let struck = |target| orders(Kind::ServerRestart, target, &fleet);
    let restarted = |node| Ok(vec![Order::Node { node, deed: Deed::Restart }]);
    assert_eq!(struck(Target::Leader), restarted(1));
    assert_eq!(struck(Target::Follower), restarted(0));
    assert_eq!(struck(Target::Node(2)), Err("server-2 is recovering, not up".to_owned()));
    assert_eq!(struck(Target::Node(7)), Err("there is no server-7".to_owned()));
}

#[test]
fn whoever_is_cut_or_slow_already_is_left_alone() {
    let mut fleet = fleet(&[State::Live, State::Live], &[]);
    fleet.cut = [Client::Member(0), Client::Publisher(1)].into();
    fleet.slow = [1].into();
    let cut = || Kind::Cut(cut::Settings::default());
    let slow = || Kind::Slow(slow::Settings::default());
    assert_eq!(orders(cut(), Target::Member(0), &fleet), Err("c0 is cut already".to_owned()));
    assert_eq!(orders(cut(), Target::Publisher(1), &fleet), Err("p1 is cut already".to_owned()));
    assert_eq!(orders(cut(), Target::Publisher(2), &fleet), Err("there is no publisher p2".to_owned()));
    assert_eq!(orders(slow(), Target::Member(1), &fleet), Err("c1 is slow already".to_owned()));
    let struck = |kind| {
        orders(kind, Target::All, &fleet).expect("one is left").iter().map(|order| order.client()).collect::<Vec<_>>()
    };
    assert_eq!(struck(cut()), [Some(Client::Member(1))]);
    assert_eq!(struck(slow()), [Some(Client::Member(0))]);
    fleet.cut.insert(Client::Member(1));
    assert_eq!(orders(cut(), Target::Random, &fleet), Err("no member is alive and not cut".to_owned()));
}

#[test]
fn only_those_whom_a_cut_can_strike_run_through_the_relay() {
    let spec = |kind, target| Spec { kind, target, when: When { first: ms(1), again: None, jitter: ms(0) } };
    let cut = |target| spec(Kind::Cut(cut::Settings::default()), target);
    assert!(Relayed::by(&[spec(Kind::Kill, Target::All)]).is_empty());
    let some = Relayed::by(&[cut(Target::Member(2)), cut(Target::Publisher(0)), spec(Kind::Kill, Target::Member(1))]);
    assert_eq!(some.names(), ["c2", "p0"]);
    assert!(some.includes(Client::Member(2)) && some.includes(Client::Publisher(0)));
    assert!(!some.includes(Client::Member(1)) && !some.includes(Client::Publisher(2)));
    let all = Relayed::by(&[cut(Target::OwnerOf(3)), cut(Target::Member(2)), cut(Target::Publisher(1))]);
    assert_eq!(all.names(), ["members", "p1"]);
    assert!(all.includes(Client::Member(9)) && !all.includes(Client::Publisher(0)));
}

#[test]
fn a_slow_handler_takes_longer_by_a_factor_or_takes_a_time_of_its_own() {
    assert_eq!(Slowness::By(2.5).of(Some(ms(4))), Some(ms(10)));
    assert_eq!(Slowness::By(2.5).of(None), None);
    assert_eq!(Slowness::To(ms(7)).of(Some(ms(4))), Some(ms(7)));
    assert_eq!(Slowness::To(ms(7)).of(None), Some(ms(7)));
}

#[test]
fn what_is_filled_in_has_no_objections_and_means_the_same() {
    use cut::{How, Settings};
    for how in [How::Stall, How::Delay, How::Throttle, How::Reset, How::OneWay] {
        let settings = Settings { how, ..Settings::default() };
        let filled = settings.filled();
        assert_eq!(filled.objections(), []);
        assert_eq!((filled.cut(), filled.lasting()), (settings.cut(), settings.lasting()));
        let written = serde_json::to_value(&filled).expect("it is data");
        assert_eq!(serde_json::from_value::<Settings>(written).expect("the same data"), filled);
    }
}
