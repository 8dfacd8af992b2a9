//! Reading: from a name and some `--set` to a grid, or to everything that is wrong with it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::Value as Schema;
use toml::de::{DeTable, DeValue};

use super::axis::{Axis, Point};
use super::fields::{Fields, misfit, unknown};
use super::rule::{Rule, Seen};
use super::{CELLS_MAX, Cell, Grid, Order, REPEATS_MAX, builtin};
use crate::profile::builtin as profiles;
use crate::profile::document::Document;
use crate::profile::load::{Texts, document, line_of, overlaid, plain, variants, whole};
use crate::profile::nearest::nearest;
use crate::profile::problem::Problems;
use crate::profile::reader::Found;
use crate::profile::setting::Setting;
use crate::profile::{shape, tree};

/// How often a cell is run when nobody says.
const REPEATS: u32 = 3;
/// The keys that a sweep file has beside those of a profile.
const OWN_KEYS: [&str; 5] = ["profile", "sweep", "axis", "skip", "only"];

/// The grid of a sweep.
///
/// `name_or_path` is the path of a file that exists, or the name of a built-in sweep; each of `sets` is a
/// `section.key=value` that goes over every cell.
///
/// # Errors
/// Everything that is wrong with the file, the profile that it names and the sets, at once.
pub fn open(name_or_path: &str, sets: &[String]) -> Result<Grid, Problems> {
    let path = Path::new(name_or_path);
    if path.is_file() {
        let name = path.file_stem().map_or_else(|| name_or_path.to_owned(), |stem| stem.to_string_lossy().into_owned());
        let text = std::fs::read_to_string(path)
            .map_err(|error| whole(name_or_path, format!("cannot read this sweep: {error}"), None))?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        return parse(&name, name_or_path, &text, &folder, sets);
    }
    match builtin::find(name_or_path) {
        Some(builtin) => {
            let source = format!("profiles/sweeps/{}.toml", builtin.name);
            parse(builtin.name, &source, builtin.text, Path::new(""), sets)
        }
        None => Err(nobody(name_or_path)),
    }
}

/// Reads a sweep from text; `source` names that text in problems, and `folder` is where a profile that it names is
/// looked for.
///
/// # Errors
/// Everything that is wrong with the text, the profile that it names and the sets, at once.
pub fn parse(name: &str, source: &str, text: &str, folder: &Path, sets: &[String]) -> Result<Grid, Problems> {
    let mut texts = Texts::new(source, text);
    let mut found = Vec::new();
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut own = root.into_inner();
    let mut broken: Vec<(usize, usize)> = Vec::new();
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        broken.push((0, line_of(text, span.start)));
        found.push(plain(span, error.message().replace('\n', ", ")));
    }

    let profile = own.remove("profile").and_then(|profile| base(&profile, folder, &mut found));
    let base_at = profile.as_ref().map_or(usize::MAX, |(source, text)| texts.add(source, text));
    // Places in it follow on those of the text before it.
    let base_text = profile.map_or_else(String::new, |(_, text)| format!("{}{text}", " ".repeat(base_at)));
    let (base_root, errors) = DeTable::parse_recoverable(&base_text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        broken.push((base_at, line_of(&base_text, span.start)));
        found.push(plain(span, error.message().replace('\n', ", ")));
    }
    let syntax = found.len();
    let sets_at = text.len() + 1 + if base_text.is_empty() { 0 } else { base_text.len() - base_at + 1 };
    let settings: Vec<Setting> = sets.iter().map(|set| Setting::new(set, texts.add("--set", set))).collect();

    let schema = shape::document();
    let mut overlays = Vec::new();
    for setting in &settings {
        match setting.tree() {
            Ok(tree) => overlays.push(tree),
            Err((span, message)) => found.push(plain(span, message)),
        }
    }

    let frame = Frame::read(own.remove("sweep"), &mut found);
    let mut axes: Vec<Axis<'_>> = tables(own.remove("axis"), "[[axis]]", &mut found)
        .into_iter()
        .filter_map(|axis| Axis::read(axis, &mut found))
        .collect();
    let axis_lines: Vec<Range<usize>> = axes.iter().map(|axis| axis.span.clone()).collect();
    let constraints = [own.remove("skip"), own.remove("only")];
    look_at_names(&mut own, &schema, &mut found);

    let mut root = base_root.into_inner();
    overlaid(&mut root, &own, &schema, &mut found);
    for overlay in &overlays {
        overlaid(&mut root, overlay, &schema, &mut found);
    }
    let variants = variants(&mut root, &mut found);
    if !variants.is_empty() {
        axes.insert(0, Axis::of_variants(variants));
    }
    let [skips, onlys] = constraints;
    let mut skips = rules(skips, "a [[skip]]", &axes, &mut found);
    let mut onlys = rules(onlys, "an [[only]]", &axes, &mut found);

    let layer = |place: usize| match place {
        place if place >= sets_at => 3,
        place if place >= base_at => 0,
        place if axis_lines.iter().any(|line| line.contains(&place)) => 2,
        _ => 1,
    };
    // An axis whose values could not be read must not hide what else is wrong.
    let cells =
        axes.iter().map(|axis| axis.values.len().max(1)).try_fold(1_usize, usize::checked_mul).unwrap_or(usize::MAX);
    if axes.is_empty() && found.is_empty() {
        let help = "add [[axis]], key = \"fleet.members\", values = [1, 2, 4]";
        found.push(Found {
            help: Some(help.to_owned()),
            ..plain(0..0, "nothing is varied: there is no [[axis]]".to_owned())
        });
    }
    if cells > CELLS_MAX {
        let message = format!("these axes make {cells} cells, and a sweep has at most {CELLS_MAX}");
        let span = axes.last().map_or(0..0, |axis| axis.span.clone());
        found.push(Found { help: Some("take fewer values, or several sweeps".to_owned()), ..plain(span, message) });
    }

    let whole = broken.is_empty();
    let base = Base { root: &root, axes: &axes, overlays: &overlays, schema: &schema, layer: &layer, whole };
    let mut made = Vec::new();
    let mut wrong = Wrong(Vec::new());
    for number in 0..if cells > CELLS_MAX { 0 } else { cells } {
        let (cell, here) = base.cell(number, &mut skips, &mut onlys);
        wrong.add(here, number);
        made.push(cell);
    }
    found.extend(skips.iter_mut().chain(&mut onlys).flat_map(Rule::objections));
    let some_run = made.iter().any(|cell| cell.what.is_ok());
    if !(frame.leaves_out && some_run && whole) {
        found.extend(wrong.0.into_iter().map(|(found, cells)| in_cells(found, &cells, &made)));
    }
    if found.is_empty() && !some_run {
        found.push(plain(0..0, "the constraints leave no cell to run".to_owned()));
    }
    if found.is_empty() {
        look_for_twins(&made, &axes, &mut found);
    }
    if !broken.is_empty() {
        // Where a text is no TOML its tree has holes; what is said about these lines beyond that is noise.
        let told: Vec<Found> = found.drain(..syntax).collect();
        let line = |place: usize| {
            if place < base_at { (0, line_of(text, place)) } else { (base_at, line_of(&base_text, place)) }
        };
        found.retain(|found| !broken.contains(&line(found.span.start)));
        found.extend(told);
    }
    if !found.is_empty() {
        return Err(texts.problems(found));
    }
    Ok(Grid {
        name: name.to_owned(),
        question: profiles::question(text).to_owned(),
        order: frame.order,
        seed: frame.seed,
        repeats: frame.repeats,
        axes: axes.iter().map(Axis::told).collect(),
        cells: made,
    })
}

/// What all cells begin with, and what may be set in each.
struct Base<'b, 'i> {
    root: &'b DeTable<'i>,
    axes: &'b [Axis<'i>],
    overlays: &'b [DeTable<'i>],
    schema: &'b Schema,
    /// What lies at a place of a higher layer was laid over what lies at one of a lower.
    layer: &'b dyn Fn(usize) -> usize,
    /// Every text is TOML: what was read can be checked.
    whole: bool,
}

impl<'i> Base<'_, 'i> {
    /// The cell of this number, and what is wrong with it.
    fn cell(&self, number: usize, skips: &mut [Rule<'i>], onlys: &mut [Rule<'i>]) -> (Cell, Vec<Found>) {
        let at = places(self.axes, number);
        let chosen: Vec<(&Axis<'i>, &Point<'i>)> =
            self.axes.iter().zip(&at).filter_map(|(axis, at)| Some((axis, axis.values.get(*at)?))).collect();
        let labels: Vec<(&str, &str)> =
            chosen.iter().map(|(axis, point)| (axis.name.as_str(), point.label.as_str())).collect();
        let name = labels.iter().map(|(_, label)| *label).collect::<Vec<_>>().join(", ");
        let mut root = self.root.clone();
        let mut found = Vec::new();
        for overlay in chosen.iter().map(|(_, point)| &point.set).chain(self.overlays) {
            overlaid(&mut root, overlay, self.schema, &mut found);
        }
        let mut document = document(&root, self.schema, self.layer, self.whole, &mut found);
        let seen = Seen { labels: &labels, root: &root, document: &document, schema: self.schema };
        if let Some(reason) = left_out(skips, onlys, &seen) {
            return (Cell { name, at, what: Err(reason) }, Vec::new());
        }
        // Repeats are the sweep's.
        document.run.repeat = 1;
        let what = if found.is_empty() {
            Ok(Box::new(document))
        } else {
            let reasons: Vec<&str> = found.iter().map(|found| found.message.as_str()).collect();
            Err(format!("cannot be run: {}", reasons.join("; ")))
        };
        (Cell { name, at, what }, found)
    }
}

/// What is wrong with cells, each thing once, with the cells that have it.
struct Wrong(Vec<(Found, Vec<usize>)>);

impl Wrong {
    fn add(&mut self, found: Vec<Found>, cell: usize) {
        for found in found {
            match self.0.iter_mut().find(|(known, _)| *known == found) {
                Some((_, cells)) if cells.last() == Some(&cell) => {}
                Some((_, cells)) => cells.push(cell),
                None => self.0.push((found, vec![cell])),
            }
        }
    }
}

/// What `[sweep]` says.
struct Frame {
    order: Order,
    seed: u64,
    repeats: u32,
    /// Cells that cannot be run are left out, and are no problem.
    leaves_out: bool,
}

impl Frame {
    fn read(value: Option<tree::Value<'_>>, found: &mut Vec<Found>) -> Self {
        let mut frame = Self { order: Order::default(), seed: 1, repeats: REPEATS, leaves_out: false };
        let known = &["repeats", "order", "seed", "impossible-cells"];
        let Some(mut fields) = value.and_then(|value| Fields::of(value, "[sweep]", known, found)) else { return frame };
        if let Some(repeats) = fields.number("repeats", 1..=u64::from(REPEATS_MAX)) {
            frame.repeats = u32::try_from(repeats).unwrap_or(REPEATS_MAX);
        }
        if let Some(order) = fields.word("order", &Order::ALL.map(Order::name)) {
            frame.order = Order::ALL[order];
        }
        frame.seed = fields.number("seed", 0..=crate::profile::check::NUMBER_MAX).unwrap_or(frame.seed);
        frame.leaves_out = fields.word("impossible-cells", &["refuse", "leave-out"]) == Some(1);
        frame
    }
}

/// The profile that all cells begin with: what it is called in problems, and its text.
fn base(named: &tree::Value<'_>, folder: &Path, found: &mut Vec<Found>) -> Option<(String, String)> {
    let Some(name) = named.get_ref().as_str() else {
        let help = "the profile's own sections are written beside it";
        found.push(misfit(named, "profile", "the name or path of a profile, as text", Some(help.to_owned())));
        return None;
    };
    let path: PathBuf = folder.join(name);
    if path.is_file() {
        return match std::fs::read_to_string(&path) {
            Ok(text) => Some((path.display().to_string(), text)),
            Err(error) => {
                found.push(plain(named.span(), format!("cannot read {}: {error}", path.display())));
                None
            }
        };
    }
    if let Some(builtin) = profiles::find(name) {
        return Some((format!("profiles/{}.toml", builtin.name), builtin.text.to_owned()));
    }
    let names: Vec<&str> = profiles::ALL.iter().map(|builtin| builtin.name).collect();
    let help = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("there are {}; or give a path, seen from this file", names.join(", ")),
    };
    found.push(Found { help: Some(help), ..plain(named.span(), format!("there is no profile \"{name}\"")) });
    None
}

/// The tables of a list of tables.
fn tables<'i>(value: Option<tree::Value<'i>>, whose: &str, found: &mut Vec<Found>) -> Vec<tree::Value<'i>> {
    let Some(value) = value else { return Vec::new() };
    let span = value.span();
    if let DeValue::Array(items) = value.into_inner() {
        return items.into_iter().collect();
    }
    found.push(plain(span, format!("write {whose}, with its keys below it")));
    Vec::new()
}

fn rules<'i>(
    value: Option<tree::Value<'i>>,
    whose: &'static str,
    axes: &[Axis<'_>],
    found: &mut Vec<Found>,
) -> Vec<Rule<'i>> {
    let list = tables(value, whose, found);
    list.into_iter().filter_map(|rule| Rule::read(rule, whose, axes, found)).collect()
}

/// Takes out and tells the keys at the root that neither a sweep nor a profile has, and those that a sweep says in another
/// way.
fn look_at_names(own: &mut DeTable<'_>, schema: &Schema, found: &mut Vec<Found>) {
    let sections = shape::keys(schema, None);
    let known: Vec<&str> = OWN_KEYS.iter().copied().chain(sections.keys().copied()).collect();
    let is_known = |key: &tree::Key<'_>| known.contains(&key.get_ref().as_ref());
    for key in own.keys().filter(|key| !is_known(key)) {
        found.push(unknown(key.span(), key.get_ref(), "a sweep", &known));
    }
    *own = std::mem::take(own).into_iter().filter(|(key, _)| is_known(key)).collect();
    if let Some(span) = tree::place(own, "run.repeat") {
        let help = Some("write [sweep], repeats = 3".to_owned());
        found.push(Found { help, ..plain(span, "a sweep repeats its cells itself".to_owned()) });
    }
}

/// The places in the axes of a cell: the last changes fastest.
fn places(axes: &[Axis<'_>], number: usize) -> Vec<usize> {
    let mut rest = number;
    let mut at: Vec<usize> = axes
        .iter()
        .rev()
        .map(|axis| {
            let values = axis.values.len().max(1);
            let place = rest % values;
            rest /= values;
            place
        })
        .collect();
    at.reverse();
    at
}

/// Why the constraints leave a cell out.
fn left_out<'i>(skips: &mut [Rule<'i>], onlys: &mut [Rule<'i>], cell: &Seen<'_, 'i>) -> Option<String> {
    let mut reason = None;
    for skip in skips {
        if skip.holds(cell) && reason.is_none() {
            reason = Some(skip.because.clone().unwrap_or_else(|| format!("skipped: {}", skip.told())));
        }
    }
    // Each is asked, so that a condition that no cell can have is found.
    let mut any = false;
    for only in onlys.iter_mut() {
        any |= only.holds(cell);
    }
    if !onlys.is_empty() && !any && reason.is_none() {
        let told: Vec<String> = onlys.iter().map(Rule::told).collect();
        reason = Some(format!("only where {}", told.join(", or ")));
    }
    reason
}

/// A problem of some cells says of which.
fn in_cells(found: Found, cells: &[usize], all: &[Cell]) -> Found {
    if cells.len() == all.len() {
        return found;
    }
    let names: Vec<String> =
        cells.iter().take(3).filter_map(|cell| Some(format!("({})", all.get(*cell)?.name))).collect();
    let more = match cells.len().saturating_sub(3) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let told = format!("in {}{more}; [[skip]] leaves such cells out", names.join(", "));
    Found { help: Some(found.help.map_or(told.clone(), |help| format!("{help}; {told}"))), ..found }
}

/// Two cells that are the same measure nothing but noise.
fn look_for_twins(cells: &[Cell], axes: &[Axis<'_>], found: &mut Vec<Found>) {
    let mut known: BTreeMap<String, &Cell> = BTreeMap::new();
    for cell in cells {
        let Ok(document) = &cell.what else { continue };
        let settings = serde_json::to_string(&Document::filled(document)).unwrap_or_default();
        if let Some(twin) = known.insert(settings, cell) {
            let differing = twin.at.iter().zip(&cell.at).position(|(one, other)| one != other).unwrap_or(0);
            let span = axes.get(differing).map_or(0..0, |axis| axis.span.clone());
            let message = format!("the cells ({}) and ({}) are the same", twin.name, cell.name);
            let help = "another axis or a --set goes over what this one sets".to_owned();
            found.push(Found { help: Some(help), ..plain(span, message) });
            return;
        }
    }
}

fn nobody(name: &str) -> Problems {
    let names: Vec<_> = builtin::ALL.iter().map(|builtin| builtin.name).collect();
    let path_like = name.contains(['/', '\\']) || name.ends_with(".toml");
    let message = if path_like { format!("there is no file {name}") } else { format!("there is no sweep \"{name}\"") };
    let help = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are {}; or give the path of a TOML file", names.join(", ")),
    };
    whole(name, message, Some(help))
}
