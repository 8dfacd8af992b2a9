//! The course of a gate that makes its own runs: which run comes next, when it looks, and when it is decided. No deeds.

use super::looks::{self, Planned};
use super::{Question, ruling, timing};
use crate::contrast::{self, Choice, Group, Terms};
use crate::model::contrast::{Comparable, Outcome, Weight};
use crate::model::digest::Digest;
use crate::model::gate::{Over, RuleOutcome, Timing};
use crate::model::report::RunState;

/// A side of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// What the head is held against.
    Base,
    /// What is judged.
    Head,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Make a run of this side.
    Make(Place),
    /// It is decided, or there is nothing more to be had for the budget.
    End,
}

/// What there is so far, and what follows from it.
#[derive(Clone, Debug)]
pub struct Course {
    /// What is judged.
    pub head: Group,
    /// What it is held against; with runs from before, or made here.
    pub base: Option<Group>,
    question: Question,
    /// Whether the runs of the base are made here, in turn with the head's.
    makes_base: bool,
    planned: Vec<Planned>,
    timing: Option<Timing>,
    is_decided: bool,
    programs_differ: bool,
}

impl Course {
    /// At the beginning: `base` is what is there already, or what is to be filled.
    #[must_use]
    pub fn new(question: Question, head: Group, base: Option<Group>, makes_base: bool) -> Self {
        let planned = looks::plan(question.repeats_min, question.repeats_max);
        Self { head, base, question, makes_base, planned, timing: None, is_decided: false, programs_differ: false }
    }

    /// Head and base are made by two programs: what only one of them knows is no difference that somebody forgot.
    pub fn lets_programs_differ(&mut self, they_do: bool) {
        self.programs_differ = they_do;
    }

    /// What comes next.
    #[must_use]
    pub fn next(&self) -> Next {
        if self.is_decided {
            return Next::End;
        }
        let place = self.place();
        let group = match place {
            Place::Head => &self.head,
            Place::Base => self.base.as_ref().unwrap_or(&self.head),
        };
        let failed = group.runs.len() - complete(group).len();
        if failed > self.spares() { Next::End } else { Next::Make(place) }
    }

    /// So many runs of a side may be made again.
    #[must_use]
    pub fn spares(&self) -> usize {
        (self.question.repeats_max as usize / 2).max(2)
    }

    /// So many runs are still to be made at most, those not counted that must be made again.
    #[must_use]
    pub fn left_at_most(&self) -> u32 {
        let sides = if self.makes_base { 2 } else { 1 };
        (self.question.repeats_max * sides).saturating_sub(self.made())
    }

    /// A run was made: it is added, and looked at when it is time.
    ///
    /// # Errors
    /// When head and base cannot be compared at all, as [`contrast::contrast`].
    pub fn add(&mut self, place: Place, name: String, digest: Digest) -> Result<(), contrast::Error> {
        match (place, &mut self.base) {
            (Place::Base, Some(base)) => base.runs.push((name, digest)),
            _ => self.head.runs.push((name, digest)),
        }
        self.is_decided = self.has_failed()?;
        if !self.is_decided {
            self.look()?;
        }
        Ok(())
    }

    /// On what terms it compares.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.question.terms
    }

    /// How many looks there are at most.
    #[must_use]
    pub fn looks_planned(&self) -> u32 {
        self.planned.len() as u32
    }

    /// So many repeats of a side there are that count; of a base that was there before, the head's alone.
    #[must_use]
    pub fn repeats(&self) -> u32 {
        let head = complete(&self.head).len();
        let base = self.base.as_ref().filter(|_| self.makes_base);
        base.map_or(head, |base| head.min(complete(base).len())) as u32
    }

    /// What the last look showed.
    #[must_use]
    pub fn timing(&self) -> Option<&Timing> {
        self.timing.as_ref()
    }

    /// Whose turn it is. A run that does not count is made again in its place.
    fn place(&self) -> Place {
        if self.makes_base && !looks::is_head(self.made()) { Place::Base } else { Place::Head }
    }

    /// The runs made here that count.
    fn made(&self) -> u32 {
        let of_base = if self.makes_base { self.base.as_ref().map_or(0, |base| complete(base).len()) } else { 0 };
        (complete(&self.head).len() + of_base) as u32
    }

    /// What needs no statistics: a broken promise, a broken rule on counts, a count that rose, sides that are not comparable.
    fn has_failed(&mut self) -> Result<bool, contrast::Error> {
        if self.head.runs.iter().any(|(_, digest)| digest.state == RunState::Violated) {
            return Ok(true);
        }
        let runs = complete(&self.head);
        let broken = |rule| {
            ruling::over(rule) == Over::Every && {
                let ruling = ruling::rule_on(rule, &runs, &[]);
                ruling.outcome == RuleOutcome::Broken
            }
        };
        if self.question.rules.iter().any(broken) {
            return Ok(true);
        }
        let Some(base) = &self.base else { return Ok(false) };
        if contrast::usable(base).is_err() || contrast::usable(&self.head).is_err() {
            return Ok(false);
        }
        // With no timing chosen, what is left is the counts.
        let counts = |terms: &Terms| {
            let terms = Terms { choice: Choice::Named(Vec::new()), ..terms.clone() };
            contrast::contrast(&[base.clone(), self.head.clone()], &terms)
        };
        let mut found = counts(&self.question.terms)?;
        if self.programs_differ {
            let differences = found.pairs.iter().flat_map(|pair| &pair.differences);
            let of_one: Vec<String> = differences
                .filter(|it| it.weight == Weight::Unasked && (it.base.is_none() || it.other.is_none()))
                .map(|it| it.what.clone())
                .collect();
            if !of_one.is_empty() {
                self.question.terms.vary.extend(of_one);
                found = counts(&self.question.terms)?;
            }
        }
        Ok(found
            .pairs
            .iter()
            .any(|pair| pair.comparable == Comparable::No || pair.rows.iter().any(|row| row.outcome == Outcome::Worse)))
    }

    /// Looks, when a planned look is due.
    fn look(&mut self) -> Result<(), contrast::Error> {
        let repeats = self.repeats();
        let taken = self.timing.as_ref().map_or(0, |timing| timing.looks.last().map_or(0, |look| look.repeats));
        let Some(planned) = self.planned.iter().find(|look| look.repeats == repeats && look.repeats > taken).copied()
        else {
            return Ok(());
        };
        let mut undecided = false;
        if let Some(base) = &self.base {
            let mut timing = timing::look(base, &self.head, &self.question.terms, planned)?;
            let before = self.timing.take().map_or_else(Vec::new, |timing| timing.looks);
            timing.looks.splice(0..0, before);
            timing.looks_planned = self.planned.len() as u32;
            if timing.outcome == Outcome::Worse {
                self.is_decided = true;
            }
            undecided = timing.outcome == Outcome::Undecided;
            self.timing = Some(timing);
        }
        let runs = complete(&self.head);
        let open = self
            .question
            .rules
            .iter()
            .any(|rule| ruling::is_open(&ruling::rule_on(rule, &runs, &[]), self.question.repeats_max));
        let is_last = self.planned.last().is_some_and(|look| look.repeats == repeats);
        self.is_decided |= is_last || !(undecided || open);
        Ok(())
    }
}

/// The runs of a group that are whole and good.
pub(super) fn complete(group: &Group) -> Vec<&Digest> {
    in_state(group, |state| state == RunState::Complete)
}

/// The runs of a group in such states, in order of time.
pub(super) fn in_state(group: &Group, wanted: impl Fn(RunState) -> bool) -> Vec<&Digest> {
    let mut runs: Vec<&Digest> = group.runs.iter().map(|(_, digest)| digest).filter(|it| wanted(it.state)).collect();
    runs.sort_by(|one, two| (&one.run.started, &one.run.id).cmp(&(&two.run.started, &two.run.id)));
    runs
}
