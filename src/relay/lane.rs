//! A lane: one direction of one connection. Bytes come in at one end and go out at the other, as the weather allows.

use std::collections::VecDeque;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;

use super::gate::{Tally, Weather};
use super::passage::{Admission, Pacer, Passage, READ_MAX};
use crate::clock;
use crate::clock::alarm::Alarm;
use crate::fault::cut::Direction;
use crate::model::time::MonoNs;

/// The connection cannot go on: both ends are to be reset.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// One direction of one connection.
pub(super) struct Lane<'a> {
    direction: Direction,
    from: ReadHalf<'a>,
    to: WriteHalf<'a>,
    weather: watch::Receiver<Weather>,
    tally: &'a Tally,
    /// The last reset before the connection was made.
    reset_before: Option<u32>,
    /// Bytes on their way, and when they arrive.
    under_way: VecDeque<(MonoNs, Vec<u8>)>,
    under_way_bytes: usize,
    /// How much of the first of them has arrived.
    arrived: usize,
    pacer: Pacer,
    /// The cut that the last bytes were taken under.
    cut: Option<u32>,
    chance: ChaCha8Rng,
    alarm: Option<Alarm>,
    /// Nothing more comes in.
    ended: bool,
    /// Something was lost: what comes next would be nonsense to the other end.
    holed: bool,
}

impl<'a> Lane<'a> {
    /// A lane between two ends of a connection that began to be made after `reset_before`.
    pub(super) fn new(
        direction: Direction,
        from: ReadHalf<'a>,
        to: WriteHalf<'a>,
        weather: watch::Receiver<Weather>,
        reset_before: Option<u32>,
        tally: &'a Tally,
    ) -> Self {
        Self {
            direction,
            reset_before,
            from,
            to,
            weather,
            tally,
            under_way: VecDeque::new(),
            under_way_bytes: 0,
            arrived: 0,
            pacer: Pacer::default(),
            cut: None,
            // Which byte is late by how much is no part of what a seed promises: when bytes come is not either.
            chance: ChaCha8Rng::seed_from_u64(clock::now().0),
            alarm: None,
            ended: false,
            holed: false,
        }
    }

    /// Carries bytes until the sender has said all and all has arrived.
    pub(super) async fn carry(mut self) -> Result<(), Broken> {
        let mut buffer = vec![0; READ_MAX];
        loop {
            let weather = *self.weather.borrow_and_update();
            let passage = Passage::of(weather.cut.map(|(_, cut)| cut), self.direction);
            self.note_change_of(weather);
            if let Some(id) = weather.last_reset.filter(|_| weather.last_reset != self.reset_before) {
                self.tally.met_fault(id, "a connection was reset");
                return Err(Broken);
            }
            match passage {
                Passage::Reset => return Err(Broken),
                Passage::Lost if self.under_way_bytes > 0 => {
                    self.tally.met(weather, "bytes were lost");
                    self.lose();
                }
                Passage::Lost => {}
                _ if self.holed => return Err(Broken),
                Passage::Held if self.under_way_bytes > 0 => self.tally.met(weather, "bytes were held"),
                Passage::Held | Passage::Free | Passage::Late { .. } | Passage::Paced { .. } => {}
            }
            if passage.moves() && self.ended && self.under_way.is_empty() {
                // Who closed his end and reads no more needs not be told.
                let _ = self.to.shutdown().await;
                return Ok(());
            }
            self.step(weather, passage, &mut buffer).await?;
        }
    }

    /// Waits for the next thing to happen in this weather, and sees to it.
    async fn step(&mut self, weather: Weather, passage: Passage, buffer: &mut [u8]) -> Result<(), Broken> {
        let first = self.under_way.front().filter(|_| passage.moves());
        let due = first.map(|(at, _)| *at);
        let writes = due.is_some_and(|at| at <= clock::now());
        let room = if self.ended { 0 } else { passage.reads(self.under_way_bytes) };
        let held = passage == Passage::Held && !self.ended && !self.tally.has_met(weather);
        let alarm = match (due, &mut self.alarm) {
            (Some(_), Some(alarm)) if !writes => Some(alarm),
            (Some(_), none) if !writes => Some(none.insert(Alarm::new().map_err(|_| Broken)?)),
            _ => None,
        };
        tokio::select! {
            biased;
            // An error means that the relay ends.
            changed = self.weather.changed() => return changed.map_err(|_| Broken),
            () = wait(alarm, due) => return Ok(()),
            written = write(&mut self.to, first, self.arrived), if writes => match written {
                Ok(bytes) => self.note_arrived(bytes),
                Err(_) => return self.break_off().await,
            },
            read = read(&mut self.from, &mut buffer[..room]), if room > 0 || held => match read {
                // Nothing is read: what waits in the sockets is as good as on the way.
                _ if held => self.tally.met(weather, "bytes were held"),
                Ok(bytes @ 1..) => self.take(weather, passage, &buffer[..bytes]),
                Ok(0) if passage == Passage::Lost => (self.ended, self.holed) = (true, true),
                Ok(_) => self.ended = true,
                Err(_) => return self.break_off().await,
            },
        }
        Ok(())
    }

    /// Bytes have come in.
    fn take(&mut self, weather: Weather, passage: Passage, bytes: &[u8]) {
        let mut rest = bytes;
        match passage {
            Passage::Lost => {
                self.tally.met(weather, "bytes were lost");
                self.holed = true;
                return;
            }
            // Mostly there is room at the other end. An error is met again by the next write.
            Passage::Free => rest = &bytes[self.to.try_write(bytes).unwrap_or(0)..],
            Passage::Late { .. } => self.tally.met(weather, "bytes were delayed"),
            Passage::Paced { .. } => self.tally.met(weather, "bytes were throttled"),
            Passage::Held | Passage::Reset => {}
        }
        if !rest.is_empty() {
            let arrival = self.pacer.arrival(passage, clock::now(), rest.len(), self.chance.random());
            self.under_way_bytes += rest.len();
            self.under_way.push_back((arrival, rest.to_vec()));
        }
    }

    /// What one cut made late is not late under the next one, or under none.
    fn note_change_of(&mut self, weather: Weather) {
        let cut = weather.cut.map(|(id, _)| id);
        if cut != self.cut {
            self.cut = cut;
            self.pacer = Pacer::default();
            for (arrival, _) in &mut self.under_way {
                *arrival = MonoNs(0);
            }
        }
    }

    fn note_arrived(&mut self, bytes: usize) {
        self.under_way_bytes -= bytes;
        self.arrived += bytes;
        if self.under_way.front().is_some_and(|(_, first)| first.len() <= self.arrived) {
            self.under_way.pop_front();
            self.arrived = 0;
        }
    }

    fn lose(&mut self) {
        self.under_way.clear();
        (self.under_way_bytes, self.arrived, self.holed) = (0, 0, true);
    }

    /// One end is gone. The other hears of it as soon as the network can tell it.
    async fn break_off(&mut self) -> Result<(), Broken> {
        let tells = |weather: &Weather| Admission::under(weather.cut.map(|(_, cut)| cut)) != Admission::Later;
        let _ = self.weather.wait_for(tells).await;
        Err(Broken)
    }
}

async fn wait(alarm: Option<&mut Alarm>, until: Option<MonoNs>) {
    match (alarm, until) {
        // A timer that the kernel refuses makes bytes early, and nothing worse.
        (Some(alarm), Some(until)) => drop(alarm.until(until).await),
        _ => std::future::pending().await,
    }
}

async fn write(to: &mut WriteHalf<'_>, first: Option<&(MonoNs, Vec<u8>)>, arrived: usize) -> std::io::Result<usize> {
    match first {
        Some((_, bytes)) => to.write(bytes.get(arrived..).unwrap_or_default()).await,
        None => std::future::pending().await,
    }
}

/// Reads; without room it only waits until something could be read. Cancel safe: a read that is dropped has taken nothing.
async fn read(from: &mut ReadHalf<'_>, buffer: &mut [u8]) -> std::io::Result<usize> {
    if buffer.is_empty() { from.readable().await.map(|()| 0) } else { from.read(buffer).await }
}
