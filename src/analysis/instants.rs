//! The instants of a fault beside t0: when it was delivered, when its effect was seen, when it had passed.

use std::collections::BTreeMap;

use crate::model::story::{StoryEvent, StoryLine};
use crate::model::time::MonoNs;

/// Each is there when it is known of all whom the fault struck, and then it is the last of theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instants {
    /// Signals sent, orders given, connections cut.
    pub delivered: Option<MonoNs>,
    /// Processes gone, ready or stopped; the first bytes held or lost; a slow handler said so.
    pub observed: Option<MonoNs>,
    /// Connections healed, handlers as fast as before, processes continued.
    pub passed: Option<MonoNs>,
}

/// What a story tells of each fault and each one whom it struck.
#[derive(Debug, Default)]
pub(super) struct Told<'a>(BTreeMap<(u32, &'a str), Instants>);

impl<'a> Told<'a> {
    /// Reads a story. What is told twice counts when it was told first.
    pub(super) fn by(story: &'a [StoryLine]) -> Self {
        let mut told = Self::default();
        for StoryLine { at, event } in story {
            match event {
                StoryEvent::Delivered { id, process } => first(&mut told.of(*id, process).delivered, *at),
                StoryEvent::Observed { id, process, .. } => first(&mut told.of(*id, process).observed, *at),
                StoryEvent::Healed { id, process } | StoryEvent::Resumed { id, process } => {
                    first(&mut told.of(*id, process).passed, *at);
                }
                _ => {}
            }
        }
        told
    }

    fn of(&mut self, fault: u32, process: &'a str) -> &mut Instants {
        self.0.entry((fault, process)).or_default()
    }

    /// The instants of fault `fault`, which struck `struck`.
    pub(super) fn instants(&self, fault: u32, struck: &[String]) -> Instants {
        let last_of_all = |which: fn(&Instants) -> Option<MonoNs>| {
            let of_one = |process: &String| self.0.get(&(fault, process.as_str())).and_then(which);
            let all: Option<Vec<MonoNs>> = struck.iter().map(of_one).collect();
            all?.into_iter().max()
        };
        Instants {
            delivered: last_of_all(|one| one.delivered),
            observed: last_of_all(|one| one.observed),
            passed: last_of_all(|one| one.passed),
        }
    }
}

fn first(known: &mut Option<MonoNs>, at: MonoNs) {
    known.get_or_insert(at);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: u64, event: StoryEvent) -> StoryLine {
        StoryLine { at: MonoNs(at), event }
    }

    #[test]
    fn an_instant_is_that_of_the_last_who_was_struck_and_absent_when_one_is_missing() {
        let c = |index: u16| format!("c{index}.1");
        let story = [
            line(5, StoryEvent::Delivered { id: 1, process: c(0) }),
            line(6, StoryEvent::Delivered { id: 1, process: c(1) }),
            line(7, StoryEvent::Observed { id: 1, process: c(0), what: String::new() }),
            line(8, StoryEvent::Observed { id: 2, process: c(1), what: String::new() }),
            line(9, StoryEvent::Healed { id: 1, process: c(1) }),
            line(10, StoryEvent::Resumed { id: 1, process: c(0) }),
            line(11, StoryEvent::Healed { id: 1, process: c(0) }),
        ];
        let told = Told::by(&story);
        let of = |struck: &[String]| told.instants(1, struck);
        let both = Instants { delivered: Some(MonoNs(6)), observed: None, passed: Some(MonoNs(10)) };
        assert_eq!(of(&[c(0), c(1)]), both);
        assert_eq!(of(&[c(0)]).observed, Some(MonoNs(7)));
        assert_eq!(of(&[]), Instants::default());
        assert_eq!(told.instants(3, &[c(0)]), Instants::default());
    }
}
