//! Violations that stand too close to be told apart, gathered into one mark with their number.

use super::timeline::Timeline;
use crate::model::report::Violation;

/// Violations of one partition that stand too close to be told apart.
pub(super) struct Cluster<'a> {
    /// The first of them.
    pub first: &'a Violation,
    /// How many.
    pub number: usize,
    /// Pixel of the first.
    pub from: f64,
    /// Pixel of the last.
    pub to: f64,
}

/// Marks that stand so far apart can be told apart.
const APART: f64 = 9.0;

/// All of them, by partition. What is missing and what is out of place are never gathered into one. Behind a cluster of several
/// `room` is kept free, for their number.
pub(super) fn clusters<'a>(violations: &'a [Violation], timeline: &Timeline, room: f64) -> Vec<Cluster<'a>> {
    let mut sorted: Vec<&Violation> = violations.iter().filter(|violation| violation.at_ms.is_finite()).collect();
    sorted.sort_by(|one, other| {
        (one.partition, is_absence(&one.kind))
            .cmp(&(other.partition, is_absence(&other.kind)))
            .then(one.at_ms.total_cmp(&other.at_ms))
    });
    let mut clusters: Vec<Cluster<'a>> = Vec::new();
    for violation in sorted {
        let x = timeline.x(violation.at_ms);
        match clusters.last_mut() {
            Some(last)
                if last.first.partition == violation.partition
                    && is_absence(&last.first.kind) == is_absence(&violation.kind)
                    && x - last.to < if last.number > 1 { room.max(APART) } else { APART } =>
            {
                last.to = x;
                last.number += 1;
            }
            _ => clusters.push(Cluster { first: violation, number: 1, from: x, to: x }),
        }
    }
    clusters
}

/// Whether a message came too early, too late or twice over: what order is.
pub(super) fn is_order(kind: &str) -> bool {
    ["skipped", "late", "regressed"].contains(&kind)
}

/// Whether a violation is about a message that is missing or made up, rather than out of place.
pub(super) fn is_absence(kind: &str) -> bool {
    matches!(kind, "lost" | "phantom")
}
