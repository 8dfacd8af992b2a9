//! What a comparison says in sentences.

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
            "Price of order: shared-pull handles {} messages for each one that lease-group handles in order.",
            number::plain(price)
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
            let promise = match (times, row.promises.order_per_key) {
                (0, _) => "",
                (_, true) => ", against its promise",
                (_, false) => ", and promises none",
            };
            let times = if times == 0 { "never".to_owned() } else { number::of(times, "time") };
            Some(format!("{} broke order {times}{promise}", row.name))
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
    let mut kinds: Vec<&str> = Vec::new();
    for gap in rows.iter().flat_map(|row| &row.gaps) {
        if !kinds.contains(&gap.kind.as_str()) {
            kinds.push(&gap.kind);
        }
    }
    let tell = |kind: &str| {
        let told: Vec<String> = rows
            .iter()
            .filter_map(|row| {
                let gap = row.gaps.iter().find(|gap| gap.kind == kind)?;
                Some(format!("{} {}", row.name, number::ms(gap.affected_ms_max?)))
            })
            .collect();
        (!told.is_empty()).then(|| format!("Longest gap after a {kind}: {}.", told.join(", ")))
    };
    kinds.into_iter().filter_map(tell).collect()
}
