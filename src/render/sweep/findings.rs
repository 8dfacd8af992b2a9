//! What a sweep says in sentences, the weightiest first: doubts, order, the best cells, and how figures follow the axes.

use super::grid::{self, Line};
use super::price::{self, Prices};
use super::quantity::{self, ORDERED, Quantity, VIOLATIONS, is_taken};
use crate::model::comparison::ComparedRun;
use crate::model::reading::Stat;
use crate::model::report::RunState;
use crate::model::sweep::{Cell, Sweep};
use crate::render::{comparison, number};

/// So many are named; of more the table tells.
const NAMED_MAX: usize = 3;
/// Cells whose rates lie no further apart are the same for a reader.
const ALIKE: f64 = 1.05;
/// A step along an axis that brings less than this brings nothing.
const WORTH: f64 = 1.10;

/// All of it.
pub(super) fn of(sweep: &Sweep) -> Vec<String> {
    let mut findings: Vec<String> = doubts(sweep);
    findings.extend(order(sweep));
    findings.extend(losses(sweep));
    findings.extend(best(sweep));
    findings.extend(prices(sweep));
    for axis in grid::numeric(sweep) {
        let name = &sweep.axes[axis];
        if grid::is_lease_time(name) {
            findings.extend(quantity::kinds(sweep).iter().filter_map(|kind| follows(sweep, axis, kind)));
        } else if name.unit.as_deref() == Some("") {
            findings.extend(scaling(sweep, axis));
        }
    }
    findings
}

/// The verdict over all runs in one sentence.
pub(super) fn headline(sweep: &Sweep) -> String {
    let runs: Vec<&ComparedRun> = sweep.cells.iter().flat_map(|cell| &cell.runs).collect();
    if runs.is_empty() {
        return "No run was made yet.".to_owned();
    }
    if !runs.iter().any(|run| is_taken(run)) {
        return "No run can be trusted.".to_owned();
    }
    let told: Vec<(&Cell, f64)> = sweep.cells.iter().filter_map(|cell| Some((cell, VIOLATIONS.value(cell)?))).collect();
    let broke: Vec<&Cell> = told.iter().filter(|(_, times)| *times > 0.0).map(|(cell, _)| *cell).collect();
    let against = broke.iter().filter(|cell| promises_order(cell)).count();
    match (told.len(), broke.len()) {
        (0, _) => format!("{} in {}.", number::of(runs.len() as u64, "run"), cells(sweep.cells.len())),
        (1, 0) => "Order held.".to_owned(),
        (2, 0) => "Order held in both cells.".to_owned(),
        (all, 0) => format!("Order held in all {}.", cells(all)),
        (all, some) if against > 0 => {
            format!("Order broke in {some} of {}, against a promise in {against}.", cells(all))
        }
        (all, some) => {
            let who = if some == 1 { "which promises none" } else { "none of which promises it" };
            format!("Order broke in {some} of {}, {who}.", cells(all))
        }
    }
}

fn cells(many: usize) -> String {
    number::of(many as u64, "cell")
}

/// Whether it was promised in every run that is taken.
pub(super) fn promises_order(cell: &Cell) -> bool {
    cell.runs.iter().find(|run| is_taken(run)).is_some_and(|run| run.promises.order_per_key)
}

/// Runs that give no figures, and those that were not made.
fn doubts(sweep: &Sweep) -> Vec<String> {
    let mut told = Vec::new();
    let runs = || sweep.cells.iter().flat_map(|cell| &cell.runs);
    for (state, what) in [
        (RunState::Invalid, "cannot be trusted and gives no figures"),
        (RunState::Interrupted, "was stopped before its end and gives no figures"),
    ] {
        let doubted: Vec<&ComparedRun> = runs().filter(|run| run.state == state).collect();
        let why = |run: &&ComparedRun| {
            let why = run.state_reasons.first().map_or_else(String::new, |why| format!(" ({why})"));
            format!("{}{why}", run.name)
        };
        match doubted.as_slice() {
            [] => {}
            [one] => told.push(format!("1 of {} runs {what}: {}.", runs().count(), why(one))),
            some => {
                let what = what.replace("gives", "give").replace("was", "were");
                let names: Vec<String> = some.iter().take(NAMED_MAX).map(why).collect();
                let more = more(some.len());
                told.push(format!("{} of {} runs {what}: {}{more}.", some.len(), runs().count(), names.join(", ")));
            }
        }
    }
    if sweep.made < sweep.planned {
        told.push(format!(
            "{} of {} planned runs were made: a median stands on fewer repeats, and may yet move.",
            number::count(sweep.made.into()),
            number::count(sweep.planned.into())
        ));
    }
    let left_out = sweep.cells.iter().filter(|cell| cell.left_out.is_some()).count();
    if left_out > 0 {
        let is = if left_out == 1 { "is" } else { "are" };
        told.push(format!("{left_out} of {} {is} left out; the table says why.", cells(sweep.cells.len())));
    }
    told
}

fn more(all: usize) -> String {
    if all > NAMED_MAX { format!(" and {} more", all - NAMED_MAX) } else { String::new() }
}

/// The names of these cells, with what is told of each.
fn named(sweep: &Sweep, cells: &[(&Cell, f64)], tell: impl Fn(f64) -> String) -> String {
    let one = |(cell, value): &(&Cell, f64)| format!("{} ({})", grid::name_of(sweep, cell), tell(*value));
    let told: Vec<String> = cells.iter().take(NAMED_MAX).map(one).collect();
    format!("{}{}", told.join(", "), more(cells.len()))
}

fn order(sweep: &Sweep) -> Vec<String> {
    let broke = sweep.cells.iter().filter_map(|cell| Some((cell, VIOLATIONS.value(cell)?)));
    let mut broke: Vec<(&Cell, f64)> = broke.filter(|(_, times)| *times > 0.0).collect();
    broke.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let (against, none): (Vec<_>, Vec<_>) = broke.into_iter().partition(|(cell, _)| promises_order(cell));
    let times = |times: f64| number::of(times as u64, "time");
    let mut told = Vec::new();
    if !against.is_empty() {
        told.push(format!("Order broke against its promise: {}.", named(sweep, &against, times)));
    }
    if !none.is_empty() {
        told.push(format!("Order broke where none is promised: {}.", named(sweep, &none, times)));
    }
    told
}

fn losses(sweep: &Sweep) -> Option<String> {
    let lost = Quantity::Count("lost");
    let told: Vec<(&Cell, f64)> = sweep.cells.iter().filter_map(|cell| Some((cell, lost.value(cell)?))).collect();
    let mut some: Vec<(&Cell, f64)> = told.iter().copied().filter(|(_, messages)| *messages > 0.0).collect();
    some.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    match (told.as_slice(), some.as_slice()) {
        ([], _) => None,
        (_, []) => Some("No cell lost a message.".to_owned()),
        _ => Some(format!("Messages were lost: {}.", named(sweep, &some, |many| number::of(many as u64, "message")))),
    }
}

/// The cells that kept their promises, with a value.
fn sound<'a>(sweep: &'a Sweep, quantity: &'a Quantity) -> impl Iterator<Item = (&'a Cell, f64)> {
    let good = |cell: &&Cell| !cell.runs.iter().any(|run| run.state == RunState::Violated);
    sweep.cells.iter().filter(good).filter_map(|cell| Some((cell, quantity.value(cell)?)))
}

/// Most in order, and soonest. Where cells do not differ there is no best one.
fn best(sweep: &Sweep) -> Option<String> {
    let rates: Vec<(&Cell, f64)> = sound(sweep, &ORDERED).collect();
    let (best, most) = rates.iter().copied().max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    let least = rates.iter().map(|(_, rate)| *rate).fold(f64::INFINITY, f64::min);
    if rates.len() < 2 {
        return None;
    }
    let with_range = |quantity: &Quantity, cell: &Cell| {
        let range = quantity.range(cell).map_or_else(String::new, |range| format!(" ({range})"));
        format!("{}{range}", quantity.cell(cell))
    };
    let latency = Quantity::Latency(Stat::P99);
    let latest = sound(sweep, &latency).map(|(_, ms)| ms).fold(0.0, f64::max);
    let soonest = sound(sweep, &latency).min_by(|(_, one), (_, other)| one.total_cmp(other));
    let soonest = soonest.filter(|(_, ms)| latest > ms * ALIKE);
    let soonest = soonest.map_or_else(String::new, |(cell, _)| {
        format!(" The lowest end_to_end p99: {}, {}.", grid::name_of(sweep, cell), with_range(&latency, cell))
    });
    Some(if most <= least * ALIKE {
        format!(
            "ordered_per_s is alike in every cell, {}: each keeps up with what is offered, or all meet one limit.{soonest}",
            between(number::plain(least), number::plain(most))
        )
    } else {
        format!(
            "The most in order: {}, {} ordered_per_s.{soonest}",
            grid::name_of(sweep, best),
            with_range(&ORDERED, best)
        )
    })
}

fn between(least: String, most: String) -> String {
    if least == most { most } else { format!("{least} to {most}") }
}

fn prices(sweep: &Sweep) -> Vec<String> {
    let all = price::all(sweep);
    if let [Prices { price: Some(price), .. }] = all.as_slice() {
        return vec![comparison::price(price)];
    }
    let told = |(under, price): (&str, f64)| format!("{price:.2} at {under}");
    let range = |pick: fn(&Prices) -> Option<f64>| {
        let prices = all.iter().filter_map(|prices| Some((prices.under.as_str(), pick(prices)?)));
        let mut prices: Vec<(&str, f64)> = prices.collect();
        prices.sort_by(|(_, one), (_, other)| one.total_cmp(other));
        let (first, last) = (prices.first().copied()?, prices.last().copied()?);
        (prices.len() > 1).then(|| format!("from {} to {}", told(first), told(last)))
    };
    let equal = range(|prices| prices.price?.equal_commit_mode);
    let best = range(|prices| Some(prices.price?.best_modes)).filter(|best| equal.as_ref() != Some(best));
    let told = |(what, range): (&str, Option<String>)| Some(format!("Price of order {what}: {}.", range?));
    [("at equal commit mode", equal), ("best mode against best mode", best)].into_iter().filter_map(told).collect()
}

/// The values of a line, as (place in the axis as a number, its label, value).
fn along<'a>(sweep: &'a Sweep, line: &Line, axis: usize, quantity: &Quantity) -> Vec<(f64, &'a str, f64)> {
    let cells = line.cells.iter().map(|cell| &sweep.cells[*cell]);
    let mut values: Vec<(f64, &str, f64)> = cells
        .filter_map(|cell| Some((grid::at(sweep, cell, axis)?, grid::label(sweep, cell, axis), quantity.value(cell)?)))
        .collect();
    values.sort_by(|(one, ..), (other, ..)| one.total_cmp(other));
    values
}

fn of_line(line: &Line) -> String {
    if line.name.is_empty() { String::new() } else { format!("{}: ", line.name) }
}

/// How the gap after a kind of fault follows the lease time.
fn follows(sweep: &Sweep, axis: usize, kind: &str) -> Option<String> {
    let gap = Quantity::Gap(kind.to_owned());
    let name = &sweep.axes[axis].name;
    let told = |line: &Line| {
        let values = along(sweep, line, axis, &gap);
        let (first, last) = (values.first().copied()?, values.last().copied()?);
        if first.0 <= 0.0 || last.0 <= first.0 || first.2 <= 0.0 {
            return None;
        }
        let (grew, asked) = (last.2 / first.2, last.0 / first.0);
        let times = |(ttl, label, gap): (f64, &str, f64)| format!("{:.2} × {label}", gap / (ttl * 1e3));
        // In decades: 1 is in proportion, 0 is not at all.
        let follows = grew.max(f64::MIN_POSITIVE).ln() / asked.ln();
        Some(if follows > 0.5 {
            format!(
                "{}it follows {name}, from {} ({}) to {} ({})",
                of_line(line),
                times(first),
                number::ms(first.2),
                times(last),
                number::ms(last.2)
            )
        } else {
            let gaps = values.iter().map(|(.., gap)| *gap);
            let (least, most) =
                gaps.fold((f64::INFINITY, 0.0f64), |(least, most), gap| (least.min(gap), most.max(gap)));
            format!("{}it does not follow {name}: {}", of_line(line), between(number::ms(least), number::ms(most)))
        })
    };
    let told: Vec<String> = grid::lines(sweep, axis).iter().filter_map(told).take(2 * NAMED_MAX).collect();
    (!told.is_empty()).then(|| format!("The longest gap after a {kind}: {}.", told.join("; ")))
}

/// From which value of an axis on more of it brings less than a tenth.
fn scaling(sweep: &Sweep, axis: usize) -> Option<String> {
    let of = &sweep.axes[axis];
    let told = |line: &Line| {
        let values = along(sweep, line, axis, &ORDERED);
        (values.len() > 1).then(|| format!("{}{}", of_line(line), scales(&values)))
    };
    let told: Vec<String> = grid::lines(sweep, axis).iter().filter_map(told).take(2 * NAMED_MAX).collect();
    (!told.is_empty()).then(|| format!("ordered_per_s over {}: {}.", of.name, told.join("; ")))
}

fn scales(values: &[(f64, &str, f64)]) -> String {
    let most = |values: &[(f64, &str, f64)]| values.iter().map(|(.., rate)| *rate).fold(0.0, f64::max);
    let end = (0..values.len()).find(|at| most(&values[at + 1..]) < values[*at].2 * WORTH).unwrap_or(0);
    let ((_, first_label, first), (_, label, rate)) = (values[0], values[end]);
    let (_, last_label, last) = values[values.len() - 1];
    let falls = last * WORTH < rate;
    let then = if falls { format!(", and falls to {} at {last_label}", number::plain(last)) } else { String::new() };
    let grown = format!("{}, {} × that at {first_label}", number::plain(rate), number::plain(rate / first.max(1e-9)));
    match end {
        0 if falls => format!("greatest at {label} ({}){then}", number::plain(rate)),
        0 => format!("more than {label} brings less than 10 % ({})", number::plain(rate)),
        end if end + 1 == values.len() => format!("still grows at {label} ({grown})"),
        _ => format!("more than {label} brings less than 10 % ({grown}){then}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::planted;
    use super::*;

    fn says(sweep: &Sweep, sentence: &str) {
        assert!(sweep.findings.iter().any(|told| told == sentence), "{sentence}\n{:#?}", sweep.findings);
    }

    fn scaled(rates: &[f64]) -> String {
        let labels = ["1", "2", "4", "8", "16"];
        let values = rates.iter().zip(labels).map(|(rate, label)| (label.parse().expect("a number"), label, *rate));
        scales(&values.collect::<Vec<_>>())
    }

    #[test]
    fn scaling_ends_where_more_brings_less_than_a_tenth() {
        for (rates, told) in [
            (&[100.0, 200.0, 400.0][..], "still grows at 4 (400, 4 × that at 1)"),
            (&[100.0, 190.0, 200.0, 205.0], "more than 2 brings less than 10 % (190, 1.9 × that at 1)"),
            (&[100.0, 300.0, 150.0], "more than 2 brings less than 10 % (300, 3 × that at 1), and falls to 150 at 4"),
            (&[100.0, 101.0, 99.0], "more than 1 brings less than 10 % (100)"),
            (&[100.0, 60.0], "greatest at 1 (100), and falls to 60 at 2"),
            // A dip on the way is no end.
            (&[100.0, 90.0, 400.0], "still grows at 4 (400, 4 × that at 1)"),
            (&[0.0, 0.0], "more than 1 brings less than 10 % (0)"),
        ] {
            assert_eq!(scaled(rates), told);
        }
    }

    proptest! {
        #[test]
        fn whatever_the_rates_an_end_is_told(rates in prop::collection::vec(0.0..1e9f64, 2..5)) {
            let told = scaled(&rates);
            prop_assert!(!told.contains("NaN") && !told.contains("inf"), "{}", told);
        }
    }

    #[test]
    fn a_gap_follows_the_lease_time_or_does_not() {
        let sweep = planted::lease_time();
        says(
            &sweep,
            "The longest gap after a kill: it follows strategy.ttl, from 1.11 × 0.5s (556 ms) to 1.00 × 10s (10 s).",
        );
        says(&sweep, "The longest gap after a leave: it does not follow strategy.ttl: 13.3 ms.");
        says(
            &sweep,
            "ordered_per_s is alike in every cell, 1,998: each keeps up with what is offered, or all meet one \
                      limit. The lowest end_to_end p99: ttl 0.5s, 350 ms (339–361 ms).",
        );
    }

    #[test]
    fn order_has_a_price_under_each_circumstance_and_none_pooled_over_them() {
        let sweep = planted::price_by_members();
        assert_eq!(sweep.price_of_order, None);
        says(&sweep, "Price of order at equal commit mode: from 0.90 at members 1 to 1.17 at members 8.");
        let price = planted::twenty().price_of_order.expect("both were run");
        assert!(price.best_modes > 1.0 && price.equal_commit_mode.is_some());
        assert_eq!(planted::scaling().price_of_order, None);
    }

    #[test]
    fn a_broken_promise_comes_before_what_never_was_promised() {
        let sweep = planted::twenty();
        let at = |start: &str| sweep.findings.iter().position(|told| told.starts_with(start)).expect(start);
        assert!(
            at("Order broke against its promise: lease-group with a rather long name 4 (3 times).")
                > at("1 of 60 runs")
        );
        assert!(at("Order broke against") < at("Order broke where none is promised"));
        // What broke its promise is not praised.
        assert!(!sweep.findings[at("The most in order")].contains("name 4,"));
    }

    #[test]
    fn headlines() {
        for (sweep, told) in [
            (planted::nothing(), "No run was made yet."),
            (planted::two(), "Order held in both cells."),
            (planted::price_by_members(), "Order broke in 4 of 8 cells, none of which promises it."),
            (planted::twenty(), "Order broke in 11 of 20 cells, against a promise in 1."),
        ] {
            assert_eq!(headline(&sweep), told);
        }
    }
}
