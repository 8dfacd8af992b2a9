//! One quantity of several runs as bars: the runs of a comparison, side by side.

use super::Plot;
use super::axis::Axis;
use super::canvas::{Canvas, Font, Side, text_width};
use super::palette::Ink;
use super::timeline::{RIGHT, SMALL, WIDTH, clipped};

const ROW: f64 = 30.0;
const LABELS: f64 = 210.0;

/// One bar: whose, how long, and what stands beside it.
pub(crate) struct Bar {
    /// The run.
    pub name: String,
    /// Its length; none when nothing was observed.
    pub value: Option<f64>,
    /// The value with its unit.
    pub label: String,
}

/// The picture; none when no run observed it.
pub(crate) fn plot(id: &'static str, title: &'static str, caption: &str, ink: u8, bars: &[Bar]) -> Option<Plot> {
    let values = || bars.iter().filter_map(|bar| bar.value).filter(|value| value.is_finite());
    values().next()?;
    let longest_label = bars.iter().map(|bar| text_width(&bar.label, 13.0)).fold(0.0, f64::max);
    let axis =
        Axis::linear(0.0, values().fold(0.0, f64::max).max(f64::MIN_POSITIVE), LABELS, RIGHT - longest_label - 16.0);
    let mut canvas = Canvas::new(WIDTH, bars.len() as f64 * ROW + 6.0);
    for (row, bar) in bars.iter().enumerate() {
        let middle = row as f64 * ROW + ROW / 2.0 + 2.0;
        let name = Font { size: 13.0, bold: false, ink: Ink::Text };
        canvas.text(&clipped(&bar.name, 28), (LABELS - 10.0, middle), Side::End, name);
        match bar.value.filter(|value| value.is_finite()) {
            Some(value) => {
                let end = axis.at(value).max(LABELS + 1.0);
                if value > 0.0 {
                    canvas.rect((LABELS, middle - 9.0), (end, middle + 9.0), Ink::Series(ink));
                    canvas.title(&format!("{}: {}", bar.name, bar.label));
                }
                let font = Font { size: 13.0, bold: true, ink: Ink::Text };
                canvas.text(&bar.label, (end + 7.0, middle), Side::Start, font);
            }
            None => canvas.text("not observed", (LABELS + 7.0, middle), Side::Start, SMALL),
        }
    }
    canvas.line(&[(LABELS, 2.0), (LABELS, bars.len() as f64 * ROW + 4.0)], Ink::Muted, 1.0);
    let told: Vec<String> = bars.iter().map(|bar| format!("{} {}", bar.name, bar.label)).collect();
    let alt = format!("{title}: {}.", told.join("; "));
    let svg = canvas.finish(&alt);
    Some(Plot { id: id.into(), title: title.into(), caption: caption.to_owned(), svg, legend: Vec::new() })
}
