//! Axes: from values to pixels, and the round values that deserve a label.

use crate::render::number;

/// How values become pixels. Values outside, and what is no number, are drawn at the edge or not at all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    log: bool,
}

impl Axis {
    /// An even axis from `low` to `high`, drawn between the pixels `from` and `to`.
    pub(super) fn linear(low: f64, high: f64, from: f64, to: f64) -> Self {
        let low = if low.is_finite() { low } else { 0.0 };
        let high = if high.is_finite() && high > low { high } else { low + 1.0 };
        Self { low, high, from, to, log: false }
    }

    /// A logarithmic axis over whole decades around the values that are above 0.
    pub(super) fn decades(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| value.is_finite() && *value > 0.0) {
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            (low, high) = (1.0, 10.0);
        }
        let low = 10f64.powf(low.clamp(1e-6, 1e12).log10().floor());
        let high = 10f64.powf(high.clamp(1e-6, 1e12).log10().ceil());
        let high = if high > low { high } else { low * 10.0 };
        Self { low, high, from, to, log: true }
    }

    /// A logarithmic axis from `low` to `high`, both above 0, with nothing around them.
    pub(super) fn logarithmic(low: f64, high: f64, from: f64, to: f64) -> Self {
        let low = if low.is_finite() { low.clamp(1e-6, 1e12) } else { 1.0 };
        let high = if high.is_finite() && high > low { high.min(1e15) } else { low * 10.0 };
        Self { low, high, from, to, log: true }
    }

    /// An even axis from 0 that holds all values, with a round top.
    pub(super) fn from_zero(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let high = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
        let step = round_step(high.max(1e-9), 4);
        Self::linear(0.0, if high > 0.0 { (high / step).ceil() * step } else { 1.0 }, from, to)
    }

    /// The pixel of a value; not a number when the value is none.
    pub(super) fn at(&self, value: f64) -> f64 {
        if !value.is_finite() {
            return f64::NAN;
        }
        let share = if self.log {
            (value.max(self.low).log10() - self.low.log10()) / (self.high.log10() - self.low.log10())
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Greatest value.
    pub(super) fn high(&self) -> f64 {
        self.high
    }

    /// Whole decades, and where there are few of them twice and five times each.
    pub(super) fn fine_ticks(&self) -> Vec<f64> {
        let decades = self.high.log10() - self.low.log10();
        let steps: &[f64] = if decades < 3.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let ticks = (first..=last).flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)));
        ticks.filter(|tick| *tick >= self.low * 0.999 && *tick <= self.high * 1.001).collect()
    }

    /// About `wanted` round values.
    pub(super) fn ticks(&self, wanted: usize) -> Vec<f64> {
        if self.log {
            let decades = (self.high.log10() - self.low.log10()).round() as i32;
            return (0..=decades).map(|decade| self.low * 10f64.powi(decade)).collect();
        }
        let step = round_step(self.high - self.low, wanted);
        let first = (self.low / step).ceil() as i64;
        (0..64).map(|index| (first + index) as f64 * step).take_while(|tick| *tick <= self.high + step * 1e-6).collect()
    }
}

/// A step of 1, 2 or 5 times a power of ten that divides a range into about so many.
fn round_step(range: f64, wanted: usize) -> f64 {
    let raw = (range / wanted.max(1) as f64).max(f64::MIN_POSITIVE);
    let power = 10f64.powf(raw.log10().floor());
    let step = match raw / power {
        r if r <= 1.0 => 1.0,
        r if r <= 2.0 => 2.0,
        r if r <= 5.0 => 5.0,
        _ => 10.0,
    };
    (step * power).max(f64::MIN_POSITIVE)
}

/// A tick of a number axis: `0`, `500`, `2k`, `1.5M`.
pub(super) fn short(value: f64) -> String {
    match value.abs() {
        s if s >= 1e9 => format!("{}G", number::plain(value / 1e9)),
        s if s >= 1e6 => format!("{}M", number::plain(value / 1e6)),
        s if s >= 1e4 => format!("{}k", number::plain(value / 1e3)),
        _ => number::plain(value),
    }
}

/// A tick of an axis of milliseconds: `10 µs`, `100 ms`, `1 s`.
pub(super) fn duration(value: f64) -> String {
    if value >= 1e3 { format!("{} s", number::plain(value / 1e3)) } else { number::ms(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(Axis::linear(0.0, 60.0, 0.0, 1.0).ticks(6), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0]);
        assert_eq!(Axis::decades([3.0, 1200.0].into_iter(), 0.0, 1.0).ticks(9), [1.0, 10.0, 100.0, 1000.0, 10_000.0]);
    }

    #[test]
    fn what_is_no_number_breaks_no_axis() {
        for axis in [
            Axis::linear(f64::NAN, f64::INFINITY, 0.0, 9.0),
            Axis::from_zero([].into_iter(), 0.0, 9.0),
            Axis::from_zero([f64::NAN, -3.0].into_iter(), 0.0, 9.0),
            Axis::from_zero([1e300].into_iter(), 0.0, 9.0),
            Axis::decades([f64::NAN, 0.0].into_iter(), 0.0, 9.0),
            Axis::decades([1e-300, 1e300].into_iter(), 0.0, 9.0),
        ] {
            assert!(axis.ticks(5).len() < 65);
            assert!(axis.at(f64::NAN).is_nan());
            assert!((0.0..=9.0).contains(&axis.at(5.0)));
        }
    }
}
