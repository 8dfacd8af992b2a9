//! The hazards of a run in a sentence and in rows, for all formats that people read.

use super::number;
use crate::model::report::{HazardFinding, Report};

/// What is legal however often it happens.
const LEGAL: &str = "replay";

/// What was looked for and what was seen. Nothing for a report of an earlier version.
pub(super) fn sentence(report: &Report) -> Option<String> {
    if report.hazards.is_empty() {
        return None;
    }
    let looked_for = report.hazards.iter().filter(|hazard| hazard.count.is_some()).count();
    let known = report.hazards.len();
    let is_seen = |hazard: &&HazardFinding| hazard.id != LEGAL && hazard.count.is_some_and(|count| count > 0);
    let told = |hazard: &HazardFinding| {
        let promised = if hazard.promised { ", promised not to happen" } else { "" };
        format!("{} ({}{promised})", hazard.id, number::count(hazard.count.unwrap_or_default()))
    };
    let seen: Vec<String> = report.hazards.iter().filter(is_seen).map(told).collect();
    let what = if seen.is_empty() { "none was seen".to_owned() } else { format!("seen: {}", seen.join(", ")) };
    Some(format!("Of {known} known hazards {looked_for} were looked for; {what}."))
}

/// One hazard, as a table has it.
pub(super) struct Row<'a> {
    pub(super) hazard: &'a HazardFinding,
    /// How often, or that it was not looked for.
    pub(super) count: String,
}

/// All of them, by number.
pub(super) fn rows(report: &Report) -> Vec<Row<'_>> {
    let count = |hazard: &HazardFinding| hazard.count.map_or_else(|| "not looked for".to_owned(), number::count);
    report.hazards.iter().map(|hazard| Row { hazard, count: count(hazard) }).collect()
}
