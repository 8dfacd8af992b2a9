//! A picture as a file of its own, for a README: title, caption, legend and drawing, with its colours for both themes inside.

use super::canvas::{Canvas, Font, READOUT, Side, escaped, text_width};
use super::palette::{Ink, flat, flat_sheet, style_sheet};
use super::timeline::WIDTH;
use super::{Key, Plot};

/// One picture, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Name of its file.
    pub file: String,
    /// What is in it.
    pub svg: String,
}

impl Image {
    /// The same picture in the colours of the light theme, without anything that only browsers know.
    pub(super) fn flat(&self) -> String {
        flat(&self.svg.replace(&style_sheet(), &flat_sheet()))
    }
}

const TITLE: Font = Font { size: 19.0, bold: true, ink: Ink::Text };
const CAPTION: Font = Font { size: 13.5, bold: false, ink: Ink::Muted };
const KEY: Font = Font { size: 13.0, bold: false, ink: Ink::Text };
const MARGIN: f64 = 18.0;
const LINE: f64 = 19.0;
/// Pixels of the sheet in units of a drawing.
const SCALE: f64 = 4.0;

/// The pictures of a page, each as a file.
pub(in crate::render) fn of(plots: Vec<Plot>) -> Vec<Image> {
    plots.iter().map(|plot| Image { file: format!("{}.svg", plot.id), svg: alone(plot) }).collect()
}

fn alone(plot: &Plot) -> String {
    let (lines, keys) = (wrapped(&plot.caption, WIDTH - 20.0), rows(&plot.legend));
    let drawing_at = MARGIN + 44.0 + (lines.len() + keys.len()) as f64 * LINE;
    let mut words = Canvas::new(WIDTH, drawing_at);
    words.text(&plot.title, (0.0, MARGIN + 6.0), Side::Start, TITLE);
    let mut y = MARGIN + 32.0;
    for line in lines {
        words.text(&line, (0.0, y), Side::Start, CAPTION);
        y += LINE;
    }
    let mut swatches = String::new();
    for row in keys {
        for (x, key) in row {
            swatches.push_str(&placed(&key.swatch, (x, y - 3.0), (28.0, 12.0)));
            words.text(&key.label, (x + 35.0, y + 3.0), Side::Start, KEY);
        }
        y += LINE;
    }
    let drawn = size(&plot.svg).unwrap_or((WIDTH, WIDTH / 2.0));
    let (width, height) = (WIDTH + 2.0 * MARGIN, drawing_at + drawn.1 + MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <title>{}</title>\n<style>\n{}svg{{font-family:system-ui,-apple-system,\"Segoe UI\",Roboto,Arial,sans-serif}}\n</style>\n{}\
         <rect width=\"{width}\" height=\"{height}\" class=\"f-paper\"/>\n<g transform=\"translate({MARGIN} 0)\">\n{}{swatches}{}</g>\n</svg>\n",
        escaped(&plot.title),
        style_sheet(),
        include_str!("../../../templates/patterns.svg"),
        placed(&words.finish_decoration(), (0.0, 0.0), (WIDTH, drawing_at)),
        placed(&unread(&plot.svg), (0.0, drawing_at), drawn),
    )
}

/// Without what only the script of a page reads.
fn unread(svg: &str) -> String {
    let Some((before, told)) = svg.split_once(READOUT) else { return svg.to_owned() };
    let after = told.split_once('"').map_or("", |(_, after)| after);
    format!("{}{after}", before.trim_end())
}

/// A drawing of ours at a place of another.
fn placed(svg: &str, (x, y): (f64, f64), (width, height): (f64, f64)) -> String {
    let rest = svg.strip_prefix("<svg").unwrap_or(svg);
    format!("<svg x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"{rest}\n")
}

/// The size of a drawing of ours, in pixels of its sheet.
fn size(svg: &str) -> Option<(f64, f64)> {
    let (_, rest) = svg.split_once("viewBox=\"0 0 ")?;
    let (width, height) = rest.split_once('"')?.0.split_once(' ')?;
    Some((width.parse::<f64>().ok()? / SCALE, height.parse::<f64>().ok()? / SCALE))
}

/// The keys, as many in a row as there is room for, each with its place.
fn rows(keys: &[Key]) -> Vec<Vec<(f64, &Key)>> {
    let mut rows: Vec<Vec<(f64, &Key)>> = Vec::new();
    let mut free_from = f64::INFINITY;
    for key in keys {
        let width = 35.0 + text_width(&key.label, KEY.size) + 18.0;
        if free_from + width > WIDTH {
            rows.push(Vec::new());
            free_from = 0.0;
        }
        if let Some(row) = rows.last_mut() {
            row.push((free_from, key));
        }
        free_from += width;
    }
    rows
}

fn wrapped(text: &str, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(&format!("{line} {word}"), CAPTION.size) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{plot, sample};

    #[test]
    fn every_picture_of_every_report_stands_alone() {
        for (name, report) in sample::all() {
            for image in of(plot::all(&report)) {
                let file = &image.file;
                assert!(file.ends_with(".svg") && !file.contains(['/', ' ']), "{file}");
                let outside = image.svg.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
                assert!(!outside.contains("http"), "{name}: {file}");
                let (opened, closed) = (image.svg.matches("<svg").count(), image.svg.matches("</svg>").count());
                assert_eq!(opened, closed, "{name}: {file}");
            }
        }
    }

    #[test]
    fn a_legend_that_is_too_long_goes_on_below() {
        let key = |number: usize| Key { swatch: String::new(), label: format!("a line with a long name {number}") };
        let keys: Vec<Key> = (0..9).map(key).collect();
        let rows = rows(&keys);
        assert!(rows.len() > 1);
        assert_eq!(rows.iter().map(Vec::len).sum::<usize>(), 9);
    }
}
