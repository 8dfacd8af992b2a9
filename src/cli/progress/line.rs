//! The line of progress: phase, time left, rates, backlog, what breaks, the next fault; as much of it as there is room for.

use std::time::Duration;

use crate::model::live::Progress;
use crate::model::story::Phase;

/// A terminal that does not tell its width is this wide.
const USUAL_COLUMNS: usize = 80;

/// Columns of the terminal on standard error.
pub(super) fn columns() -> usize {
    let told = rustix::termios::tcgetwinsize(rustix::stdio::stderr()).map_or(0, |size| usize::from(size.ws_col));
    if told == 0 { USUAL_COLUMNS } else { told }
}

/// The line in at most `columns`; what matters least is left out first. Never less than clock and phase.
pub(super) fn fitting(label: &str, progress: &Progress, columns: usize) -> String {
    let mut parts = parts(progress);
    loop {
        let shown: Vec<&str> = parts.iter().map(|(_, text)| text.as_str()).collect();
        let line = format!("{label}{}", shown.join(" · "));
        let least = parts.iter().map(|(rank, _)| *rank).max().unwrap_or(0);
        if least == 0 || line.chars().count() <= columns {
            return line;
        }
        parts.retain(|(rank, _)| *rank != least);
    }
}

/// What is said, each with its rank: 0 stays always.
fn parts(progress: &Progress) -> Vec<(u8, String)> {
    let mut parts = vec![(0, format!("{} {:<7}", clock(progress.elapsed), phase(progress.phase)))];
    if progress.left() > Duration::ZERO {
        parts.push((4, format!("{} left", clock(progress.left()))));
    }
    if let Some(rate) = progress.offered_per_s {
        parts.push((6, format!("offered {rate:.0}/s")));
    }
    parts.push((5, format!("stored {:.0}/s", progress.stored_per_s)));
    parts.push((1, format!("handled {:.0}/s", progress.handled_per_s)));
    if let Some(latency) = progress.latency {
        parts.push((7, format!("p99 {}", span(latency.p99))));
    }
    parts.push((3, format!("backlog {}", progress.backlog)));
    let plural = if progress.members == 1 { "" } else { "s" };
    parts.push((8, format!("{} member{plural}", progress.members)));
    if progress.breaks > 0 {
        parts.push((1, format!("order breaks {}", progress.breaks)));
    }
    if progress.violations > 0 {
        parts.push((1, format!("violations {}", progress.violations)));
    }
    if let Some((kind, until)) = &progress.next_fault {
        parts.push((2, format!("{kind} in {} s", until.as_secs())));
    }
    parts
}

/// The name of a phase.
pub(super) fn phase(phase: Option<Phase>) -> &'static str {
    match phase {
        Some(Phase::Provision) => "provision",
        Some(Phase::WarmUp) => "warm-up",
        Some(Phase::Measure) => "measure",
        Some(Phase::Drain) => "drain",
        None => "",
    }
}

/// Minutes and seconds.
pub(super) fn clock(at: Duration) -> String {
    format!("{:02}:{:02}", at.as_secs() / 60, at.as_secs() % 60)
}

/// A short time in the unit that suits it.
pub(super) fn span(time: Duration) -> String {
    match time.as_secs_f64() * 1e3 {
        ms if ms < 1.0 => format!("{:.0} µs", ms * 1e3),
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 10_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.0} s", ms / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::live::Latency;

    fn progress() -> Progress {
        Progress {
            phase: Some(Phase::Measure),
            elapsed: Duration::from_secs(12),
            planned: Duration::from_secs(40),
            offered_per_s: Some(2_000.0),
            stored_per_s: 2_001.0,
            handled_per_s: 1_999.0,
            backlog: 17,
            latency: Some(Latency { p99: Duration::from_micros(3_100), ..Latency::default() }),
            members: 4,
            next_fault: Some(("kill".to_owned(), Duration::from_secs(4))),
            breaks: 3,
            ..Progress::default()
        }
    }

    #[test]
    fn with_room_everything_is_said() {
        assert_eq!(
            fitting("[safe] ", &progress(), 200),
            "[safe] 00:12 measure · 00:28 left · offered 2000/s · stored 2001/s · handled 1999/s · p99 3.1 ms · backlog 17 · \
             4 members · order breaks 3 · kill in 4 s"
        );
    }

    #[test]
    fn without_room_what_breaks_and_what_comes_next_stays_longest() {
        let line = "00:12 measure · 00:28 left · handled 1999/s · backlog 17 · order breaks 3 · kill in 4 s";
        assert_eq!(fitting("", &progress(), line.chars().count()), line);
        assert_eq!(fitting("", &progress(), 61), "00:12 measure · handled 1999/s · order breaks 3 · kill in 4 s");
    }

    #[test]
    fn no_line_is_longer_than_there_is_room_but_for_clock_and_phase() {
        for columns in 0..250 {
            let line = fitting("", &progress(), columns);
            assert!(line.chars().count() <= columns.max(13), "{columns}: {line}");
        }
    }
}
