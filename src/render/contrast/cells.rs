//! The words and figures of a contrast, the same in every format.

pub(in crate::render) use crate::contrast::label;
use crate::model::contrast::{Difference, Outcome, Pair, Row, Rule, Sample, Side, Taken, Weight};
use crate::render::number::{self, ABSENT};

/// The verdict as a word with a mark.
pub(in crate::render) fn verdict(outcome: Outcome) -> String {
    format!("{} {outcome}", mark(outcome))
}

/// The mark alone.
pub(super) fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Same => "=",
        Outcome::Better => "✔",
        Outcome::Undecided => "?",
        Outcome::Worse => "✘",
        Outcome::Incomparable => "≠",
    }
}

/// Both sides of a row: the median, or the greatest count of what must not happen.
pub(in crate::render) fn sides(row: &Row) -> [String; 2] {
    [&row.base, &row.other].map(|sample: &Sample| match row.rule {
        Rule::Statistics => sample.median.map_or_else(|| ABSENT.to_owned(), |median| value(median, row)),
        Rule::AnyRise => greatest(sample).map_or_else(|| ABSENT.to_owned(), number::plain),
    })
}

fn greatest(sample: &Sample) -> Option<f64> {
    sample.values.iter().copied().max_by(f64::total_cmp)
}

/// A value with the unit of its row.
pub(in crate::render) fn value(value: f64, row: &Row) -> String {
    number::with_unit(Some(value), &row.unit)
}

/// `1.23`, to two decimals, to three around 1.
pub(in crate::render) fn ratio(row: &Row) -> String {
    row.ratio.map_or_else(|| ABSENT.to_owned(), times)
}

/// `1.18–1.31`.
pub(in crate::render) fn interval(row: &Row) -> String {
    row.interval.map_or_else(
        || ABSENT.to_owned(),
        |interval| format!("{}–{}", times(interval.low), interval.high.map_or_else(|| "∞".to_owned(), times)),
    )
}

fn times(ratio: f64) -> String {
    match ratio {
        ratio if !ratio.is_finite() => "∞".to_owned(),
        ratio if ratio >= 10.0 => number::plain(ratio),
        ratio => format!("{ratio:.2}"),
    }
}

/// The corrected p of a row that was tested.
pub(in crate::render) fn p(row: &Row) -> String {
    match row.p_adjusted {
        Some(p) if p < 0.001 => "<0.001".to_owned(),
        Some(p) => format!("{p:.3}"),
        None => ABSENT.to_owned(),
    }
}

/// The verdict of a row, with what it would take when there is none.
pub(in crate::render) fn row_verdict(row: &Row) -> String {
    match (row.outcome, row.repeats_needed) {
        (Outcome::Undecided, Some(repeats)) => format!("{} ({repeats})", verdict(row.outcome)),
        (outcome, _) => verdict(outcome),
    }
}

/// The rows worth a line, and the names of the counts that are 0 on both sides.
pub(super) fn shown(pair: &Pair) -> (Vec<&Row>, Vec<&str>) {
    worth_a_line(&pair.rows)
}

/// The same of rows wherever they stand.
pub(in crate::render) fn worth_a_line(rows: &[Row]) -> (Vec<&Row>, Vec<&str>) {
    let is_clean = |row: &&Row| {
        row.rule == Rule::AnyRise
            && row.outcome == Outcome::Same
            && row.base.values.iter().chain(&row.other.values).all(|value| *value == 0.0)
    };
    let clean = rows.iter().filter(is_clean).map(|row| row.metric.as_str()).collect();
    (rows.iter().filter(|row| !is_clean(row)).collect(), clean)
}

/// One sentence on the counts that are 0 on both sides.
pub(in crate::render) fn clean_line(clean: &[&str]) -> Option<String> {
    (!clean.is_empty()).then(|| format!("None on either side: {}.", clean.join(", ")))
}

/// How the table is to be read.
pub(super) fn notes(pair: &Pair, confidence: f64) -> Vec<String> {
    let mut notes = Vec::new();
    let tested = pair.rows.iter().filter(|row| row.p_adjusted.is_some()).count();
    if pair.rows.iter().any(|row| row.rule == Rule::Statistics) {
        notes.push(format!(
            "medians over repeats, and their ratio with its {:.0} % bootstrap interval; a difference must also pass Mann–Whitney, corrected for {} tested together",
            confidence * 100.0,
            if tested == 1 { "1 quantity".to_owned() } else { format!("{tested} quantities") },
        ));
    }
    if pair.rows.iter().any(|row| row.rule == Rule::AnyRise) {
        notes.push("counts of what must not happen: the worst repeat; any rise is worse".to_owned());
    }
    let told: Vec<String> =
        pair.rows.iter().filter_map(|row| Some(format!("{}: {}", label(row), row.note.as_ref()?))).collect();
    notes.extend(told);
    notes
}

/// `strategy.ttl: 2s → 4s`.
pub(in crate::render) fn difference(difference: &Difference) -> String {
    let told = |value: &Option<String>| value.clone().unwrap_or_else(|| "(none)".to_owned());
    format!("{}: {} → {}", difference.what, told(&difference.base), told(&difference.other))
}

/// What a difference means, in a word.
pub(in crate::render) fn weight(weight: Weight) -> &'static str {
    match weight {
        Weight::Unasked => "not asked for",
        Weight::Varied => "varied",
        Weight::Noted => "noted",
    }
}

/// One line on a side: what it is, and how many of its repeats were taken.
pub(in crate::render) fn side(side: &Side) -> String {
    let variant = side.variant.as_ref().map_or_else(String::new, |variant| format!(" / {variant}"));
    let whole = side.runs.iter().filter(|run| run.taken == Taken::Whole).count();
    let repeats = if whole == side.runs.len() {
        number::of(whole as u64, "repeat")
    } else {
        format!("{whole} of {} taken", number::of(side.runs.len() as u64, "repeat"))
    };
    format!("{}{variant}, {}, {repeats}", side.profile, side.strategy)
}

/// The repeats that were not taken whole, a sentence each.
pub(in crate::render) fn left_out(side: &Side) -> Vec<String> {
    let told = |run: &crate::model::contrast::SideRun| {
        let why = run.state_reasons.first().map_or_else(String::new, |why| format!(": {why}"));
        match run.taken {
            Taken::Whole => None,
            Taken::Correctness => {
                Some(format!("{} is {}, only its counts of what went wrong are taken{why}", run.name, run.state))
            }
            Taken::Nothing => Some(format!("{} is {} and not taken{why}", run.name, run.state)),
        }
    };
    side.runs.iter().filter_map(told).collect()
}

/// What must be said before any figure when sides were compared that are not comparable.
pub(in crate::render) const FORCED: &str = "Not comparable, and compared all the same because --force asks for it: a difference below may come from any of \
     what was not asked for";

/// What to do about a pair that is not comparable.
pub(in crate::render) const REMEDY: &str =
    "Measure both sides alike; or name what differs on purpose with --vary KEY; or look all the same with --force";

/// Over everything, in one sentence.
pub(super) fn headline(contrast: &crate::model::contrast::Contrast) -> String {
    let count = |pair: &Pair, outcome: Outcome| pair.rows.iter().filter(|row| row.outcome == outcome).count();
    let of_pair = |pair: &Pair| {
        let (side, base) = (&pair.side, &pair.base);
        let of = pair.rows.len();
        match pair.outcome {
            Outcome::Incomparable => format!("{side} and {base} are not comparable"),
            Outcome::Worse => {
                format!("{side} is worse than {base} in {} of {of} quantities", count(pair, Outcome::Worse))
            }
            Outcome::Better => {
                format!("{side} is better than {base} in {} of {of} quantities", count(pair, Outcome::Better))
            }
            Outcome::Same => format!("{side} and {base} are the same in all {of} quantities"),
            Outcome::Undecided => format!(
                "{side} against {base}: {} of {of} quantities are not decided yet",
                count(pair, Outcome::Undecided)
            ),
        }
    };
    let told: Vec<String> = contrast.pairs.iter().map(of_pair).collect();
    format!("{}.", told.join("; "))
}
