//! Who is who among the owners: members in a natural order, each with its colour, and where two owned at once.

use std::collections::BTreeMap;

use super::palette::{Ink, OWNERS};
use crate::model::report::OwnershipSpan;

/// The members that ever owned something.
pub(super) struct Owners {
    members: BTreeMap<(String, u64, String), usize>,
}

impl Owners {
    /// Of these spans.
    pub(super) fn of(spans: &[OwnershipSpan]) -> Self {
        let mut members: BTreeMap<_, usize> = spans.iter().map(|span| (natural(member(&span.owner)), 0)).collect();
        for (number, place) in members.values_mut().enumerate() {
            *place = number;
        }
        Self { members }
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Names in order, with their colours.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, u8)> {
        self.members.iter().map(|((.., name), place)| (name.as_str(), color(*place)))
    }

    /// The colour of an incarnation's member.
    pub(super) fn number(&self, owner: &str) -> u8 {
        self.members.get(&natural(member(owner))).map_or(0, |place| color(*place))
    }

    /// The fill of an incarnation's member.
    pub(super) fn ink(&self, owner: &str) -> Ink {
        Ink::Owner(self.number(owner))
    }
}

fn color(place: usize) -> u8 {
    (place % usize::from(OWNERS)) as u8
}

/// `c3` of `c3.2`.
pub(super) fn member(incarnation: &str) -> &str {
    incarnation.rsplit_once('.').map_or(incarnation, |(member, _)| member)
}

/// Whether it is a later life of its member: `c3.2`.
pub(super) fn is_later_life(incarnation: &str) -> bool {
    incarnation.rsplit_once('.').and_then(|(_, life)| life.parse::<u32>().ok()).is_some_and(|life| life > 1)
}

/// `c10` after `c9`.
fn natural(name: &str) -> (String, u64, String) {
    let digits_at = name.find(|letter: char| letter.is_ascii_digit()).unwrap_or(name.len());
    let digits: String = name[digits_at..].chars().take_while(char::is_ascii_digit).collect();
    (name[..digits_at].to_owned(), digits.parse().unwrap_or(0), name.to_owned())
}

/// A stretch in which two beliefs of one partition intersect.
#[derive(Debug, PartialEq)]
pub(super) struct Overlap<'a> {
    /// Partition.
    pub partition: u16,
    /// From.
    pub from_ms: f64,
    /// To.
    pub to_ms: f64,
    /// The two that believed it.
    pub owners: (&'a OwnershipSpan, &'a OwnershipSpan),
}

/// All of them. A session that renews its own belief overlaps with nobody.
pub(super) fn overlaps(spans: &[OwnershipSpan]) -> Vec<Overlap<'_>> {
    let mut rows: BTreeMap<u16, Vec<&OwnershipSpan>> = BTreeMap::new();
    for span in spans.iter().filter(|span| span.from_ms.is_finite() && span.to_ms.is_finite()) {
        rows.entry(span.partition).or_default().push(span);
    }
    let mut found = Vec::new();
    for (partition, mut row) in rows {
        row.sort_by(|one, other| one.from_ms.total_cmp(&other.from_ms));
        let mut longest: Option<&OwnershipSpan> = None;
        for span in row {
            if let Some(before) = longest
                && before.to_ms > span.from_ms
                && before.owner != span.owner
            {
                let to_ms = before.to_ms.min(span.to_ms);
                found.push(Overlap { partition, from_ms: span.from_ms, to_ms, owners: (before, span) });
            }
            if longest.is_none_or(|before| span.to_ms > before.to_ms) {
                longest = Some(span);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::OwnershipEnd;

    fn span(owner: &str, from_ms: f64, to_ms: f64) -> OwnershipSpan {
        OwnershipSpan { partition: 3, owner: owner.to_owned(), epoch: 1, from_ms, to_ms, end: OwnershipEnd::Lost }
    }

    #[test]
    fn two_owners_at_once_are_found_and_successors_are_not() {
        let spans = [span("c1.1", 0.0, 10.0), span("c2.1", 8.0, 20.0), span("c3.1", 20.0, 30.0)];
        let found = overlaps(&spans);
        assert_eq!(found.iter().map(|overlap| (overlap.from_ms, overlap.to_ms)).collect::<Vec<_>>(), [(8.0, 10.0)]);
    }

    #[test]
    fn members_stand_in_their_natural_order() {
        let spans = [span("c10.1", 0.0, 1.0), span("c9.2", 0.0, 1.0), span("c9.1", 0.0, 1.0)];
        let owners = Owners::of(&spans);
        assert_eq!(owners.names().map(|(name, _)| name).collect::<Vec<_>>(), ["c9", "c10"]);
        assert_eq!(owners.number("c9.7"), 0);
    }
}
