//! The words and figures of a search, the same in every format.

use crate::model::search::{Outcome, Search, Terms, Trial, Verdict};
use crate::render::number::{self, ABSENT};

/// How a search ended, as a word, a mark, and a class of the style sheet.
pub(super) struct Ending {
    pub mark: &'static str,
    pub class: &'static str,
    pub word: String,
}

/// How it ended.
pub(super) fn ending(search: &Search) -> Ending {
    let (mark, class) = match search.outcome {
        Some(Outcome::Found | Outcome::AtBound) => ("✔", "good"),
        Some(Outcome::NotSustained) => ("✘", "broken"),
        Some(Outcome::Generator | Outcome::Unfinished | Outcome::Invalid) => ("!", "doubt"),
        Some(Outcome::Interrupted) | None => ("■", "doubt"),
    };
    let word = search.outcome.map_or_else(|| "not ended".to_owned(), |outcome| outcome.to_string());
    Ending { mark, class, word }
}

/// The first finding: the answer.
pub(super) fn headline(search: &Search) -> &str {
    search.findings.first().map_or("", String::as_str)
}

/// Profile, variant, strategy.
pub(super) fn subject(search: &Search) -> String {
    let variant = search.variant.as_ref().map_or_else(String::new, |variant| format!(" / {variant}"));
    format!("{}{variant}, {}", search.profile, search.strategy)
}

/// The mark of a verdict.
pub(super) fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Sustained => "✔",
        Verdict::Behind | Verdict::Late | Verdict::Violated => "✘",
        Verdict::Generator | Verdict::Invalid => "!",
        Verdict::Interrupted => "■",
    }
}

/// The class of a verdict in the style sheet.
pub(super) fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Sustained => "good",
        Verdict::Behind | Verdict::Late | Verdict::Violated => "broken",
        Verdict::Generator | Verdict::Invalid | Verdict::Interrupted => "doubt",
    }
}

/// The heads of the figures of a trial.
pub(super) const FIGURES: [&str; 6] = ["offered", "stored", "in order", "p50", "p99", "max"];

/// The figures of a trial, under [`FIGURES`]: messages a second, and `end_to_end`.
pub(super) fn figures(trial: &Trial) -> [String; 6] {
    let seen = &trial.seen;
    let rate = |rate: Option<f64>| rate.map_or_else(|| ABSENT.to_owned(), number::plain);
    [
        number::plain(trial.rate_per_s),
        rate(seen.stored_per_s),
        rate(seen.ordered_per_s),
        number::ms_or_absent(seen.end_to_end_ms_p50),
        number::ms_or_absent(seen.end_to_end_ms_p99),
        number::ms_or_absent(seen.end_to_end_ms_max),
    ]
}

/// How the table is to be read.
pub(super) const LEGEND: &str =
    "offered, stored, in order: messages a second in the measure phase; p50, p99, max: end_to_end";

/// Why a trial was not sustained.
pub(super) fn why(trial: &Trial) -> String {
    trial.reasons.join("; ")
}

fn believed(agree: u32) -> String {
    if agree == 1 { "each trial".to_owned() } else { format!("when {agree} trials of one rate agree") }
}

/// The terms, name by name.
pub(super) fn terms(terms: &Terms) -> Vec<(&'static str, String)> {
    let rate = |rate: f64| format!("{} msg/s", number::plain(rate));
    vec![
        ("latency limit", format!("end_to_end p99 {}", number::ms(terms.end_to_end_ms_p99_max))),
        ("tolerance", format!("{} %", number::plain(terms.tolerance * 100.0))),
        (
            "rates",
            format!(
                "from {} to {}, first {}",
                rate(terms.least_per_s),
                rate(terms.most_per_s),
                rate(terms.first_per_s)
            ),
        ),
        ("believed", believed(terms.agree)),
        ("bounds", format!("{}, {}", number::of(terms.trials_max.into(), "trial"), number::ms(terms.within_s * 1e3))),
    ]
}
