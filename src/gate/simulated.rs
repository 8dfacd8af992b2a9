//! Gates simulated by the thousand: how often the same against itself alarms, and how often what is planted is found.
//!
//! The noise is what machines do: heavy tails, runs that resemble the run before, drift, a step in the middle; quantities of
//! a run share a part of it. Each gate looks to the end of the budget, which can only raise the alarms: a real one stops when
//! nothing is undecided. What the judge asks of a row is asked here in another order, the cheap before the dear; that the
//! answers are the same is a test of its own.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, StudentT};

use super::looks::{self, Planned};
use super::timing;
use crate::contrast::planted::{self, group};
use crate::contrast::{Choice, Group, Terms};
use crate::model::contrast::Outcome;
use crate::model::reading::Stat;

/// The quantities that a gate holds against the base: their noise from run to run, and from which share on they matter.
const QUANTITIES: [(f64, f64); 8] =
    [(0.05, 0.05), (0.05, 0.05), (0.08, 0.1), (0.2, 0.2), (0.2, 0.2), (0.3, 0.1), (0.3, 0.2), (0.05, 0.05)];
/// The one with the noise of a rate.
const RATE: usize = 0;
/// See above.
const GAP: usize = 5;
/// The default budget.
const BUDGET: (u32, u32) = (6, 16);

/// What a machine does to its runs.
#[derive(Clone, Copy, Debug)]
struct Noise {
    /// Student's t with three degrees of freedom in place of a normal distribution, and one run in twenty far off.
    heavy: bool,
    /// Share of the noise of the run before that is still there.
    memory: f64,
    /// From the first run to the last, up or down, as a share; and a step of half as much somewhere.
    drift: f64,
}

const CALM: Noise = Noise { heavy: false, memory: 0.0, drift: 0.0 };
const ALL: [(&str, Noise); 5] = [
    ("calm", CALM),
    ("heavy-tailed", Noise { heavy: true, ..CALM }),
    ("autocorrelated", Noise { memory: 0.7, ..CALM }),
    ("drifting", Noise { drift: 0.3, ..CALM }),
    ("all of it", Noise { heavy: true, memory: 0.7, drift: 0.3 }),
];

/// The values of one side, quantity by quantity.
type Values = [Vec<f64>; QUANTITIES.len()];

/// Base and head of one gate, the head's values times `factors`, made in turn to the end of the budget.
fn runs(noise: Noise, factors: [f64; QUANTITIES.len()], chance: &mut ChaCha8Rng) -> (Values, Values) {
    let tail = StudentT::new(3.0).expect("three degrees of freedom");
    let draw = |chance: &mut ChaCha8Rng| -> f64 {
        let value: f64 = if noise.heavy { tail.sample(chance) / 3f64.sqrt() } else { StandardNormal.sample(chance) };
        let far_off = noise.heavy && chance.random_range(0.0..1.0) < 0.05;
        // With the same spread as the rest has without: what is said of 30 % noise is said of 30 % here too.
        let spread = if noise.heavy { (1.0 + 0.05 * 0.95 * 25.0f64).sqrt() } else { 1.0 };
        (if far_off { value + 5.0 } else { value }) / spread
    };
    let all = 2 * BUDGET.1;
    let slope = noise.drift * chance.random_range(-1.0..1.0);
    let (step, step_at) = (noise.drift / 2.0 * chance.random_range(-1.0..1.0), chance.random_range(0..all));
    let (mut base, mut head) = (Values::default(), Values::default());
    let mut shared = draw(chance);
    let mut own = [0.0; QUANTITIES.len()];
    for index in 0..all {
        // Weighted so that the spread is the same whatever is remembered.
        let news = (1.0 - noise.memory.powi(2)).sqrt();
        shared = noise.memory * shared + news * draw(chance);
        let along = f64::from(index) / f64::from(all - 1) - 0.5;
        let moved = slope * along + if index >= step_at { step } else { 0.0 };
        for (quantity, (spread, _)) in QUANTITIES.iter().enumerate() {
            own[quantity] = noise.memory * own[quantity] + news * draw(chance);
            let value = 100.0 * (spread * (0.6 * shared + 0.8 * own[quantity]) + moved).exp();
            if looks::is_head(index) {
                head[quantity].push(value * factors[quantity]);
            } else {
                base[quantity].push(value);
            }
        }
    }
    (base, head)
}

/// Shares of all deals of `n` against `n` values in which so many pairs, or fewer, are in the rarer order.
fn tails(n: usize) -> Vec<f64> {
    // ways[k][u]: with k of the one side placed among what came so far, u pairs in that order.
    let mut ways = vec![vec![0.0f64; n * n + 1]; n + 1];
    ways[0][0] = 1.0;
    for rank in 0..2 * n {
        for k in (0..n).rev() {
            // The value of this rank is of the one side, and has rank − k of the other below it.
            let below = if rank >= k { rank - k } else { continue };
            for u in 0..=n * n {
                if below <= n && u + below <= n * n && ways[k][u] > 0.0 {
                    let more = ways[k][u];
                    ways[k + 1][u + below] += more;
                }
            }
        }
    }
    let total: f64 = ways[n].iter().sum();
    let mut sum = 0.0;
    ways[n]
        .iter()
        .map(|way| {
            sum += way;
            sum / total
        })
        .collect()
}

/// The tables of [`tails`] for every number of repeats.
fn tables() -> Vec<Vec<f64>> {
    (0..=BUDGET.1 as usize).map(tails).collect()
}

/// Whether a look of this risk calls anything worse.
fn alarms(base: &Values, head: &Values, look: Planned, tables: &[Vec<f64>]) -> bool {
    let n = look.repeats as usize;
    let rows = QUANTITIES.iter().enumerate().map(|(quantity, (_, matters))| {
        let (base, head) = (&base[quantity][..n], &head[quantity][..n]);
        let pooled = || base.iter().chain(head).copied();
        let is_even = pooled().fold(0.0, f64::max) <= pooled().fold(f64::INFINITY, f64::min) * (1.0 + matters);
        (base, head, *matters, is_even)
    });
    let mut tested: Vec<_> = rows
        .filter(|(.., is_even)| !is_even)
        .map(|(base, head, matters, _)| {
            let pairs = base.iter().map(|one| head.iter().filter(|two| *two > one).count()).sum::<usize>();
            let p = (2.0 * tables[n][pairs.min(n * n - pairs)]).min(1.0);
            (p, base, head, matters)
        })
        .collect();
    tested.sort_by(|(one, ..), (two, ..)| one.total_cmp(two));
    let family = tested.len();
    // Holm: from the rarest on, as long as each is rare enough for those that are left.
    let rare = tested.iter().enumerate().take_while(|(place, (p, ..))| p * (family - place) as f64 <= 2.0 * look.risk);
    rare.into_iter()
        .any(|(_, (_, base, head, matters))| planted::is_greater(base, head, *matters, 1.0 - 2.0 * look.risk))
}

/// After how many repeats a side a gate alarms, if it does.
fn alarmed_at(
    noise: Noise,
    factors: [f64; QUANTITIES.len()],
    tables: &[Vec<f64>],
    chance: &mut ChaCha8Rng,
) -> Option<u32> {
    let (base, head) = runs(noise, factors, chance);
    let looks = looks::plan(BUDGET.0, BUDGET.1);
    looks.into_iter().find(|look| alarms(&base, &head, *look, tables)).map(|look| look.repeats)
}

#[test]
fn the_same_against_itself_alarms_in_no_more_gates_than_was_promised() {
    let (tables, mut chance) = (tables(), ChaCha8Rng::seed_from_u64(21));
    let (each, mut sum) = (500, 0);
    for (name, noise) in ALL {
        let found = (0..each).filter(|_| alarmed_at(noise, [1.0; 8], &tables, &mut chance).is_some()).count();
        eprintln!("{name}: {found} alarms in {each} gates");
        assert!(found * 20 <= each, "{name}: {found} alarms in {each} gates");
        sum += found;
    }
    eprintln!("{sum} alarms in {} gates", each * ALL.len());
}

#[test]
fn what_is_planted_is_found_within_the_default_budget() {
    let (tables, mut chance) = (tables(), ChaCha8Rng::seed_from_u64(22));
    for (name, quantity, factor) in [("a slowdown by a fifth", RATE, 1.25), ("twice the gap", GAP, 2.0)] {
        let mut factors = [1.0; 8];
        factors[quantity] = factor;
        for (machine, noise) in ALL {
            let each = 100;
            let found: Vec<u32> = (0..each).filter_map(|_| alarmed_at(noise, factors, &tables, &mut chance)).collect();
            let mean = f64::from(found.iter().sum::<u32>()) / found.len().max(1) as f64;
            eprintln!("{name}, {machine}: found in {} of {each}, after {mean:.1} repeats a side", found.len());
            assert!(found.len() * 10 >= each * 9, "{name}, {machine}: found in {} of {each}", found.len());
        }
    }
}

#[test]
fn the_tables_are_those_of_the_rank_test() {
    let table = tails(6);
    let mut chance = ChaCha8Rng::seed_from_u64(23);
    for _ in 0..20 {
        let mut side = || (0..6).map(|_| chance.random_range(0.0..1.0)).collect::<Vec<f64>>();
        let (base, head) = (side(), side());
        let pairs = base.iter().map(|one| head.iter().filter(|two| *two > one).count()).sum::<usize>();
        let p = (2.0 * table[pairs.min(36 - pairs)]).min(1.0);
        assert!((planted::p_value(&base, &head).expect("values") - p).abs() < 1e-12, "{pairs}: {p}");
    }
}

#[test]
fn the_simulated_judge_says_what_the_real_one_says() {
    let (tables, mut chance) = (tables(), ChaCha8Rng::seed_from_u64(24));
    let terms = Terms { choice: Choice::Named(vec![("end_to_end".to_owned(), Some(Stat::P99))]), ..Terms::default() };
    let mut worse = 0;
    for _ in 0..12 {
        let mut factors = [1.0; 8];
        factors[4] = chance.random_range(1.0..2.0);
        let (base, head) = runs(CALM, factors, &mut chance);
        let filled = |name: &str, values: &[f64]| -> Group {
            let mut group = group(name, 8, 1.0);
            for ((_, digest), value) in group.runs.iter_mut().zip(values) {
                for reading in &mut digest.readings {
                    if reading.metric == "end_to_end" && reading.stat == Stat::P99 {
                        reading.value = Some(*value);
                    }
                }
            }
            group
        };
        let look = Planned { repeats: 8, risk: 0.025 };
        let real = timing::look(&filled("base", &base[4]), &filled("head", &head[4]), &terms, look).expect("alike");
        // Alone in its family, as the real one: the other quantities are even.
        let mut alone = [Values::default(), Values::default()];
        for (to, from) in alone.iter_mut().zip([&base, &head]) {
            for (place, values) in to.iter_mut().enumerate() {
                values.extend(if place == 4 { from[4].clone() } else { vec![100.0; 16] });
            }
        }
        let simulated = alarms(&alone[0], &alone[1], look, &tables);
        assert_eq!(real.outcome == Outcome::Worse, simulated, "{:?}", real.quantities);
        worse += u32::from(simulated);
    }
    assert!((2..12).contains(&worse), "{worse} of 12: the cases show both");
}
