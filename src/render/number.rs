//! Numbers as people read them: grouped, with a unit, with no more digits than they deserve.

/// What stands where nothing was observed. Never 0 in its place.
pub(super) const ABSENT: &str = "–";

/// An integer in groups of three: `1,234,567`.
pub(super) fn count(value: u64) -> String {
    grouped(&value.to_string())
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with about three significant digits, grouped: `0.042`, `4.2`, `42.3`, `1,234`.
pub(super) fn plain(value: f64) -> String {
    if !value.is_finite() {
        return ABSENT.to_owned();
    }
    let size = value.abs();
    let decimals: usize = match size {
        0.0 => 0,
        s if s >= 100.0 || s.fract() == 0.0 => 0,
        s if s >= 10.0 => 1,
        s if s >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{size:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let sign = if value < 0.0 && text.bytes().any(|digit| matches!(digit, b'1'..=b'9')) { "-" } else { "" };
    let dot = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{dot}{fraction}", grouped(whole))
}

/// A length of time given in milliseconds, in the unit that suits it.
pub(super) fn ms(value: f64) -> String {
    match value.abs() {
        _ if !value.is_finite() => ABSENT.to_owned(),
        0.0 => "0 ms".to_owned(),
        s if s < 0.1 => format!("{} µs", plain(value * 1e3)),
        s if s < 10_000.0 => format!("{} ms", plain(value)),
        s if s < 600_000.0 => format!("{} s", plain(value / 1e3)),
        _ => format!("{} min", plain(value / 60e3)),
    }
}

/// From one length of time to another, the unit once where both have the same: `1,780–1,919 ms`.
pub(super) fn ms_between(from: f64, to: f64) -> String {
    let (from, to) = (ms(from), ms(to));
    match (from.rsplit_once(' '), to.rsplit_once(' ')) {
        (Some((number, one)), Some((_, other))) if one == other => format!("{number}–{to}"),
        _ => format!("{from} – {to}"),
    }
}

/// A length of time where there may be none.
pub(super) fn ms_or_absent(value: Option<f64>) -> String {
    value.map_or_else(|| ABSENT.to_owned(), ms)
}

/// An instant of the run: seconds since its start.
pub(super) fn instant(at_ms: f64) -> String {
    if at_ms.is_finite() { format!("{:.2} s", at_ms / 1e3) } else { ABSENT.to_owned() }
}

/// A value and its unit, apart.
pub(super) fn and_unit(value: Option<f64>, unit: &str) -> (String, String) {
    let text = with_unit(value, unit);
    match text.split_once(' ') {
        Some((number, unit)) => (number.to_owned(), unit.to_owned()),
        None => (text, String::new()),
    }
}

/// A value with the unit of its reading.
pub(super) fn with_unit(value: Option<f64>, unit: &str) -> String {
    match (value, unit) {
        (None, _) => ABSENT.to_owned(),
        (Some(value), _) if !value.is_finite() => ABSENT.to_owned(),
        (Some(value), "ms") => ms(value),
        (Some(value), "count" | "") => plain(value),
        (Some(value), unit) => format!("{} {unit}", plain(value)),
    }
}

/// `1 message`, `2 messages`.
pub(super) fn of(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// Bytes in GiB or MiB.
pub(super) fn bytes(value: u64) -> String {
    let gib = value as f64 / f64::from(1 << 30);
    if gib >= 1.0 { format!("{} GiB", plain(gib)) } else { format!("{} MiB", plain(gib * 1024.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_carry_no_more_digits_than_they_deserve() {
        for (value, text) in [
            (0.0, "0"),
            (0.0421, "0.042"),
            (4.2, "4.2"),
            (42.34, "42.3"),
            (1234.5, "1,234"),
            (1e6, "1,000,000"),
            (-12.0, "-12"),
            (-0.0001, "0"),
            (f64::NAN, ABSENT),
            (f64::INFINITY, ABSENT),
        ] {
            assert_eq!(plain(value), text);
        }
    }

    #[test]
    fn two_times_name_their_unit_once() {
        assert_eq!(ms_between(1780.2, 1919.4), "1,780–1,919 ms");
        assert_eq!(ms_between(980.0, 12_000.0), "980 ms – 12 s");
        assert_eq!(ms_between(f64::NAN, 3.0), "– – 3 ms");
    }

    #[test]
    fn times_choose_their_unit() {
        for (value, text) in [
            (0.0, "0 ms"),
            (0.05, "50 µs"),
            (0.5, "0.5 ms"),
            (2310.4, "2,310 ms"),
            (12_300.0, "12.3 s"),
            (6e5, "10 min"),
        ] {
            assert_eq!(ms(value), text);
        }
    }
}
