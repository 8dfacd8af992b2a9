//! The signature picture: one row a partition, coloured by its owner, with silences, overlaps and violations.

use super::canvas::{Canvas, Font, Group, Side, text_width};
use super::chart::cross;
use super::clusters::{Cluster, clusters, is_absence, is_order};
use super::owners::{Overlap, Owners, is_later_life, overlaps};
use super::palette::Ink;
use super::timeline::{LEFT, RIGHT, SMALL, Timeline, WIDTH};
use super::{Key, Plot, box_swatch, swatch};
use crate::model::report::{OwnershipEnd, OwnershipSpan, Report, Silence};
use crate::render::number;

/// What the number of violations in a row takes behind their bar, in pixels.
const NUMBER_ROOM: f64 = 44.0;
/// So many elements say who they are when they are pointed at; more would bloat the file.
const TITLES_MAX: usize = 6_000;
/// A legend with more names than this helps nobody.
const NAMES_MAX: usize = 21;

/// Silences that would be thinner than so many pixels are not drawn.
const WIDTH_MIN: f64 = 0.5;

/// The sheet with its rows.
struct Rows<'a> {
    canvas: Canvas,
    timeline: &'a Timeline,
    top: f64,
    height: f64,
    titles: bool,
}

/// The picture.
pub(super) fn plot(report: &Report, timeline: &Timeline) -> Option<Plot> {
    let figures = &report.figures;
    let partitions = (figures.ownership.iter().map(|span| span.partition))
        .chain(figures.silences.iter().map(|silence| silence.partition))
        .chain(report.violations.iter().map(|violation| violation.partition))
        .map(|partition| partition.saturating_add(1))
        .max()
        .unwrap_or(0)
        .max(report.run.partitions);
    if partitions == 0 || (report.promises.owners && figures.ownership.is_empty()) {
        return None;
    }
    let owners = Owners::of(&figures.ownership);
    let overlaps = overlaps(&figures.ownership);
    let height = row_height(partitions);
    let top = timeline.head() + if timeline.is_crowded_left_of(80.0) { 24.0 } else { 14.0 };
    let bottom = top + f64::from(partitions) * height;
    let mut rows = Rows {
        canvas: Canvas::new(WIDTH, bottom + Timeline::FOOT),
        timeline,
        top,
        height,
        titles: figures.ownership.len() + figures.silences.len() + report.violations.len() <= TITLES_MAX,
    };
    rows.tracks(partitions);
    rows.timeline.draw_seconds(&mut rows.canvas, top, bottom);
    rows.canvas.open(Group::Time);
    for span in &figures.ownership {
        rows.span(span, &owners);
    }
    rows.canvas.close();
    timeline.draw_faults(&mut rows.canvas, top, bottom);
    rows.canvas.open(Group::Time);
    // The longest come first in the report, and lie above the shorter ones.
    for silence in figures.silences.iter().rev() {
        rows.silence(silence);
    }
    for overlap in &overlaps {
        rows.overlap(overlap);
    }
    let room = if rows.has_numbers() { NUMBER_ROOM } else { 0.0 };
    for cluster in clusters(&report.violations, timeline, room) {
        rows.violations(&cluster);
    }
    rows.canvas.close();
    let alt = alt(report, partitions, &owners, overlaps.len());
    Some(Plot {
        id: "ownership".into(),
        title: if report.promises.owners { "Who owned which partition" } else { "What each partition waited for" }
            .into(),
        caption: caption(report, timeline, &owners),
        svg: rows.canvas.finish(&alt),
        legend: legend(report, &owners, overlaps.len()),
    })
}

fn row_height(partitions: u16) -> f64 {
    match partitions {
        0..=12 => 26.0,
        13..=20 => 22.0,
        21..=32 => 17.0,
        33..=64 => 13.0,
        65..=128 => 8.0,
        129..=256 => 5.0,
        more => (1280.0 / f64::from(more)).max(1.0),
    }
}

impl Rows<'_> {
    fn y(&self, partition: u16) -> f64 {
        self.top + f64::from(partition) * self.height
    }

    /// The row without the little space that keeps it apart from the next.
    fn inner(&self) -> f64 {
        self.height - if self.height >= 8.0 { 2.0 } else { self.height * 0.12 }
    }

    /// Too thin for stripes and names.
    fn is_thin(&self) -> bool {
        self.inner() < 8.0
    }

    fn title(&mut self, title: impl FnOnce() -> String) {
        if self.titles {
            self.canvas.title(&title());
        }
    }

    fn tracks(&mut self, partitions: u16) {
        let step =
            [1u16, 2, 4, 8, 16, 32, 64, 128, 256].into_iter().find(|step| f64::from(*step) * self.height >= 12.5);
        let step = step.unwrap_or(512);
        for partition in 0..partitions {
            let y = self.y(partition);
            self.canvas.rect((LEFT, y), (RIGHT, y + self.inner()), Ink::Track);
            if partition.is_multiple_of(step) {
                let middle = y + self.inner() / 2.0;
                self.canvas.text(&partition.to_string(), (LEFT - 8.0, middle), Side::End, SMALL);
            }
        }
        let y = if self.timeline.is_crowded_left_of(80.0) { 9.0 } else { self.top - 15.0 };
        self.canvas.text("partition", (2.0, y), Side::Start, Font { bold: true, ..SMALL });
    }

    fn span(&mut self, span: &OwnershipSpan, owners: &Owners) {
        let (from, to) = (self.timeline.x(span.from_ms), self.timeline.x(span.to_ms));
        if !from.is_finite() || !to.is_finite() {
            return;
        }
        let (y, inner) = (self.y(span.partition), self.inner());
        let to = to.max(from + 0.75);
        // Thin rows are many rows: paler owners leave the loud colours to what went wrong.
        let alpha = if self.is_thin() { 0.5 } else { 1.0 };
        self.canvas.rect_alpha((from, y), (to, y + inner), owners.ink(&span.owner), alpha);
        let tell = || {
            format!(
                "partition {}: {}, epoch {}, from {} to {}, {}",
                span.partition,
                span.owner,
                span.epoch,
                number::instant(span.from_ms),
                number::instant(span.to_ms),
                ended(span.end)
            )
        };
        self.title(tell);
        if is_later_life(&span.owner) && !self.is_thin() {
            self.canvas.rect((from, y), (to, y + inner), Ink::Incarnation);
            self.title(tell);
        }
        if to - from > 3.0 {
            self.canvas.pinned(from, |canvas| canvas.rect((from, y), (from + 1.25, y + inner), Ink::Paper));
        }
        if span.end == OwnershipEnd::Died && !self.is_thin() {
            self.canvas.pinned(to, |canvas| canvas.rect((to - 2.0, y), (to + 0.5, y + inner), Ink::Text));
        }
        self.name(span, owners.number(&span.owner), (from, to), y + inner / 2.0);
    }

    /// The name of the owner in its stretch, with the epoch where there is room for it.
    fn name(&mut self, span: &OwnershipSpan, owner: u8, (from, to): (f64, f64), middle: f64) {
        if self.inner() < 10.5 {
            return;
        }
        let font = Font { size: (self.inner() - 4.0).clamp(8.5, 12.0), bold: true, ink: Ink::OnOwner(owner) };
        let long = format!("{} · e{}", span.owner, span.epoch);
        let mut lines: Vec<f64> = self.timeline.fault_lines().filter(|x| *x > from + 3.0).collect();
        lines.sort_by(f64::total_cmp);
        let place = |text: &&str| {
            let width = text_width(text, font.size);
            // The first place that no line of a fault strikes through.
            let starts = std::iter::once(from + 5.0).chain(lines.iter().map(|x| x + 4.0));
            let free = |start: &f64| {
                start + width + 3.0 <= to && lines.iter().all(|x| *x <= *start || *x >= start + width + 2.0)
            };
            starts.take(12).find(free)
        };
        let placed = [long.as_str(), span.owner.as_str()].into_iter().find_map(|text| Some((text, place(&text)?)));
        if let Some((text, at)) = placed {
            // It stands behind the start of its stretch, or behind the line of a fault.
            let anchor = lines.iter().copied().filter(|x| *x <= at).fold(from, f64::max);
            self.canvas.held(anchor, to, |canvas| {
                if is_later_life(&span.owner) {
                    let width = text_width(text, font.size) + 6.0;
                    let half = font.size * 0.62;
                    canvas.rect((at - 2.0, middle - half), (at - 2.0 + width, middle + half), Ink::Owner(owner));
                }
                canvas.text(text, (at, middle), Side::Start, font);
            });
        }
    }

    fn silence(&mut self, silence: &Silence) {
        let (from, to) = (self.timeline.x(silence.from_ms), self.timeline.x(silence.to_ms));
        // What is thinner than this is the rhythm of arrivals; drawn, it would look like something.
        if !from.is_finite() || !to.is_finite() || to - from < WIDTH_MIN {
            return;
        }
        let (y, inner) = (self.y(silence.partition), self.inner());
        let to = to.max(from + 1.0);
        let length = number::ms(silence.to_ms - silence.from_ms);
        self.canvas.rect((from, y), (to, y + inner), Ink::Paper);
        let ink = if self.is_thin() { Ink::Bad } else { Ink::Silence };
        self.canvas.rect((from, y), (to, y + inner), ink);
        self.title(|| {
            let fault = silence.fault.map_or_else(String::new, |fault| format!(", in the window of fault {fault}"));
            let at = number::instant(silence.from_ms);
            format!("partition {}: silent for {length} from {at}{fault}", silence.partition)
        });
        let font = Font { size: (inner - 5.0).clamp(8.0, 11.0), bold: true, ink: Ink::Bad };
        let width = text_width(&length, font.size) + 6.0;
        if inner >= 12.0 && to - from > width + 2.0 {
            let middle = (from + to) / 2.0;
            self.canvas.pinned(middle, |canvas| {
                canvas.rect((middle - width / 2.0, y + 2.0), (middle + width / 2.0, y + inner - 2.0), Ink::Paper);
                canvas.text(&length, (middle, y + inner / 2.0), Side::Middle, font);
            });
        }
    }

    fn overlap(&mut self, overlap: &Overlap<'_>) {
        let (from, to) = (self.timeline.x(overlap.from_ms), self.timeline.x(overlap.to_ms));
        let (y, inner) = (self.y(overlap.partition), self.inner());
        let to = to.max(from + 3.0);
        self.canvas.rect((from - 1.0, y - 1.0), (to + 1.0, y + inner + 1.0), Ink::Bad);
        self.canvas.rect((from, y), (to, y + inner), Ink::Paper);
        self.canvas.rect((from, y), (to, y + inner), Ink::Overlap);
        self.title(|| {
            let (one, other) = overlap.owners;
            format!(
                "partition {}: {} (epoch {}) and {} (epoch {}) both believed that they owned it, for {} from {}",
                overlap.partition,
                one.owner,
                one.epoch,
                other.owner,
                other.epoch,
                number::ms(overlap.to_ms - overlap.from_ms),
                number::instant(overlap.from_ms)
            )
        });
    }

    /// Whether rows are high enough for the number of violations in a row.
    fn has_numbers(&self) -> bool {
        self.inner() >= 10.5
    }

    /// One mark; where many stand so close that they would hide one another, a bar with their number.
    fn violations(&mut self, cluster: &Cluster<'_>) {
        let y = self.y(cluster.first.partition) + self.inner() / 2.0;
        let size = (self.inner() * 0.3).clamp(3.0, 4.5);
        let number = cluster.number;
        let title = match (self.titles, number) {
            (false, _) => String::new(),
            (true, 1) => format!("{}: {}", cluster.first.kind, cluster.first.story),
            (true, more) => format!("{more} in a row; the first, {}: {}", cluster.first.kind, cluster.first.story),
        };
        if cluster.to - cluster.from > 4.0 {
            self.canvas.line(&[(cluster.from, y), (cluster.to, y)], Ink::Paper, 6.0);
            self.canvas.line(&[(cluster.from, y), (cluster.to, y)], Ink::Bad, 3.0);
            self.canvas.title(&title);
        }
        let at = (cluster.from, y);
        self.canvas.pinned(cluster.from, |canvas| {
            if is_absence(&cluster.first.kind) {
                canvas.dot(at, size + 2.5, Ink::Paper, true);
                canvas.dot(at, size + 1.0, Ink::Bad, true);
                canvas.dot(at, size - 1.0, Ink::Paper, true);
                canvas.title(&title);
            } else {
                cross(canvas, at, size, &title);
            }
        });
        if number > 1 && self.has_numbers() {
            let font = Font { size: 11.0, bold: true, ink: Ink::Bad };
            let text = format!("×{number}");
            let from = cluster.to.max(cluster.from + size) + 4.0;
            let half = (self.inner() / 2.0 - 1.0).min(8.0);
            let width = text_width(&text, font.size) + 6.0;
            self.canvas.pinned(cluster.to, |canvas| {
                canvas.rect((from, y - half), (from + width, y + half), Ink::Paper);
                canvas.text(&text, (from + 3.0, y), Side::Start, font);
            });
        }
    }
}

fn ended(end: OwnershipEnd) -> &'static str {
    match end {
        OwnershipEnd::Released => "given back",
        OwnershipEnd::Lost => "known to be lost",
        OwnershipEnd::Expired => "the deadline passed",
        OwnershipEnd::Died => "the process died",
        OwnershipEnd::Open => "held to the end",
    }
}

fn caption(report: &Report, timeline: &Timeline, owners: &Owners) -> String {
    let mut caption = if report.promises.owners {
        "One row a partition; a stretch is one owner, named by member.life, with its epoch where there is room. \
         A bare row has no owner. Silences thinner than half a pixel are left out."
            .to_owned()
    } else {
        let why = match report.run.strategy.as_str() {
            "external" => "The program says of no partition that it owns it",
            _ => "Nobody owns a partition: any member takes any message",
        };
        format!(
            "{why}, so there is nothing to colour. The rows show when messages waited and nobody handled them, and \
             where order broke."
        )
    };
    if owners.len() > NAMES_MAX {
        caption.push_str(&format!(
            " With {} members colours repeat after {NAMES_MAX}; pointing at a stretch names its owner.",
            owners.len()
        ));
    }
    match timeline.unlabelled() {
        0 => {}
        more => caption.push_str(&format!(
            " {} stand too close for a label and are marked by ▼; the table of faults has them all.",
            number::of(more as u64, "fault")
        )),
    }
    caption
}

fn alt(report: &Report, partitions: u16, owners: &Owners, overlaps: usize) -> String {
    let longest = report.figures.silences.iter().map(|silence| silence.to_ms - silence.from_ms);
    let longest = longest.filter(|length| length.is_finite()).fold(0.0, f64::max);
    format!(
        "{} over time: {}, {}, {}, the longest silence {}.",
        number::of(partitions.into(), "partition"),
        number::of(owners.len() as u64, "member"),
        number::of(report.faults.len() as u64, "fault"),
        number::of(overlaps as u64, "overlap"),
        number::ms(longest)
    )
}

fn legend(report: &Report, owners: &Owners, overlaps: usize) -> Vec<Key> {
    let key = |swatch: String, label: &str| Key { swatch, label: label.to_owned() };
    let mut legend: Vec<Key> = Vec::new();
    if owners.len() <= NAMES_MAX {
        legend.extend(owners.names().map(|(name, number)| key(box_swatch(&[Ink::Owner(number)]), name)));
    }
    let spans = &report.figures.ownership;
    if report.run.partitions <= 64 && spans.iter().any(|span| is_later_life(&span.owner)) {
        legend.push(key(box_swatch(&[Ink::Owner(0), Ink::Incarnation]), "a later life of its member"));
    }
    if report.run.partitions <= 64 && spans.iter().any(|span| span.end == OwnershipEnd::Died) {
        legend.push(key(swatch(|canvas| canvas.rect((12.0, 0.0), (15.0, 12.0), Ink::Text)), "the owner died"));
    }
    if !report.figures.silences.is_empty() {
        let thin = report.run.partitions > 64;
        legend.push(key(
            box_swatch(&[Ink::Paper, if thin { Ink::Bad } else { Ink::Silence }]),
            "silence: messages wait, nobody handles them",
        ));
    }
    if overlaps > 0 {
        legend.push(key(box_swatch(&[Ink::Paper, Ink::Overlap]), "overlap: two believe that they own it"));
    }
    if report.violations.iter().any(|violation| !is_absence(&violation.kind)) {
        let promised = report.violations.iter().any(|violation| violation.promised);
        let mut marked = report.violations.iter().filter(|violation| !is_absence(&violation.kind));
        let label = match promised {
            true => "violation",
            false if marked.all(|violation| is_order(&violation.kind)) => "order broke (not promised)",
            false => "went wrong (not promised)",
        };
        legend.push(key(super::mark_swatch(), label));
    }
    if report.violations.iter().any(|violation| is_absence(&violation.kind)) {
        let ring = swatch(|canvas| {
            canvas.dot((14.0, 6.0), 5.5, Ink::Bad, true);
            canvas.dot((14.0, 6.0), 3.0, Ink::Paper, true);
        });
        legend.push(key(ring, "message lost or made up"));
    }
    legend
}
