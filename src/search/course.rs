//! The course of a level over the measure phase: whether it grew by more than chance.

use crate::model::report::PhaseSpan;
use crate::model::search::Course;

/// So many standard deviations are still chance. More of them would hide an overload in a short trial; what they let through
/// by mistake, the trials that confirm find out.
const DEVIATIONS: f64 = 2.0;

/// Lateness by the second moves by so much on any machine that does something else, too.
const JITTER_MS: f64 = 50.0;

/// The course of a level: medians of the first and the last third of `phase`, so that a hiccup or a fault that is got
/// over within half a third does not count. None when one of these has fewer than `least` points.
pub(super) fn course(
    points: impl Iterator<Item = (f64, f64)>,
    phase: &PhaseSpan,
    least: usize,
    chance: f64,
) -> Option<Course> {
    let third = (phase.to_ms - phase.from_ms) / 3.0;
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for (at_ms, value) in points.filter(|(at_ms, _)| (phase.from_ms..phase.to_ms).contains(at_ms)) {
        if at_ms < phase.from_ms + third {
            first.push(value);
        } else if at_ms >= phase.to_ms - third {
            last.push(value);
        }
    }
    let enough = first.len().min(last.len()) >= least.max(1);
    enough.then(|| Course { first: median(&mut first), last: median(&mut last), chance })
}

/// By how many messages chance may raise a backlog in `seconds`: a queue that is offered just what it can do wanders with
/// the arrivals.
pub(super) fn chance_messages(rate_per_s: f64, seconds: f64) -> f64 {
    DEVIATIONS * (rate_per_s * seconds).max(0.0).sqrt()
}

/// By how many milliseconds chance may raise the lateness of the slowest of `lanes` that share a rate.
pub(super) fn chance_ms(rate_per_s: f64, lanes: u16, seconds: f64) -> f64 {
    let own = rate_per_s / f64::from(lanes.max(1));
    (chance_messages(own, seconds) / own.max(f64::MIN_POSITIVE) * 1e3).max(JITTER_MS)
}

/// The seconds between the middles of the first and the last third.
pub(super) fn between_thirds_s(measure_s: f64) -> f64 {
    measure_s * 2.0 / 3.0
}

pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::story::Phase;

    fn phase(seconds: f64) -> PhaseSpan {
        PhaseSpan { phase: Phase::Measure, from_ms: 500.0, to_ms: 500.0 + seconds * 1e3 }
    }

    /// A queue served at `capacity` and offered `rate`, sampled ten times a second; the noise is a given walk.
    fn queue(rate: f64, capacity: f64, seconds: f64, noise: &[f64]) -> Option<Course> {
        let mut level: f64 = 0.0;
        let steps = (seconds * 10.0) as usize;
        let points: Vec<(f64, f64)> = (0..steps)
            .map(|step| {
                let arrived = rate / 10.0 + noise.get(step).unwrap_or(&0.0) * (rate / 10.0).sqrt();
                level = (level + arrived - capacity / 10.0).max(0.0);
                (500.0 + step as f64 * 100.0, level)
            })
            .collect();
        course(points.into_iter(), &phase(seconds), 3, chance_messages(rate, between_thirds_s(seconds)))
    }

    proptest! {
        #[test]
        fn a_queue_with_room_to_spare_does_not_grow(noise in prop::collection::vec(-1.7f64..1.7, 100), rate in 200.0f64..50_000.0) {
            prop_assert!(!queue(rate, rate * 1.2, 10.0, &noise).expect("points").grew());
        }

        #[test]
        fn a_queue_that_is_offered_a_fifth_too_much_grows(noise in prop::collection::vec(-1.0f64..1.0, 100), rate in 500.0f64..50_000.0) {
            prop_assert!(queue(rate, rate / 1.2, 10.0, &noise).expect("points").grew());
        }
    }

    #[test]
    fn a_stall_that_is_got_over_is_no_growth() {
        let stall = |at: usize| if (75..87).contains(&at) { 1_000.0 } else { 10.0 };
        let points = (0..100).map(|at| (500.0 + at as f64 * 100.0, stall(at)));
        assert!(!course(points, &phase(10.0), 3, 50.0).expect("points").grew());
    }

    #[test]
    fn too_few_points_say_nothing() {
        let points = [(500.0, 1.0), (1_400.0, 9.0)];
        assert_eq!(course(points.into_iter(), &phase(1.0), 3, 1.0), None);
        assert_eq!(course([].into_iter(), &phase(1.0), 0, 1.0), None);
    }

    #[test]
    fn the_slowest_lane_sets_what_chance_may_do() {
        assert!((chance_messages(1_500.0, 6.0) - 189.7).abs() < 0.1);
        assert!(chance_ms(1_600.0, 4, 6.0) > chance_ms(1_600.0, 1, 6.0));
        assert!((chance_ms(1e9, 1, 1.0) - JITTER_MS).abs() < 1e-9);
    }
}
