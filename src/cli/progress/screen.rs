//! `--tui`: the whole screen. Throughput and latency as they were, who owns what now, what happened.
//!
//! Ctrl-C stays a signal: only the echo of what is typed is switched off, and comes back at the end.

use std::io::{self, Stderr};
use std::time::Duration;

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Paragraph, Sparkline};
use ratatui::{Frame, Terminal};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::line::{clock, phase, span};
use crate::cli::may_colour;
use crate::model::live::{Live, Point, Progress};

/// Members, one sign each; who comes later is a `#`.
const SIGNS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// Colours that people tell apart who do not see all of them (Okabe and Ito). They repeat what the signs say.
const COLOURS: [Color; 7] = [
    Color::Rgb(230, 159, 0),
    Color::Rgb(86, 180, 233),
    Color::Rgb(0, 158, 115),
    Color::Rgb(240, 228, 66),
    Color::Rgb(0, 114, 178),
    Color::Rgb(213, 94, 0),
    Color::Rgb(204, 121, 167),
];
/// From this width on, pictures stand side by side.
const WIDE_COLUMNS: u16 = 120;
/// A picture: its border, its bars, its figures.
const PICTURE_ROWS: u16 = 7;

/// The terminal, taken over. Dropping it gives it back.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stderr>>,
    /// How standard input was before.
    before: Option<Termios>,
    colour: bool,
}

impl Screen {
    /// Takes the terminal over.
    pub(super) fn open() -> io::Result<Self> {
        let terminal = Terminal::new(CrosstermBackend::new(io::stderr()))?;
        let before = tcgetattr(rustix::stdio::stdin()).ok();
        // From here on, whatever fails, dropping it gives back what was taken.
        let screen = Self { terminal, before, colour: may_colour(&io::stderr()) };
        if let Some(before) = &screen.before {
            let mut silent = before.clone();
            silent.local_modes -= LocalModes::ECHO | LocalModes::ICANON;
            tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &silent)?;
        }
        execute!(io::stderr(), EnterAlternateScreen, Hide)?;
        Ok(screen)
    }

    /// Draws. What cannot be drawn now is drawn the next time.
    pub(super) fn draw(&mut self, live: &Live, label: &str) {
        let colour = self.colour;
        let _ = self.terminal.draw(|frame| draw(frame, live, label, colour));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = execute!(io::stderr(), LeaveAlternateScreen, Show);
        if let Some(before) = &self.before {
            // What was typed meanwhile was meant for nobody.
            let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, before);
        }
    }
}

fn draw(frame: &mut Frame<'_>, live: &Live, label: &str, colour: bool) {
    let all = frame.area();
    let pictures = if all.width >= WIDE_COLUMNS { PICTURE_ROWS } else { 2 * PICTURE_ROWS };
    let owners = owners(live, all.width.saturating_sub(2), colour);
    let owners_rows = u16::try_from(owners.lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let owners_rows = if live.has_owners { owners_rows.min(all.height / 2) } else { 0 };
    let rows = [
        Constraint::Length(2),
        Constraint::Length(pictures),
        Constraint::Length(owners_rows),
        Constraint::Min(3),
        Constraint::Length(1),
    ];
    let [head, middle, grid, told, foot] = Layout::vertical(rows).areas(all);
    frame.render_widget(Paragraph::new(heading(live, label, usize::from(head.width))), head);
    let [left, right] = if all.width >= WIDE_COLUMNS {
        Layout::horizontal([Constraint::Fill(1); 2]).areas(middle)
    } else {
        Layout::vertical([Constraint::Fill(1); 2]).areas(middle)
    };
    throughput(frame, left, live, colour);
    latency(frame, right, live, colour);
    if live.has_owners {
        frame.render_widget(Paragraph::new(owners).block(Block::bordered().title(" who owns which partition ")), grid);
    }
    let room = usize::from(told.height.saturating_sub(2));
    let latest = live.told.iter().skip(live.told.len().saturating_sub(room)).map(|told| Line::raw(told.as_str()));
    frame.render_widget(
        Paragraph::new(latest.collect::<Vec<_>>()).block(Block::bordered().title(" what happened ")),
        told,
    );
    frame.render_widget(Paragraph::new(" Ctrl-C stops in good order, twice at once"), foot);
}

/// What is run, how far it is, what breaks, what comes next.
fn heading<'t>(live: &'t Live, label: &'t str, columns: usize) -> Text<'t> {
    let about = live.about.clone().unwrap_or_default();
    let variant = about.variant.map(|variant| format!(" / {variant}")).unwrap_or_default();
    let what = format!(" jetlag  {}{variant} · {}  {label}", about.profile, about.strategy);
    let Some(progress) = &live.progress else {
        return Text::from(vec![Line::styled(what, Modifier::BOLD), Line::raw(" getting ready")]);
    };
    // What breaks is never told by colour alone: it is a word, and bold. It comes first; of the rest is told what there is room for.
    let breaks = match progress.breaks {
        0 => Span::raw("no order breaks"),
        breaks => Span::styled(format!("ORDER BREAKS {breaks}"), Modifier::BOLD | Modifier::REVERSED),
    };
    let far = format!(" {} {} · ", clock(progress.elapsed), phase(progress.phase));
    let violations = match progress.violations {
        0 => Span::raw(""),
        violations => Span::styled(format!(" · VIOLATIONS {violations}"), Modifier::BOLD | Modifier::REVERSED),
    };
    let mut line = Line::from(vec![Span::raw(far), breaks, violations]);
    let next = progress.next_fault.as_ref().map(|(kind, until)| format!(" · {kind} in {} s", until.as_secs()));
    let left = format!(" · {} left", clock(progress.left()));
    for part in [Some(left), next, Some(format!(" · {} members", progress.members))].into_iter().flatten() {
        if line.width() + part.chars().count() <= columns {
            line.push_span(part);
        }
    }
    Text::from(vec![Line::styled(what, Modifier::BOLD), line])
}

fn throughput(frame: &mut Frame<'_>, area: Rect, live: &Live, colour: bool) {
    let figures = live.progress.as_ref().map_or_else(String::new, |progress: &Progress| {
        let offered = progress.offered_per_s.map_or_else(String::new, |rate| format!("offered {rate:.0} "));
        format!("{offered}stored {:.0} · backlog {}", progress.stored_per_s, progress.backlog)
    });
    let now = live.past.back().map_or(0.0, |point| point.handled_per_s);
    let title = format!(" handled {now:.0} a second ");
    picture(frame, area, (&title, &figures), live, |point| point.handled_per_s.max(0.0) as u64, style(1, colour));
}

fn latency(frame: &mut Frame<'_>, area: Rect, live: &Live, colour: bool) {
    let latency = live.progress.as_ref().and_then(|progress| progress.latency);
    let figures = latency.map_or_else(
        || "nothing was handled".to_owned(),
        |latency| format!("p50 {} · max {}", span(latency.p50), span(latency.max)),
    );
    let now = latency.map_or_else(|| "–".to_owned(), |latency| span(latency.p99));
    let title = format!(" end to end p99 {now}, logarithmic ");
    picture(frame, area, (&title, &figures), live, |point| height(point.latency_p99), style(0, colour));
}

/// The height of a latency: its logarithm, from 10 µs on, or one bad second would press all others to the ground.
fn height(latency: Option<Duration>) -> u64 {
    let Some(latency) = latency else { return 0 };
    let above = latency.as_secs_f64() / 1e-5;
    (above.max(1.0).log10() * 1_000.0) as u64 + 1
}

/// A stretch of the past as bars, the latest at the right, and figures of now below.
fn picture(
    frame: &mut Frame<'_>,
    area: Rect,
    (title, figures): (&str, &str),
    live: &Live,
    of: impl Fn(&Point) -> u64,
    style: Style,
) {
    let block = Block::bordered().title(title.to_owned());
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [bars, below] = Layout::vertical([Constraint::Min(1), Constraint::Length(1)]).areas(inner);
    let shown = live.past.len().saturating_sub(usize::from(bars.width));
    let data: Vec<u64> = live.past.iter().skip(shown).map(of).collect();
    let greatest = data.iter().copied().max().unwrap_or(0).max(1);
    frame.render_widget(Sparkline::default().data(&data).max(greatest).style(style), bars);
    frame.render_widget(Paragraph::new(figures.to_owned()), below);
}

/// A sign a partition, in rows that begin with the number of their first; below, how many each member has.
fn owners(live: &Live, columns: u16, colour: bool) -> Text<'static> {
    let owners = live.progress.as_ref().map_or(&[][..], |progress| &progress.owners);
    let number = owners.len().to_string().len();
    let in_row = (usize::from(columns).saturating_sub(number + 1) / 2).clamp(1, 64);
    let mut lines = Vec::new();
    for (row, part) in owners.chunks(in_row).enumerate() {
        let mut spans = vec![Span::raw(format!("{:>number$} ", row * in_row))];
        spans.extend(part.iter().map(|owner| match owner {
            Some(member) => Span::styled(format!("{} ", sign(*member)), style(usize::from(*member), colour)),
            None => Span::styled("· ", Modifier::DIM),
        }));
        lines.push(Line::from(spans));
    }
    let mut counts: std::collections::BTreeMap<u16, usize> = std::collections::BTreeMap::new();
    for member in owners.iter().flatten() {
        *counts.entry(*member).or_default() += 1;
    }
    let counted = counts.iter().map(|(member, count)| format!("{}=c{member}: {count}", sign(*member)));
    let unowned = owners.iter().filter(|owner| owner.is_none()).count();
    lines.push(Line::raw(counted.chain([format!("·=nobody: {unowned}")]).collect::<Vec<_>>().join("  ")));
    Text::from(lines)
}

fn sign(member: u16) -> char {
    SIGNS.get(usize::from(member)).map_or('#', |sign| char::from(*sign))
}

fn style(number: usize, colour: bool) -> Style {
    if colour { Style::new().fg(COLOURS[number % COLOURS.len()]) } else { Style::new() }
}

#[cfg(test)]
mod tests {
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::model::live::{About, Latency};
    use crate::model::story::Phase;

    fn live(partitions: u16) -> Live {
        let mut live = Live {
            about: Some(About { profile: "quick".into(), strategy: "lease-group".into(), ..About::default() }),
            ..Live::default()
        };
        for second in 0..40_u32 {
            live.note_progress(&Progress {
                phase: Some(Phase::Measure),
                elapsed: Duration::from_secs(second.into()),
                planned: Duration::from_secs(60),
                handled_per_s: f64::from(second * 50),
                latency: Some(Latency { p99: Duration::from_millis(u64::from(second)), ..Latency::default() }),
                owners: (0..partitions).map(|partition| (partition % 5 != 4).then_some(partition % 5)).collect(),
                next_fault: Some(("kill".into(), Duration::from_secs(7))),
                breaks: u64::from(second / 39),
                members: 4,
                ..Progress::default()
            });
        }
        live.note_fault("kill", "00:12 fault: kill c1.1".into());
        live
    }

    fn drawn(columns: u16, rows: u16, live: &Live, colour: bool) -> (String, bool) {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("it needs nothing");
        terminal.draw(|frame| draw(frame, live, "", colour)).expect("it can be drawn");
        let buffer = terminal.backend().buffer();
        let text: Vec<String> = (0..rows)
            .map(|row| (0..columns).map(|column| buffer[(column, row)].symbol()).collect::<String>())
            .collect();
        let coloured = buffer.content().iter().any(|cell| cell.fg != Color::Reset);
        (text.join("\n"), coloured)
    }

    #[test]
    fn everything_is_there_at_every_width() {
        for (columns, rows) in [(60, 40), (80, 40), (100, 40), (200, 30)] {
            let (text, _) = drawn(columns, rows, &live(16), true);
            for word in [
                "measure",
                "kill in 7 s",
                "ORDER BREAKS 1",
                "handled 1950",
                "p99 39 ms",
                "c3: 3",
                "fault: kill c1.1",
                "Ctrl-C",
            ] {
                assert!(text.contains(word), "no {word:?} at {columns}x{rows}:\n{text}");
            }
        }
    }

    #[test]
    fn no_size_is_too_small_and_no_group_too_large() {
        for (columns, rows) in [(1, 1), (2, 40), (10, 3), (60, 8), (300, 100)] {
            drawn(columns, rows, &live(1_024), true);
            drawn(columns, rows, &Live::default(), false);
        }
    }

    #[test]
    fn without_colour_there_is_none_and_the_same_is_said() {
        let (live, plain) = (live(32), false);
        let (with, coloured) = drawn(100, 40, &live, true);
        let (without, uncoloured) = drawn(100, 40, &live, plain);
        assert!(coloured && !uncoloured);
        assert_eq!(with, without);
    }
}
