//! A sheet to draw on: plotters' SVG backend with roles for colours, fractions of a pixel, and titles on hover.

use plotters::prelude::{Color as _, DrawingBackend as _, IntoFont as _, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, FontTransform, RGBColor, ShapeStyle, TextStyle};

use super::palette::Ink;

/// plotters counts whole pixels; a sheet is drawn so many times larger and shown smaller, which gives fractions.
const SCALE: f64 = 4.0;

/// Nothing a run holds lies outside of this; it keeps every figure inside of what plotters can count.
const FAR: f64 = 100_000.0;

/// Begins the attribute with what the script tells.
pub(super) const READOUT: &str = "data-readout=\"";

/// A point of the drawing: across, down.
type Corner = (f64, f64);

/// Where a text stands, seen from its anchor.
#[derive(Clone, Copy)]
pub(super) enum Side {
    /// Begins there.
    Start,
    /// Is centred there.
    Middle,
    /// Ends there.
    End,
}

/// How a text looks.
#[derive(Clone, Copy)]
pub(super) struct Font {
    /// Height in pixels.
    pub size: f64,
    /// Bold.
    pub bold: bool,
    /// Its role.
    pub ink: Ink,
}

/// A sheet. Elements are drawn in order, later ones above.
pub(super) struct Canvas {
    size: (f64, f64),
    svg: String,
    pin: Option<(f64, Option<f64>)>,
    attributes: String,
}

/// What a part of a drawing is to the script that zooms. Whatever lies in no group stays as it is.
#[derive(Clone, Copy)]
pub(super) enum Group {
    /// Drawn over time: moves and stretches with it, but for what is pinned.
    Time,
    /// Lines and labels of round instants: drawn anew for the instants shown.
    Ticks,
}

impl Canvas {
    /// An empty sheet.
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { size: (width, height), svg: String::new(), pin: None, attributes: String::new() }
    }

    /// Begins a group, which [`Self::close`] ends.
    pub(super) fn open(&mut self, group: Group) {
        let class = match group {
            Group::Time => "over-time",
            Group::Ticks => "ticks",
        };
        self.svg.push_str(&format!("<g class=\"{class}\">\n"));
    }

    /// Ends a group.
    pub(super) fn close(&mut self) {
        self.svg.push_str("</g>\n");
    }

    /// What is drawn moves with this pixel when time is stretched, and keeps its own size.
    pub(super) fn pinned<T>(&mut self, x: f64, draw: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.pin.replace((x, None));
        let drawn = draw(self);
        self.pin = before;
        drawn
    }

    /// The same for what belongs to a stretch: as long as that is in view, so is this.
    pub(super) fn held<T>(&mut self, x: f64, end: f64, draw: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.pin.replace((x, Some(end)));
        let drawn = draw(self);
        self.pin = before;
        drawn
    }

    /// Says that the drawing runs over time, from 0 at one pixel to `end_ms` at another.
    pub(super) fn over_time(&mut self, (from, to): (f64, f64), end_ms: f64) {
        let (from, to) = (from * SCALE, to * SCALE);
        self.attributes.push_str(&format!(" data-time=\"{from} {to} {end_ms}\""));
    }

    /// What is told of the instants that are pointed at: from when on, and what. For the script only.
    pub(super) fn readout(&mut self, told: &[(f64, String)]) {
        if let Ok(json) = serde_json::to_string(told) {
            self.attributes.push_str(&format!(" {READOUT}{}\"", escaped(&json)));
        }
    }

    /// Many rectangles of one colour as one element: their corners.
    pub(super) fn cells(&mut self, cells: &[(Corner, Corner)], ink: Ink, alpha: f64) {
        let mut path = String::new();
        for (from, to) in cells {
            let ((left, top), (right, bottom)) = (scaled(*from), scaled(*to));
            path.push_str(&format!("M{left} {top}H{right}V{bottom}H{left}Z"));
        }
        if !path.is_empty() {
            let RGBColor(.., code) = ink.sentinel();
            let class = Ink::class(code);
            self.svg.push_str(&format!("<path class=\"f-{class}\" opacity=\"{alpha:.2}\" d=\"{path}\"/>\n"));
        }
    }

    /// plotters writes a document for each backend; the drawing of one element is taken out of it.
    fn draw(&mut self, draw: impl FnOnce(&mut SVGBackend<'_>)) {
        let mut document = String::new();
        {
            let mut backend = SVGBackend::with_string(&mut document, (1, 1));
            draw(&mut backend);
        }
        let inner = document.split_once('\n').map_or("", |(_, inner)| inner);
        let inner = inner.strip_suffix("</svg>\n").unwrap_or(inner);
        if inner.is_empty() {
            return;
        }
        let element = polish(inner);
        match (self.pin, element.find(' ')) {
            (Some((x, end)), Some(at)) => {
                let pin = scaled((x, 0.0)).0;
                let hold = end.map_or_else(String::new, |end| format!(" data-hold=\"{}\"", scaled((end, 0.0)).0));
                self.svg.push_str(&format!("{} data-pin=\"{pin}\"{hold}{}", &element[..at], &element[at..]));
            }
            _ => self.svg.push_str(&element),
        }
    }

    /// A filled rectangle.
    pub(super) fn rect(&mut self, from: (f64, f64), to: (f64, f64), ink: Ink) {
        self.rect_alpha(from, to, ink, 1.0);
    }

    /// A filled rectangle that lets through what is below.
    pub(super) fn rect_alpha(&mut self, from: (f64, f64), to: (f64, f64), ink: Ink, alpha: f64) {
        let (from, to) = (scaled(from), scaled(to));
        let style = ShapeStyle { color: ink.sentinel().mix(alpha), filled: true, stroke_width: 0 };
        self.draw(|backend| {
            let _ = backend.draw_rect(from, to, &style, true);
        });
    }

    /// A line through points. Those that are no numbers interrupt it.
    pub(super) fn line(&mut self, points: &[(f64, f64)], ink: Ink, width: f64) {
        let style = stroke(ink, width);
        for piece in points.split(|(x, y)| !x.is_finite() || !y.is_finite()) {
            match piece {
                [] => {}
                [point] => self.dot(*point, width.max(1.5), ink, true),
                [from, to] => {
                    let (from, to) = (scaled(*from), scaled(*to));
                    self.draw(|backend| {
                        let _ = backend.draw_line(from, to, &style);
                    });
                }
                many => {
                    let many: Vec<(i32, i32)> = many.iter().copied().map(scaled).collect();
                    self.draw(|backend| {
                        let _ = backend.draw_path(many, &style);
                    });
                }
            }
        }
    }

    /// A filled shape.
    pub(super) fn area(&mut self, points: &[(f64, f64)], ink: Ink, alpha: f64) {
        let style = ShapeStyle { color: ink.sentinel().mix(alpha), filled: true, stroke_width: 0 };
        let points: Vec<(i32, i32)> =
            points.iter().filter(|(x, y)| x.is_finite() && y.is_finite()).copied().map(scaled).collect();
        if points.len() > 2 {
            self.draw(|backend| {
                let _ = backend.fill_polygon(points, &style);
            });
        }
    }

    /// A disc or a ring.
    pub(super) fn dot(&mut self, center: (f64, f64), radius: f64, ink: Ink, filled: bool) {
        if !center.0.is_finite() || !center.1.is_finite() {
            return;
        }
        let center = scaled(center);
        let radius = (radius * SCALE).round() as u32;
        let style = stroke(ink, 1.25);
        self.draw(|backend| {
            let _ = backend.draw_circle(center, radius, &style, filled);
        });
    }

    /// A text; its anchor is the middle of its height.
    pub(super) fn text(&mut self, text: &str, at: (f64, f64), side: Side, font: Font) {
        if text.is_empty() || !at.0.is_finite() || !at.1.is_finite() {
            return;
        }
        let side = match side {
            Side::Start => HPos::Left,
            Side::Middle => HPos::Center,
            Side::End => HPos::Right,
        };
        let style = if font.bold { FontStyle::Bold } else { FontStyle::Normal };
        // plotters divides the size by 1.24 on the way out.
        let face = ("sans-serif", font.size * SCALE * 1.24).into_font().style(style).transform(FontTransform::None);
        let color = font.ink.sentinel().mix(1.0);
        let style = TextStyle::from(face).color(&color).pos(Pos::new(side, VPos::Center));
        let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        let at = scaled(at);
        self.draw(|backend| {
            let _ = backend.draw_text(&text, &style, at);
        });
    }

    /// What the element drawn last tells when it is pointed at.
    pub(super) fn title(&mut self, title: &str) {
        if title.is_empty() {
            return;
        }
        let end = self.svg.trim_end().len();
        if let Some(open) = self.svg[..end].strip_suffix("/>") {
            let tag_at = open.rfind('<').unwrap_or(0);
            let name: String = open[tag_at..].chars().skip(1).take_while(char::is_ascii_alphanumeric).collect();
            self.svg.truncate(end - "/>".len());
            self.svg.push_str(&format!("><title>{}</title></{name}>\n", escaped(title)));
        }
    }

    /// The element for the page; `alt` says what it shows.
    pub(super) fn finish(self, alt: &str) -> String {
        let (width, height) = (self.size.0 * SCALE, self.size.1 * SCALE);
        format!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\"{}>\n{}</svg>",
            escaped(alt),
            self.attributes,
            self.svg
        )
    }

    /// The element for a place where a label says already what it means.
    pub(super) fn finish_decoration(self) -> String {
        let (width, height) = (self.size.0 * SCALE, self.size.1 * SCALE);
        format!("<svg viewBox=\"0 0 {width} {height}\" aria-hidden=\"true\">{}</svg>", self.svg.trim_end())
    }
}

/// How wide a text will be, near enough to keep labels apart.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    let em = |letter: char| match letter {
        'i' | 'j' | 'l' | '.' | ',' | ':' | '\'' | '|' | ' ' => 0.36,
        '0'..='9' | '×' | '+' => 0.67,
        'm' | 'w' | 'M' | 'W' | '→' | '—' => 0.95,
        letter if letter.is_uppercase() => 0.68,
        _ => 0.6,
    };
    text.chars().map(em).sum::<f64>() * size
}

/// No wider than this: what does not fit is left out in the middle, since names that begin alike end differently.
pub(super) fn fitted(text: &str, size: f64, width: f64) -> String {
    let letters: Vec<char> = text.chars().collect();
    for kept in (1..=letters.len()).rev() {
        let shown = if kept == letters.len() {
            text.to_owned()
        } else {
            let end = kept / 2;
            let (first, last) = (letters.iter().take(kept - end), letters.iter().skip(letters.len() - end));
            first.chain(std::iter::once(&'…')).chain(last).collect()
        };
        if text_width(&shown, size) <= width {
            return shown;
        }
    }
    String::new()
}

/// Text of others inside markup.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

fn stroke(ink: Ink, width: f64) -> ShapeStyle {
    ShapeStyle { color: ink.sentinel().mix(1.0), filled: false, stroke_width: (width * SCALE).round() as u32 }
}

fn scaled((x, y): (f64, f64)) -> (i32, i32) {
    let scaled = |value: f64| {
        let value = if value.is_finite() { value.clamp(-FAR, FAR) } else { 0.0 };
        (value * SCALE).round() as i32
    };
    (scaled(x), scaled(y))
}

/// Sentinels become classes; what is said by default, or by the style sheet, is left out: a report has thousands.
fn polish(element: &str) -> String {
    let mut out = element.replace(" opacity=\"1\"", "").replace(" stroke=\"none\"", "");
    for (attribute, prefix) in [("fill", "f"), ("stroke", "s")] {
        let sentinel = format!(" {attribute}=\"#0100");
        while let Some(at) = out.find(&sentinel) {
            let code_at = at + sentinel.len();
            let code = out.get(code_at..code_at + 2).and_then(|code| u8::from_str_radix(code, 16).ok()).unwrap_or(0);
            out.replace_range(at..code_at + 3, &format!(" class=\"{prefix}-{}\"", Ink::class(code)));
        }
    }
    if out.starts_with("<text") {
        out = out.replace(" font-family=\"sans-serif\"", "").replace(" font-style=\"\"", "").replace(">\n", ">");
        let end = out.trim_end().len();
        out.truncate(end);
        if let Some(close) = out.rfind("</text>") {
            let content = out[..close].trim_end().len();
            out.replace_range(content..close, "");
        }
        out.push('\n');
    }
    out
}
