//! What a comparison says in sentences.

use std::collections::BTreeMap;

use super::columns;
use crate::model::comparison::{ComparedGap, ComparedRun, PriceOfOrder};
use crate::model::report::RunState;
use crate::render::repeats::Repeats;
use crate::render::{accounts, number, summary};

/// The sentences, the weightiest first.
pub(super) fn of(rows: &[ComparedRun], price_of_order: Option<&PriceOfOrder>) -> Vec<String> {
    let mut findings: Vec<String> = rows.iter().filter_map(doubt).collect();
    findings.extend(order(rows));
    findings.extend(losses(rows));
    findings.extend(accounts(rows));
    findings.extend(price_of_order.map(price));
    // Of many runs the table tells it better.
    if rows.len() <= super::SIDE_BY_SIDE_MAX {
        findings.extend(gaps(rows));
    }
    findings
}

/// What order costs, in a sentence that says what that means.
pub(in crate::render) fn price(price: &PriceOfOrder) -> String {
    let best = format!("{:.2} best mode against best mode", price.best_modes);
    let told = match price.equal_commit_mode {
        Some(equal) => format!("{equal:.2} at equal commit mode, {best}"),
        None => best,
    };
    format!(
        "Price of order: {told}. It is handled_per_s of shared-pull ÷ ordered_per_s of lease-group: below 1 order is the \
         faster way, and at 1.00 both may just keep up with what is offered."
    )
}

/// A run that broke its promise, or cannot be trusted, has no price.
pub(in crate::render) fn price_of_order(rows: &[ComparedRun]) -> Option<PriceOfOrder> {
    let rates = |strategy: &str, metric: &str| {
        let mut by_mode: BTreeMap<Option<String>, Vec<f64>> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.strategy == strategy && row.state == RunState::Complete) {
            let rate = summary::run_value(&row.readings, &[metric], &[]).filter(|rate| *rate > 0.0);
            by_mode.entry(row.commit_mode.clone()).or_default().extend(rate);
        }
        let medians = by_mode.into_iter().filter_map(|(mode, rates)| Some((mode, Repeats::of(rates).median()?)));
        medians.collect::<BTreeMap<Option<String>, f64>>()
    };
    let (unordered, ordered) = (rates("shared-pull", "handled_per_s"), rates("lease-group", "ordered_per_s"));
    let best = |rates: &BTreeMap<Option<String>, f64>| rates.values().copied().max_by(f64::total_cmp);
    let equal = unordered.iter().find_map(|(mode, unordered)| Some(unordered / ordered.get(mode)?));
    Some(PriceOfOrder { equal_commit_mode: equal, best_modes: best(&unordered)? / best(&ordered)? })
}

/// The verdict over all runs in one sentence.
pub(super) fn headline(rows: &[ComparedRun]) -> String {
    let (trusted, doubted): (Vec<&ComparedRun>, Vec<&ComparedRun>) =
        rows.iter().partition(|row| row.state != RunState::Invalid);
    match doubted.as_slice() {
        [] => order_in(&trusted, rows.len()),
        [one] if rows.len() == 1 => format!("{} cannot be trusted.", one.name),
        _ if trusted.is_empty() => "No run can be trusted.".to_owned(),
        [one] => format!("{} {} cannot be trusted.", order_in(&trusted, rows.len()), one.name),
        some => format!("{} {} runs cannot be trusted.", order_in(&trusted, rows.len()), some.len()),
    }
}

/// What order did in the runs that can be trusted, of so many.
fn order_in(rows: &[&ComparedRun], of: usize) -> String {
    let named = |broke: bool| -> Vec<&str> {
        let wanted =
            |row: &&&ComparedRun| summary::order_violations(&row.readings).is_some_and(|times| (times > 0) == broke);
        rows.iter().filter(wanted).map(|row| row.name.as_str()).collect()
    };
    let (held, broke) = (named(false), named(true));
    match (held.as_slice(), broke.as_slice()) {
        ([], []) => format!("{} side by side.", number::of(of as u64, "run")),
        (_, []) if held.len() == of => "Order held in every run.".to_owned(),
        ([], _) if broke.len() == of => "Order broke in every run.".to_owned(),
        _ if held.len() + broke.len() > 4 => {
            format!("Order held in {} of {}.", held.len(), number::of(of as u64, "run"))
        }
        (_, []) => format!("Order held in {}.", held.join(" and ")),
        ([], _) => format!("Order broke in {}.", broke.join(" and ")),
        _ => format!("Order held in {}, and broke in {}.", held.join(" and "), broke.join(" and ")),
    }
}

fn doubt(row: &ComparedRun) -> Option<String> {
    let why = row.state_reasons.first().map_or_else(String::new, |reason| format!(": {reason}"));
    match row.state {
        RunState::Invalid => Some(format!("{} cannot be trusted{why}.", row.name)),
        RunState::Interrupted => Some(format!("{} was stopped before its end{why}.", row.name)),
        RunState::Violated | RunState::Complete => None,
    }
}

/// The name of a run, with what a reader must know before taking a figure of it for good.
pub(super) fn named(row: &ComparedRun) -> String {
    match row.state {
        RunState::Invalid | RunState::Interrupted => format!("{} ({})", row.name, row.state),
        RunState::Violated | RunState::Complete => row.name.clone(),
    }
}

fn order(rows: &[ComparedRun]) -> Option<String> {
    let few = rows.len() <= super::SIDE_BY_SIDE_MAX;
    let mut told: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            let times = summary::order_violations(&row.readings)?;
            let name = named(row);
            Some(match (times, row.promises.order_per_key) {
                (0, _) if !few => return None,
                (0, _) => format!("{name} never broke order"),
                (_, true) => format!("{name} broke order {}, against its promise", number::of(times, "time")),
                (_, false) => format!("{name} broke order {} and promises none", number::of(times, "time")),
            })
        })
        .collect();
    if !few && rows.iter().any(|row| summary::order_violations(&row.readings) == Some(0)) {
        told.push(
            if told.is_empty() { "No run broke order" } else { "the others that tell never broke order" }.to_owned(),
        );
    }
    (!told.is_empty()).then(|| format!("{}.", told.join("; ")))
}

fn losses(rows: &[ComparedRun]) -> Option<String> {
    let told = rows.iter().filter_map(|row| Some((row, summary::run_count(&row.readings, "lost")?)));
    let told: Vec<(&ComparedRun, u64)> = told.collect();
    let some = told.iter().filter(|(_, messages)| *messages > 0);
    let mut parts: Vec<String> =
        some.map(|(row, messages)| format!("{} lost {}", named(row), number::of(*messages, "message"))).collect();
    if parts.is_empty() && !told.is_empty() {
        let who = if told.len() == rows.len() { "No run" } else { "No run that tells" };
        parts.push(format!("{who} lost a message"));
    }
    parts.extend(rows.iter().filter_map(|row| {
        let why = summary::loss_not_judged(row.state, &row.readings)?;
        Some(format!("{}: lost not judged ({why})", row.name))
    }));
    (!parts.is_empty()).then(|| format!("{}.", parts.join("; ")))
}

/// Whose balances can be relied on.
fn accounts(rows: &[ComparedRun]) -> Option<String> {
    let told = rows.iter().filter_map(|row| Some((row, accounts::is_sound(&row.readings)?)));
    let (sound, broken): (Vec<_>, Vec<_>) = told.partition(|(_, sound)| *sound);
    let right: Vec<String> = sound.iter().map(|(row, _)| named(row)).collect();
    let mut parts: Vec<String> = broken.iter().map(|(row, _)| trouble(row)).collect();
    if !right.is_empty() {
        parts.insert(0, format!("every account was kept right by {}", right.join(", ")));
    }
    (!parts.is_empty()).then(|| format!("Accounts: {}.", parts.join("; ")))
}

fn trouble(row: &ComparedRun) -> String {
    let count = |metric: &str| summary::run_count(&row.readings, metric);
    let overdrafts = number::of(count("overdrafts").unwrap_or(0), "overdraft");
    match count("wrong_balances") {
        Some(wrong) => {
            let accounts = number::of(count("accounts").unwrap_or(0), "balance");
            format!("{}: {overdrafts}, {} of {accounts} wrong", named(row), number::count(wrong))
        }
        None => format!("{}: {overdrafts}", named(row)),
    }
}

fn gaps(rows: &[ComparedRun]) -> Vec<String> {
    columns::fault_kinds(rows).iter().filter_map(|kind| after(kind, rows)).collect()
}

/// What the faults of one kind did in each run.
fn after(kind: &str, rows: &[ComparedRun]) -> Option<String> {
    let of_kind = || rows.iter().filter_map(|row| Some((row, row.gaps.iter().find(|gap| gap.kind == kind)?)));
    let gap = |(row, gap): (&ComparedRun, &ComparedGap)| {
        let cut = if gap.censored { " (window cut short)" } else { "" };
        Some(format!("{} {}{cut}", named(row), number::ms(gap.affected_ms_max?)))
    };
    let stranded = |(row, gap): (&ComparedRun, &ComparedGap)| {
        Some(format!("{} {}", named(row), columns::stranded(gap).tell(number::ms)?))
    };
    let mut parts: Vec<(&str, Vec<String>)> = vec![("longest gap", of_kind().filter_map(gap).collect())];
    // Where nothing was in flight in any run, there is nothing to tell.
    if of_kind().any(|(_, gap)| columns::stranded(gap).is_something()) {
        parts.push(("longest stranded", of_kind().filter_map(stranded).collect()));
    }
    parts.retain(|(_, told)| !told.is_empty());
    let parts: Vec<String> = parts.iter().map(|(what, told)| format!("{what} {}", told.join(", "))).collect();
    (!parts.is_empty()).then(|| format!("After a {kind}: {}.", parts.join("; ")))
}
