//! What a comparison says in sentences.

use super::columns;
use crate::model::comparison::ComparedRun;
use crate::model::report::RunState;
use crate::render::{number, summary};

/// The sentences, the weightiest first.
pub(super) fn of(rows: &[ComparedRun], price_of_order: Option<f64>) -> Vec<String> {
    let mut findings: Vec<String> = rows.iter().filter_map(doubt).collect();
    findings.extend(order(rows));
    findings.extend(losses(rows));
    findings.extend(price_of_order.map(|price| {
        format!(
            "Price of order: {price:.2}, which is handled_per_s of shared-pull ÷ ordered_per_s of lease-group (1.00 where \
             both keep up with what is offered)."
        )
    }));
    findings.extend(gaps(rows));
    findings
}

/// `handled_per_s` of `shared-pull` ÷ `ordered_per_s` of `lease-group`. A run that broke its promise, or cannot be
/// trusted, has no price.
pub(super) fn price_of_order(rows: &[ComparedRun]) -> Option<f64> {
    let rate = |strategy: &str, metric: &str| {
        let of_strategy = rows.iter().filter(|row| row.strategy == strategy && row.state == RunState::Complete);
        median(of_strategy.filter_map(|row| summary::run_value(&row.readings, &[metric], &[])).collect())
    };
    let ordered = rate("lease-group", "ordered_per_s").filter(|ordered| *ordered > 0.0)?;
    Some(rate("shared-pull", "handled_per_s")? / ordered)
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = values.get(middle).copied()?;
    if values.len().is_multiple_of(2) { Some((values.get(middle - 1)? + upper) / 2.0) } else { Some(upper) }
}

/// The verdict over all runs in one sentence.
pub(super) fn headline(rows: &[ComparedRun]) -> String {
    let named = |broke: bool| -> Vec<&str> {
        let wanted =
            |row: &&ComparedRun| summary::order_violations(&row.readings).is_some_and(|times| (times > 0) == broke);
        rows.iter().filter(wanted).map(|row| row.name.as_str()).collect()
    };
    let (held, broke) = (named(false), named(true));
    match (held.as_slice(), broke.as_slice()) {
        ([], []) => format!("{} side by side.", number::of(rows.len() as u64, "run")),
        (_, []) if held.len() == rows.len() => "Order held in every run.".to_owned(),
        ([], _) if broke.len() == rows.len() => "Order broke in every run.".to_owned(),
        _ if held.len() + broke.len() > 4 => {
            format!("Order held in {} of {}.", held.len(), number::of(rows.len() as u64, "run"))
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

fn order(rows: &[ComparedRun]) -> Option<String> {
    let told: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            let times = summary::order_violations(&row.readings)?;
            let name = &row.name;
            Some(match (times, row.promises.order_per_key) {
                (0, _) => format!("{name} never broke order"),
                (_, true) => format!("{name} broke order {}, against its promise", number::of(times, "time")),
                (_, false) => format!("{name} broke order {} and promises none", number::of(times, "time")),
            })
        })
        .collect();
    (!told.is_empty()).then(|| format!("{}.", told.join("; ")))
}

fn losses(rows: &[ComparedRun]) -> Option<String> {
    let lost: Vec<(&str, u64)> =
        rows.iter().filter_map(|row| Some((row.name.as_str(), summary::run_count(&row.readings, "lost")?))).collect();
    if lost.is_empty() {
        return None;
    }
    let some: Vec<String> = lost
        .iter()
        .filter(|(_, messages)| *messages > 0)
        .map(|(name, messages)| format!("{name} lost {}", number::of(*messages, "message")))
        .collect();
    let nothing = if lost.len() == rows.len() { "No run lost a message." } else { "No run that tells lost a message." };
    Some(if some.is_empty() { nothing.to_owned() } else { format!("{}.", some.join("; ")) })
}

fn gaps(rows: &[ComparedRun]) -> Vec<String> {
    let tell = |kind: &String| {
        let told: Vec<String> = rows
            .iter()
            .filter_map(|row| {
                let gap = row.gaps.iter().find(|gap| gap.kind == *kind)?;
                Some(format!("{} {}", row.name, number::ms(gap.affected_ms_max?)))
            })
            .collect();
        (!told.is_empty()).then(|| format!("Longest gap after a {kind}: {}.", told.join(", ")))
    };
    columns::fault_kinds(rows).iter().filter_map(tell).collect()
}
