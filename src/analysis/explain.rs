//! Explains one violation: what happened to its key and its partition around it, and what went wrong in words.
//!
//! Everything is read from the evidence again; of the report only the number of the violation counts.

mod events;
mod facts;
mod selection;
mod told;

#[cfg(test)]
mod tests;

use crate::model::explanation::{Explanation, SCHEMA, View};
use crate::model::history::History;
use crate::model::report::Violation;
use crate::verdict;
use facts::Facts;

/// Explains violation `number`, from 1, of the list that a study of `history` gives; `None` when there is none.
#[must_use]
pub fn explain(history: &History, violations: &[Violation], number: u32, view: View) -> Option<Explanation> {
    let violation = violations.get((number as usize).checked_sub(1)?)?;
    let ledger = verdict::judge(history);
    let facts = Facts::new(history, &ledger, violation);
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
