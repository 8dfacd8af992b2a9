//! Explains one violation: what happened to its key and its partition around it, and what went wrong in words.
//!
//! Everything is read from the evidence again; of the report only the number of the violation counts.

mod events;
mod facts;
mod selection;
mod told;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::model::explanation::{Explanation, SCHEMA, View};
use crate::model::history::History;
use crate::model::report::Violation;
use crate::verdict::{self, Ledger};
use facts::Facts;

/// Of each kind so many are explained in the report itself, and so many in all.
const OF_A_KIND: usize = 2;
const IN_ALL: usize = 10;
/// How much of their history it shows.
const SHORT: View = View { around_ms: Some(2_000.0), events_max: Some(24) };

/// Explains violation `number`, from 1, of the list that a study of `history` gives; `None` when there is none.
#[must_use]
pub fn explain(history: &History, violations: &[Violation], number: u32, view: View) -> Option<Explanation> {
    judged(history, &verdict::judge(history), violations, number, view)
}

/// Explains the first violations of each kind, for a page that has no evidence beside it.
pub(super) fn first(history: &History, ledger: &Ledger, violations: &[Violation]) -> Vec<Explanation> {
    let mut of_kind: BTreeMap<&str, usize> = BTreeMap::new();
    let mut chosen = Vec::new();
    for (number, violation) in (1..).zip(violations) {
        let explained = of_kind.entry(&violation.kind).or_default();
        if *explained < OF_A_KIND && chosen.len() < IN_ALL {
            *explained += 1;
            chosen.push(number);
        }
    }
    chosen.into_iter().filter_map(|number| judged(history, ledger, violations, number, SHORT)).collect()
}

fn judged(
    history: &History,
    ledger: &Ledger,
    violations: &[Violation],
    number: u32,
    view: View,
) -> Option<Explanation> {
    let violation = violations.get((number as usize).checked_sub(1)?)?;
    let facts = Facts::new(history, ledger, violation);
    let told = told::tell(&facts);
    let found = events::all(&facts, &told.concerned);
    let (events, left_out_after) = selection::select(&facts, found, view);
    let manifest = &history.manifest;
    Some(Explanation {
        schema: SCHEMA.to_owned(),
        run: manifest.run_id.clone(),
        profile: manifest.profile.clone(),
        variant: manifest.variant.clone(),
        strategy: manifest.strategy.clone(),
        number,
        of: u32::try_from(violations.len()).unwrap_or(u32::MAX),
        violation: violation.clone(),
        view,
        events,
        left_out_after,
        told: told.sentences,
        damage: history.damage.clone(),
    })
}
