//! One series of several in a picture: an ink with its dash and a shape of its own, so that no meaning hangs on colour.

use super::canvas::Canvas;
use super::palette::Ink;
use super::{Key, swatch};

/// So many series differ in ink and shape. A picture with more must be drawn otherwise.
pub(crate) const SERIES_MAX: usize = 8;

/// The inks that stand out most come first; the first lines are whole ones.
const INKS: [u8; SERIES_MAX] = [4, 5, 3, 6, 2, 7, 1, 0];

/// The ink of a series.
pub(super) fn ink(series: usize) -> Ink {
    Ink::Series(INKS[series % SERIES_MAX])
}

/// The mark of a series, about so large, with a halo that keeps it apart from what lies below.
pub(super) fn draw(canvas: &mut Canvas, (x, y): (f64, f64), series: usize, size: f64) {
    if !x.is_finite() || !y.is_finite() {
        return;
    }
    let ink = ink(series);
    let scaled = |points: &[(f64, f64)], size: f64| -> Vec<(f64, f64)> {
        points.iter().map(|(dx, dy)| (x + dx * size, y + dy * size)).collect()
    };
    let shape: &[(f64, f64)] = match series % SERIES_MAX {
        0 | 4 => {
            canvas.dot((x, y), size + 1.5, Ink::Paper, true);
            canvas.dot((x, y), size, ink, true);
            if series % SERIES_MAX == 4 {
                canvas.dot((x, y), size * 0.45, Ink::Paper, true);
            }
            return;
        }
        1 | 5 => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        2 | 6 => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
        3 => &[(0.0, -1.2), (1.2, 0.9), (-1.2, 0.9)],
        _ => &[(-1.2, -0.9), (1.2, -0.9), (0.0, 1.2)],
    };
    canvas.area(&scaled(shape, size + 1.8), Ink::Paper, 1.0);
    canvas.area(&scaled(shape, size), ink, 1.0);
    if matches!(series % SERIES_MAX, 5 | 6) {
        canvas.dot((x, y), size * 0.45, Ink::Paper, true);
    }
}

/// The key of a series; with its line where there is one.
pub(super) fn key(series: usize, label: &str, with_line: bool) -> Key {
    let swatch = swatch(|canvas| {
        if with_line {
            canvas.line(&[(0.0, 6.0), (28.0, 6.0)], ink(series), 2.0);
        }
        draw(canvas, (14.0, 6.0), series, 4.0);
    });
    Key { swatch, label: label.to_owned() }
}
