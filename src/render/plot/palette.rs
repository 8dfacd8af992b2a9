//! Colours as roles. The drawing says `Ordered`, the style sheet says which colour that is in which theme.
//!
//! Hues are those of Okabe and Ito, which people with any common colour blindness tell apart. No meaning hangs on
//! colour alone: lines differ in width and dash, marks in shape, owners are named in the rows.

use plotters::style::RGBColor;

/// A role that a colour plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Text and axes.
    Text,
    /// Secondary text.
    Muted,
    /// Grid lines.
    Grid,
    /// The page itself.
    Paper,
    /// An empty row.
    Track,
    /// A phase in which nothing is measured.
    Unmeasured,
    /// A fault.
    Fault,
    /// A violation.
    Bad,
    /// Stretch of silence, filled with stripes.
    Silence,
    /// Two owners at once, filled with a mesh.
    Overlap,
    /// A later incarnation of a member: stripes over the colour of its owner.
    Incarnation,
    /// The lease time.
    Lease,
    /// A series, by its number: see the roles in [`SERIES`].
    Series(u8),
    /// An owner, by its number.
    Owner(u8),
    /// Text on the colour of that owner.
    OnOwner(u8),
}

/// Names of the series inks, in the order of [`Ink::Series`]: colour on light, colour on dark, dash.
const SERIES: [(&str, &str, &str); 8] = [
    ("#8a8f98", "#8b929c", ""),           // grey: offered, before
    ("#56b4e9", "#56b4e9", ""),           // sky: stored
    ("#e69f00", "#e69f00", ""),           // orange: handled
    ("#00795a", "#2fc79a", ""),           // green: ordered
    ("#0072b2", "#5aaeea", ""),           // blue: p50
    ("#d55e00", "#f28a4b", "32 16"),      // vermillion, dashed
    ("#a8588a", "#dd9bc3", "8 12"),       // purple, dotted
    ("#3f4752", "#c5ccd6", "40 12 8 12"), // ink, dash-dot
];

/// Seven hues; with two more shades of each, twenty-one owners differ in colour.
const HUES: [(u8, u8, u8); 7] = [
    (0x56, 0xb4, 0xe9),
    (0xe6, 0x9f, 0x00),
    (0x00, 0x9e, 0x73),
    (0xcc, 0x79, 0xa7),
    (0x00, 0x72, 0xb2),
    (0xf0, 0xe4, 0x42),
    (0xd5, 0x5e, 0x00),
];

/// How many owners differ in colour.
pub(crate) const OWNERS: u8 = 21;

/// The hue that follows the last fixed role, in the sentinel's third byte.
const SERIES_AT: u8 = 32;
const OWNERS_AT: u8 = 64;
const ON_OWNERS_AT: u8 = 128;

impl Ink {
    const FIXED: [(Self, &'static str, &'static str, &'static str); 12] = [
        (Self::Text, "text", "#1b1f24", "#e8ebef"),
        (Self::Muted, "muted", "#5b636e", "#9aa3ae"),
        (Self::Grid, "grid", "#e3e6ea", "#2c323a"),
        (Self::Paper, "paper", "#ffffff", "#14171b"),
        (Self::Track, "track", "#f0f2f4", "#20252b"),
        (Self::Unmeasured, "unmeasured", "#eceff2", "#1d2228"),
        (Self::Fault, "fault", "#1b1f24", "#e8ebef"),
        (Self::Bad, "bad", "#b3001b", "#ff7a85"),
        (Self::Silence, "silence", "url(#stripes)", "url(#stripes)"),
        (Self::Overlap, "overlap", "url(#mesh)", "url(#mesh)"),
        (Self::Incarnation, "incarnation", "url(#hatch)", "url(#hatch)"),
        (Self::Lease, "lease", "#7a4fbf", "#b79af0"),
    ];

    /// The colour that stands for this role until [`super::canvas`] replaces it by a class.
    pub(crate) fn sentinel(self) -> RGBColor {
        let code = match self {
            Self::Series(number) => SERIES_AT + number % SERIES.len() as u8,
            Self::Owner(number) => OWNERS_AT + number % OWNERS,
            Self::OnOwner(number) => ON_OWNERS_AT + number % OWNERS,
            fixed => Self::FIXED.iter().position(|(ink, ..)| *ink == fixed).unwrap_or(0) as u8,
        };
        RGBColor(1, 0, code)
    }

    /// The class of a sentinel's third byte, without its `f-` or `s-`.
    pub(super) fn class(code: u8) -> String {
        match code {
            ON_OWNERS_AT.. => format!("on{}", code - ON_OWNERS_AT),
            OWNERS_AT.. => format!("o{}", code - OWNERS_AT),
            SERIES_AT.. => format!("l{}", code - SERIES_AT),
            fixed => Self::FIXED.get(usize::from(fixed)).map_or("text", |(_, name, ..)| name).to_owned(),
        }
    }
}

/// The rules that give roles their colours: variables a theme, classes for fill (`f-…`) and stroke (`s-…`).
pub(crate) fn style_sheet() -> String {
    let mut light = String::new();
    let mut dark = String::new();
    let mut rules = String::new();
    let mut role = |name: &str, on_light: &str, on_dark: &str, dash: &str| {
        light.push_str(&format!("--{name}:{on_light};"));
        dark.push_str(&format!("--{name}:{on_dark};"));
        let dash = if dash.is_empty() { String::new() } else { format!(";stroke-dasharray:{dash}") };
        rules.push_str(&format!(".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name}){dash}}}\n"));
    };
    for (ink, name, on_light, on_dark) in Ink::FIXED {
        let dash = match ink {
            Ink::Fault => "16 12",
            Ink::Lease => "28 12",
            _ => "",
        };
        role(name, on_light, on_dark, dash);
    }
    for (number, (on_light, on_dark, dash)) in SERIES.iter().enumerate() {
        role(&format!("l{number}"), on_light, on_dark, dash);
    }
    for owner in 0..OWNERS {
        let color = owner_color(owner);
        let text = if luminance(color) > 0.22 { "#111418" } else { "#ffffff" };
        role(&format!("o{owner}"), &hex(color), &hex(color), "");
        role(&format!("on{owner}"), text, text, "");
    }
    format!(
        ":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n\
         @media print{{:root{{{light}}}}}\n{rules}"
    )
}

/// The same rules with the colours of the light theme in them, for programs that know no variables.
pub(super) fn flat_sheet() -> String {
    let whole = style_sheet();
    // The rules stand behind the line that gives paper its colours.
    let rules = whole.split_once("@media print").and_then(|(_, rest)| rest.split_once('\n'));
    flat(rules.map_or("", |(_, rules)| rules))
}

/// `text` with the colour of the light theme in the place of each variable.
pub(super) fn flat(text: &str) -> String {
    let whole = style_sheet();
    let variables = whole.split_once(":root{").and_then(|(_, rest)| rest.split_once('}'));
    let mut out = text.to_owned();
    for (name, value) in variables.iter().flat_map(|(all, _)| all.split(';')).filter_map(|pair| pair.split_once(':')) {
        out = out.replace(&format!("var({name})"), value);
    }
    out
}

fn owner_color(owner: u8) -> (u8, u8, u8) {
    let (red, green, blue) = HUES[usize::from(owner) % HUES.len()];
    let mix = |channel: u8| match owner / HUES.len() as u8 {
        0 => channel,
        1 => (f64::from(channel) + (255.0 - f64::from(channel)) * 0.55) as u8,
        _ => (f64::from(channel) * 0.58) as u8,
    };
    (mix(red), mix(green), mix(blue))
}

fn hex((red, green, blue): (u8, u8, u8)) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn luminance((red, green, blue): (u8, u8, u8)) -> f64 {
    let linear = |channel: u8| (f64::from(channel) / 255.0).powf(2.2);
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_rules_have_the_colours_of_the_light_theme_and_no_variable() {
        let sheet = flat_sheet();
        assert!(sheet.contains(".f-text{fill:#1b1f24}") && sheet.contains(".s-l7{stroke:#3f4752;"), "{sheet}");
        assert!(
            sheet.contains(".f-silence{fill:url(#stripes)}") && sheet.contains(".f-paper{fill:#ffffff}"),
            "{sheet}"
        );
        assert!(!sheet.contains("var(") && !sheet.contains("@media"), "{sheet}");
        assert_eq!(flat("a var(--bad) b"), "a #b3001b b");
    }
}
