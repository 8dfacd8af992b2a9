//! A quantity of many cells, a row each: a bar to what stands for the repeats, and a dot for each of them.

use super::against::repeat_key;
use super::axis::{self, Axis};
use super::canvas::{Canvas, Font, Side, fitted, text_width};
use super::chart::cross;
use super::palette::Ink;
use super::timeline::{RIGHT, SMALL, WIDTH, clipped};
use super::{Key, Plot, line_swatch, mark_swatch};

/// What is drawn.
pub(crate) struct Rows {
    /// Anchor in the page, and name of its file.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// How to read it.
    pub caption: String,
    /// Name of the quantity, with its unit.
    pub quantity: String,
    /// Whether the quantity is a time in milliseconds.
    pub is_time: bool,
    /// Series ink of the bars.
    pub ink: u8,
    /// The rows, gathered under headings; a heading may be empty.
    pub groups: Vec<(String, Vec<Row>)>,
    /// A value that is marked, and what it means.
    pub mark: Option<(f64, String)>,
}

/// One cell.
pub(crate) struct Row {
    /// Its name.
    pub name: String,
    /// What stands for the repeats; none when nothing was observed.
    pub value: Option<f64>,
    /// The repeats.
    pub repeats: Vec<f64>,
    /// What stands beside the bar: the value with its unit, or why there is none.
    pub label: String,
    /// It broke a promise.
    pub is_broken: bool,
}

const ROW: f64 = 27.0;
const HEADING: f64 = 28.0;
const TOP: f64 = 24.0;
const LABELS_MAX: f64 = 330.0;
/// More rows than this make no picture any more.
const ROWS_MAX: usize = 60;

/// The picture; none when no cell observed it.
pub(crate) fn plot(mut rows: Rows) -> Option<Plot> {
    let all: usize = rows.groups.iter().map(|(_, rows)| rows.len()).sum();
    let mut room = ROWS_MAX;
    for (_, rows) in &mut rows.groups {
        rows.truncate(room);
        room -= rows.len();
    }
    rows.groups.retain(|(_, rows)| !rows.is_empty());
    let cells = || rows.groups.iter().flat_map(|(_, rows)| rows);
    let values = || cells().flat_map(|row| row.repeats.iter().copied().chain(row.value)).filter(|it| it.is_finite());
    values().next()?;
    if all > ROWS_MAX {
        rows.caption.push_str(&format!(" {} further cells are in the table.", all - ROWS_MAX));
    }
    let cells = || rows.groups.iter().flat_map(|(_, rows)| rows);
    let names = cells().map(|row| text_width(&row.name, 13.0)).fold(0.0, f64::max);
    let left = (names + 16.0).clamp(110.0, LABELS_MAX);
    let labels = cells().map(|row| text_width(&row.label, 13.0)).fold(0.0, f64::max);
    let axis = Axis::from_zero(values().chain(rows.mark.iter().map(|(at, _)| *at)), left, RIGHT - labels - 18.0);
    let headings = rows.groups.iter().filter(|(heading, _)| !heading.is_empty()).count();
    let bottom = TOP + cells().count() as f64 * ROW + headings as f64 * HEADING;
    let mut canvas = Canvas::new(WIDTH, bottom + 24.0);
    let tick_label = if rows.is_time { axis::duration } else { axis::short };
    for tick in axis.ticks(6) {
        let x = axis.at(tick);
        canvas.line(&[(x, TOP), (x, bottom)], Ink::Grid, 1.0);
        canvas.text(&tick_label(tick), (x, bottom + 13.0), Side::Middle, SMALL);
    }
    canvas.text(&rows.quantity, (left, 9.0), Side::Start, Font { bold: true, ..SMALL });
    let mut y = TOP;
    for (heading, cells) in &rows.groups {
        if !heading.is_empty() {
            let font = Font { size: 13.0, bold: true, ink: Ink::Text };
            canvas.text(&clipped(heading, 80), (2.0, y + HEADING / 2.0 + 2.0), Side::Start, font);
            y += HEADING;
        }
        for row in cells {
            draw(&mut canvas, row, &axis, (left, y + ROW / 2.0), rows.ink);
            y += ROW;
        }
    }
    canvas.line(&[(left, TOP), (left, bottom)], Ink::Muted, 1.0);
    if let Some((at, label)) = &rows.mark {
        canvas.line(&[(axis.at(*at), TOP - 4.0), (axis.at(*at), bottom)], Ink::Lease, 1.5);
        canvas.title(label);
    }
    let told: Vec<String> = cells().map(|row| format!("{} {}", row.name, row.label)).collect();
    let svg = canvas.finish(&format!("{}: {}.", rows.title, told.join("; ")));
    let legend = legend(&rows);
    Some(Plot { id: rows.id.into(), title: rows.title.into(), caption: rows.caption, svg, legend })
}

fn draw(canvas: &mut Canvas, row: &Row, axis: &Axis, (left, middle): (f64, f64), ink: u8) {
    let name = Font { size: 13.0, bold: false, ink: Ink::Text };
    canvas.text(&fitted(&row.name, name.size, left - 14.0), (left - 10.0, middle), Side::End, name);
    let Some(value) = row.value.filter(|value| value.is_finite()) else {
        return canvas.text(&row.label, (left + 7.0, middle), Side::Start, SMALL);
    };
    let end = axis.at(value);
    let title = format!("{}: {}", row.name, row.label);
    if value > 0.0 {
        canvas.rect_alpha((left, middle - 8.0), (end.max(left + 1.0), middle + 8.0), Ink::Series(ink), 0.55);
        canvas.title(&title);
    }
    canvas.line(&[(end, middle - 9.5), (end, middle + 9.5)], Ink::Text, 2.0);
    let mut furthest = end;
    if let ([first, .., last], true) = (row.repeats.as_slice(), row.repeats.len() > 1) {
        canvas.line(&[(axis.at(*first), middle), (axis.at(*last), middle)], Ink::Text, 1.25);
        for repeat in &row.repeats {
            canvas.dot((axis.at(*repeat), middle), 2.5, Ink::Text, true);
        }
        furthest = furthest.max(axis.at(*last));
    }
    if row.is_broken {
        cross(canvas, (left + 11.0, middle), 4.5, &title);
    }
    canvas.text(&row.label, (furthest + 9.0, middle), Side::Start, Font { size: 13.0, bold: true, ink: Ink::Text });
}

fn legend(rows: &Rows) -> Vec<Key> {
    let cells = || rows.groups.iter().flat_map(|(_, rows)| rows);
    let mut keys = Vec::new();
    if cells().any(|row| row.repeats.len() > 1) {
        keys.push(repeat_key());
    }
    if cells().any(|row| row.is_broken) {
        keys.push(Key { swatch: mark_swatch(), label: "a promise was broken".to_owned() });
    }
    keys.extend(rows.mark.iter().map(|(_, label)| Key { swatch: line_swatch(Ink::Lease, 1.5), label: label.clone() }));
    keys
}
