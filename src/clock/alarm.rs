//! An alarm that an async task can wait for, precise to tens of microseconds.
//!
//! Tokio's timers have a grain of a millisecond, which is too coarse to pace messages or to play a handler of
//! 200 µs. On Linux this is a `timerfd` in the runtime's own epoll; elsewhere tokio's timer has to do.

use std::io;

use crate::clock;
use crate::model::time::MonoNs;

/// Wakes one task at one instant. Must be made and used within a tokio runtime with its I/O driver enabled.
#[derive(Debug)]
pub struct Alarm {
    #[cfg(target_os = "linux")]
    timer: tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>,
}

impl Alarm {
    /// A new alarm.
    ///
    /// # Errors
    /// When the process has no file descriptor left.
    pub fn new() -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        {
            use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
            let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            #[expect(
                deprecated,
                reason = "its successor is unsafe for the sake of types whose descriptor may change; ours cannot"
            )]
            let timer = tokio::io::unix::AsyncFd::new(timer)?;
            Ok(Self { timer })
        }
        #[cfg(not(target_os = "linux"))]
        Ok(Self {})
    }

    /// Returns at `instant`, at once when it has passed. Cancel safe: a dropped wait leaves the alarm usable.
    ///
    /// # Errors
    /// When the kernel refuses the timer.
    pub async fn until(&mut self, instant: MonoNs) -> io::Result<()> {
        if clock::now() >= instant {
            return Ok(());
        }
        #[cfg(target_os = "linux")]
        {
            use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
            let value = Timespec {
                tv_sec: i64::try_from(instant.0 / 1_000_000_000).unwrap_or(i64::MAX),
                tv_nsec: i64::try_from(instant.0 % 1_000_000_000).unwrap_or(0) as _,
            };
            let interval = Timespec { tv_sec: 0, tv_nsec: 0 };
            // Setting the timer also takes back an expiry that nobody read, so a wait that was dropped does no harm.
            timerfd_settime(
                self.timer.get_ref(),
                TimerfdTimerFlags::ABSTIME,
                &Itimerspec { it_interval: interval, it_value: value },
            )?;
            loop {
                let mut guard = self.timer.readable().await?;
                let mut expirations = [0_u8; 8];
                match guard.try_io(|timer| Ok(rustix::io::read(timer, &mut expirations)?)) {
                    Ok(read) => return read.map(|_| ()),
                    Err(_spurious) => continue,
                }
            }
        }
        #[cfg(not(target_os = "linux"))]
        {
            tokio::time::sleep(instant.since(clock::now()).into()).await;
            Ok(())
        }
    }
}
