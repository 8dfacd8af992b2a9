//! The lives of incarnations as the driver saw them: when each was started, paused, told to go, and died.

use std::collections::BTreeMap;

use crate::model::record::Author;
use crate::model::story::{StoryEvent, StoryLine};
use crate::model::time::MonoNs;

/// One incarnation's life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LifeSpan {
    /// When the driver started it.
    pub born: Option<MonoNs>,
    /// When the driver told it to leave (`leave`, `terminate`, `restart` of a live one): from here on it is no member to count with.
    pub leaving: Option<MonoNs>,
    /// When it died: the earliest of the SIGKILL that was sent and the exit that was seen.
    pub died: Option<MonoNs>,
    /// Pauses, from SIGSTOP to SIGCONT; one that never ended reaches to the end of time.
    pub pauses: Vec<(MonoNs, MonoNs)>,
}

impl LifeSpan {
    /// Whether it is a working member at `at`: started, not paused, not told to go, not dead.
    #[must_use]
    pub fn works_at(&self, at: MonoNs) -> bool {
        self.born.is_some_and(|born| born <= at)
            && self.leaving.is_none_or(|leaving| at < leaving)
            && self.died.is_none_or(|died| at < died)
            && !self.pauses.iter().any(|&(from, to)| from <= at && at < to)
    }
}

/// All lives of a run, by incarnation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lives(BTreeMap<Author, LifeSpan>);

impl Lives {
    /// Reads the driver's story. Names that are no incarnation (`server-0`, `driver`) have no life here.
    #[must_use]
    pub fn of(story: &[StoryLine]) -> Self {
        let mut lives = Self::default();
        for line in story {
            lives.tell(line, story);
        }
        lives
    }

    /// Takes a further line; `story` holds those before it.
    pub(super) fn tell(&mut self, line: &StoryLine, story: &[StoryLine]) {
        match &line.event {
            StoryEvent::Spawned { process, .. } => self.change(process, |life| earliest(&mut life.born, line.at)),
            StoryEvent::Exited { process, .. } => self.change(process, |life| earliest(&mut life.died, line.at)),
            StoryEvent::Fault { kind, struck, .. } => {
                for process in struck {
                    match kind.as_str() {
                        "kill" => self.change(process, |life| earliest(&mut life.died, line.at)),
                        "terminate" | "leave" => self.change(process, |life| earliest(&mut life.leaving, line.at)),
                        "pause" => self.change(process, |life| life.pauses.push((line.at, MonoNs(u64::MAX)))),
                        "join" => self.change(process, |life| earliest(&mut life.born, line.at)),
                        // A restart strikes whom it ends (alive by then), or whom it starts (born by it).
                        "restart" | "rolling" if born_before(story, process, line.at) => {
                            self.change(process, |life| earliest(&mut life.leaving, line.at));
                        }
                        "restart" => self.change(process, |life| earliest(&mut life.born, line.at)),
                        _ => {}
                    }
                }
            }
            StoryEvent::Resumed { process, .. } => self.change(process, |life| {
                for pause in life.pauses.iter_mut().filter(|pause| pause.1 == MonoNs(u64::MAX)) {
                    pause.1 = line.at;
                }
            }),
            _ => {}
        }
    }

    fn change(&mut self, process: &str, change: impl FnOnce(&mut LifeSpan)) {
        if let Ok(author) = process.parse() {
            change(self.0.entry(author).or_default());
        }
    }

    /// The life of one incarnation, when the story tells of it.
    #[must_use]
    pub fn get(&self, author: Author) -> Option<&LifeSpan> {
        self.0.get(&author)
    }

    /// When it died, when it did.
    #[must_use]
    pub fn died(&self, author: Author) -> Option<MonoNs> {
        self.get(author)?.died
    }

    /// All of them, by incarnation.
    pub fn iter(&self) -> impl Iterator<Item = (Author, &LifeSpan)> {
        self.0.iter().map(|(author, life)| (*author, life))
    }
}

/// Whether the story tells that a process was started before `at`.
fn born_before(story: &[StoryLine], name: &str, at: MonoNs) -> bool {
    let spawned = |line: &StoryLine| matches!(&line.event, StoryEvent::Spawned { process, .. } if process == name);
    story.iter().any(|line| line.at < at && spawned(line))
}

fn earliest(known: &mut Option<MonoNs>, at: MonoNs) {
    *known = Some(known.map_or(at, |known| known.min(at)));
}
