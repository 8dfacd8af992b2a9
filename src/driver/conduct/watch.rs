//! Watches a run: samples what its processes use, and shows how far it is.

use std::time::Duration;

use super::Conductor;
use crate::clock;
use crate::driver::Error;
use crate::driver::scene::{Progress, Scene};
use crate::model::record::Role;
use crate::model::story::{Phase, StoryEvent};
use crate::model::time::MonoNs;
use crate::model::units::Rate;
use crate::process::{self, Families};

/// Of each kind as many sightings are told.
const TOLD: u32 = 10;

impl Conductor<'_> {
    /// Tells what each process has used so far.
    pub(super) fn sample(&mut self) -> Result<(), Error> {
        let mut processes = vec![("driver".to_owned(), vec![process::Pid::own()])];
        processes.extend(self.ground.server_processes().into_iter().map(|(name, pid)| (name, vec![pid])));
        processes.extend(self.relays.keeper.iter().map(|relay| ("relay".to_owned(), vec![relay.pid()])));
        // Nobody else has a family that matters.
        let families = if self.plan.strategy.runs_a_program() { Families::now() } else { Families::default() };
        let running = self.fleet.iter().filter(|worker| !worker.ended);
        processes.extend(running.map(|worker| (worker.author().to_string(), worker.family(&families))));
        for (process, family) in processes {
            let used = family.into_iter().filter_map(process::usage).reduce(process::Usage::and);
            if let Some(usage) = used {
                let (cpu_ns, memory_bytes) = (usage.cpu.0, usage.memory_bytes);
                self.ground.tell(StoryEvent::Sample { process, cpu_ns, memory_bytes })?;
            }
        }
        Ok(())
    }

    /// Tells which of the processes that are no workers have ended unasked.
    pub(super) fn look_after_servers(&mut self) -> Result<(), Error> {
        if self.ground.note_ends()? {
            self.trouble = true;
        }
        Ok(())
    }

    /// The rate of the schedule, while there is one.
    fn offered_per_s(&self) -> Option<f64> {
        match self.plan.load.rate {
            Rate::PerSecond(rate) if matches!(self.phase, Phase::WarmUp | Phase::Measure) => Some(rate),
            _ => None,
        }
    }

    /// Tells what was seen to go wrong: each at most so often, the count of all is shown. Ends the run at the first broken
    /// promise if the user wants that.
    pub(super) fn see_violations(&mut self) -> Result<(), Error> {
        for sighting in self.ground.take_sightings().into_iter().flatten() {
            let (kind, promised) = (sighting.kind.to_owned(), sighting.promised && sighting.certain);
            self.violations += if promised { sighting.count } else { 0 };
            let told = self.sighted.entry(sighting.kind).or_default();
            *told += 1;
            if *told <= TOLD {
                let text = sighting.to_string();
                if promised {
                    (self.show)(&Scene::Note(format!("{kind}: {text}")));
                }
                self.ground.tell_at(clock::now(), StoryEvent::Sighted { kind, promised, text })?;
            }
            if promised && self.stops_on_violation && !self.violated {
                self.violated = true;
                let (kind, text) = (sighting.kind.to_owned(), sighting.to_string());
                (self.show)(&Scene::Note("a promise is broken: ending the run in good order".to_owned()));
                self.ground.tell(StoryEvent::StoppedAtViolation { kind, text })?;
            }
        }
        Ok(())
    }

    /// Shows how far the run is.
    ///
    /// What was verified goes here: the look has read it, too, by then.
    pub(super) fn show_progress(&mut self, now: MonoNs) -> Result<(), Error> {
        let verified = self.ground.take_verified();
        let seen = self.look.refresh();
        if let Some(verified) = verified {
            self.ground.drop_verified(verified)?;
        }
        let (then, before) = std::mem::replace(&mut self.last_shown, (now, seen));
        let per_s = |now_count: u64, then_count: u64| {
            now_count.saturating_sub(then_count) as f64 / now.since(then).as_s().max(0.001)
        };
        let next_fault = self.strikes.front().map(|strike| {
            let at = self.measure_began() + strike.at;
            (strike.kind.name().to_owned(), Duration::from(at.since(now)))
        });
        let members = self.fleet.iter().filter(|worker| worker.author().role == Role::Consumer && !worker.ended);
        let progress = Progress {
            phase: Some(self.phase),
            elapsed: now.since(self.begin).into(),
            planned: (self.measure_began() + self.plan.phases.measure).since(self.begin).into(),
            offered_per_s: self.offered_per_s(),
            stored_per_s: per_s(seen.stored, before.stored),
            handled_per_s: per_s(seen.handled, before.handled),
            stored: seen.stored,
            handled: seen.handled,
            backlog: seen.backlog,
            latency: self.look.take_latency(),
            members: members.count(),
            owners: self.fleet.snapshot(self.plan.stream.partitions).owners,
            next_fault,
            breaks: seen.breaks,
            violations: self.violations,
        };
        (self.show)(&Scene::Progress(progress));
        Ok(())
    }
}
