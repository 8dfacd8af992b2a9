//! From a decision to a drawing: the values of the cells, and the words around them.

use super::super::grid::{self, Line};
use super::super::price::{self, Paid};
use super::super::quantity::{ORDERED, Quantity};
use super::super::table;
use super::Picture;
use crate::model::reading::Stat;
use crate::model::report::RunState;
use crate::model::sweep::{Cell, Sweep};
use crate::render::number;
use crate::render::plot::{Plot, against, rows, tradeoff};

/// All pictures of a sweep.
pub(in super::super) fn all(sweep: &Sweep) -> Vec<Plot> {
    super::of(sweep).iter().filter_map(|picture| draw(sweep, picture)).collect()
}

fn draw(sweep: &Sweep, picture: &Picture) -> Option<Plot> {
    match picture {
        Picture::Price => price(sweep),
        Picture::Tradeoff { along } => trade(sweep, *along),
        Picture::Against { quantity, axis } => held_against(sweep, quantity, *axis),
        Picture::Rows(quantity) => by_cell(sweep, quantity),
    }
}

/// Letters, digits and hyphens: what an address and the name of a file may hold.
fn slug(text: &str) -> String {
    let letters =
        text.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' });
    let plain: String = letters.collect();
    plain.split('-').filter(|part| !part.is_empty()).collect::<Vec<&str>>().join("-")
}

/// What the quantity is called at an axis.
fn with_unit(quantity: &Quantity) -> String {
    let label = quantity.label();
    match quantity {
        Quantity::Rate("ordered_per_s") => format!("{label}: messages a second, handled in order"),
        Quantity::Cpu(_) => format!("{label}, s"),
        _ => label,
    }
}

/// Which way is good, and what stands for the repeats.
fn how_to_read(sweep: &Sweep, quantity: &Quantity) -> String {
    let what = match quantity {
        Quantity::Rate(_) => "Messages a second with the verdict in_order: more is better.",
        Quantity::Latency(_) => "From intended to handled: less is better.",
        Quantity::Gap(_) => {
            "The longest stretch in which a message of an affected partition waited and nobody alive handled any: less \
             is better."
        }
        Quantity::Stranded(_) => {
            "From the fault until the last message that was in flight then had been handled: less is better."
        }
        Quantity::Count(_) => "None is right where order is promised.",
        Quantity::Cpu(_) => "Seconds of processor time for a million messages: less is better.",
    };
    let several = sweep.cells.iter().any(|cell| quantity.of(cell).values().len() > 1);
    let middle = match (several, quantity.must_not_be()) {
        (false, _) => "",
        (true, true) => " The greatest of the repeats, and a dot for each.",
        (true, false) if matches!(quantity, Quantity::Latency(_)) => {
            " The median of the repeats, and a dot for each: percentiles are never merged."
        }
        (true, false) => " The median of the repeats, and a dot for each.",
    };
    let cut = if sweep.cells.iter().any(|cell| quantity.is_censored(cell)) {
        " A window marked * was cut short: its gap is at least so long."
    } else {
        ""
    };
    format!("{what}{middle}{cut}")
}

fn is_broken(cell: &Cell) -> bool {
    cell.runs.iter().any(|run| run.state == RunState::Violated)
}

/// `1,987 (1,950–2,010)`.
fn told(quantity: &Quantity, cell: &Cell) -> String {
    let range = quantity.range(cell).map_or_else(String::new, |range| format!(" ({range})"));
    format!("{}{range}", quantity.cell(cell))
}

fn held_against(sweep: &Sweep, quantity: &Quantity, axis: usize) -> Option<Plot> {
    let of = &sweep.axes[axis];
    let line = |line: &Line| {
        let point = |index: &usize| {
            let cell = &sweep.cells[*index];
            Some(against::Point {
                at: grid::at(sweep, cell, axis)?,
                value: quantity.value(cell)?,
                repeats: quantity.of(cell).values().to_vec(),
                title: format!("{}: {}", cell.name, told(quantity, cell)),
                is_broken: is_broken(cell),
            })
        };
        let mut points: Vec<against::Point> = line.cells.iter().filter_map(point).collect();
        points.sort_by(|one, other| one.at.total_cmp(&other.at));
        against::Series { name: line.name.clone(), points }
    };
    let lines: Vec<against::Series> =
        grid::lines(sweep, axis).iter().map(line).filter(|line| !line.points.is_empty()).collect();
    let mut ticks: Vec<(f64, String)> =
        of.values.iter().filter_map(|value| Some((value.number?, value.label.clone()))).collect();
    ticks.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let reference = reference(sweep, quantity, axis, &lines);
    let ideal = reference.as_ref().is_some_and(|reference| !reference.is_held);
    let more = if ideal { " The thin line is what twice as many would bring at best." } else { "" };
    against::plot(against::Against {
        id: format!("{}-against-{}", slug(&quantity.label()), slug(&of.name)),
        title: format!("{} against {}", title(quantity), of.name),
        caption: format!("{}{more}", how_to_read(sweep, quantity)),
        setting: of.name.clone(),
        quantity: with_unit(quantity),
        is_time: quantity.is_time(),
        ticks,
        lines,
        reference,
    })
}

/// What the lines are measured by: the lease time itself, or as much from each member as from the first.
fn reference(sweep: &Sweep, quantity: &Quantity, axis: usize, lines: &[against::Series]) -> Option<against::Reference> {
    let of = &sweep.axes[axis];
    if matches!(quantity, Quantity::Gap(_)) && grid::is_lease_time(of) {
        let values = || lines.iter().flat_map(|line| &line.points);
        // Far below the diagonal it would only take the room from what is measured.
        let near = values().any(|point| point.value > point.at * 1e3 * 0.1);
        return near.then(|| against::Reference {
            factor: 1e3,
            label: "as long as the lease".to_owned(),
            is_held: true,
        });
    }
    let [line] = lines else { return None };
    let first = line.points.first().filter(|first| first.at > 0.0 && first.value > 0.0)?;
    let most = line.points.iter().map(|point| point.value).fold(0.0, f64::max);
    let scales = *quantity == ORDERED && of.unit.as_deref() == Some("") && most > first.value * 1.5;
    scales.then(|| against::Reference {
        factor: first.value / first.at,
        label: format!("in proportion to {}", of.name),
        is_held: false,
    })
}

fn title(quantity: &Quantity) -> String {
    match quantity {
        Quantity::Rate("ordered_per_s") => "Throughput in order".to_owned(),
        Quantity::Latency(stat) => format!("End-to-end latency, {stat}"),
        Quantity::Gap(kind) => format!("Longest gap after a {kind}"),
        Quantity::Stranded(kind) => format!("Longest wait of what was in flight at a {kind}"),
        Quantity::Count("order_violations") => "Order violations".to_owned(),
        Quantity::Cpu(process) => format!("Processor time of the {process}"),
        Quantity::Rate(id) | Quantity::Count(id) => (*id).to_owned(),
    }
}

/// The hue that the quantity has in the other pages.
fn ink(quantity: &Quantity) -> u8 {
    match quantity {
        Quantity::Rate("ordered_per_s") => 3,
        Quantity::Rate(_) => 2,
        Quantity::Latency(_) => 4,
        Quantity::Gap(_) | Quantity::Stranded(_) => 6,
        Quantity::Count(_) => 5,
        Quantity::Cpu(_) => 0,
    }
}

/// The cells under the values of the first axis; of one axis only, all of them together.
fn headed(sweep: &Sweep) -> Vec<(Line, Vec<usize>)> {
    let varied: Vec<usize> = (0..sweep.axes.len()).filter(|axis| sweep.axes[*axis].values.len() > 1).collect();
    match varied.as_slice() {
        [first, rest @ ..] if !rest.is_empty() => {
            grid::gathered(sweep, &[*first]).into_iter().map(|line| (line, rest.to_vec())).collect()
        }
        _ => vec![(Line { name: String::new(), cells: (0..sweep.cells.len()).collect() }, varied)],
    }
}

/// The name of a cell below a heading that tells the rest.
fn short(sweep: &Sweep, cell: &Cell, axes: &[usize]) -> String {
    let labels: Vec<&str> = axes.iter().map(|axis| grid::label(sweep, cell, *axis)).collect();
    if labels.is_empty() { cell.name.clone() } else { labels.join(", ") }
}

fn by_cell(sweep: &Sweep, quantity: &Quantity) -> Option<Plot> {
    let row = |index: &usize, axes: &[usize]| {
        let cell = &sweep.cells[*index];
        let value = quantity.value(cell);
        let label = match (value, cell.runs.is_empty()) {
            (Some(_), _) => told(quantity, cell),
            (None, true) => table::runs(cell, sweep.repeats),
            (None, false) if cell.runs.iter().any(super::super::quantity::is_taken) => "not observed".to_owned(),
            (None, false) => table::runs(cell, sweep.repeats),
        };
        let repeats = quantity.of(cell).values().to_vec();
        rows::Row { name: short(sweep, cell, axes), value, repeats, label, is_broken: is_broken(cell) }
    };
    let groups = headed(sweep)
        .iter()
        .map(|(line, axes)| (line.name.clone(), line.cells.iter().map(|index| row(index, axes)).collect()))
        .collect();
    rows::plot(rows::Rows {
        id: slug(&quantity.label()),
        title: title(quantity),
        caption: how_to_read(sweep, quantity),
        quantity: with_unit(quantity),
        is_time: quantity.is_time(),
        ink: ink(quantity),
        groups,
        mark: None,
    })
}

fn price(sweep: &Sweep) -> Option<Plot> {
    let ways = grid::ways(sweep);
    let row = |paid: &Paid| {
        let cell = &sweep.cells[paid.cell];
        let price = paid.best.median();
        let best = price.map_or_else(String::new, |price| format!("{price:.2}"));
        let label = match paid.equal_commit_mode.map(|price| format!("{price:.2}")) {
            None => best,
            Some(equal) if equal == best => format!("{best} (equal commit mode)"),
            Some(equal) => format!("{best} · {equal} at equal commit mode"),
        };
        let name =
            format!("{} ({})", short(sweep, cell, &ways), number::plain(ORDERED.value(cell).unwrap_or_default()));
        rows::Row { name, value: price, repeats: paid.best.values().to_vec(), label, is_broken: false }
    };
    let all = price::all(sweep);
    let groups = all.iter().map(|prices| (prices.under.clone(), prices.ways.iter().map(row).collect()));
    rows::plot(rows::Rows {
        id: "price-of-order".to_owned(),
        title: "Price of order".to_owned(),
        caption:
            "What the best shared-pull handles ÷ what each way handles in order (in brackets, a second): above 1 order \
                  costs throughput, below 1 it is the faster way. A dot a repeat of the way in order, each against the \
                  median of shared-pull. Only ways that promise order and kept it."
                .to_owned(),
        quantity: "handled_per_s of shared-pull ÷ ordered_per_s".to_owned(),
        is_time: false,
        ink: 3,
        groups: groups.collect(),
        mark: Some((1.0, "1: order costs nothing".to_owned())),
    })
}

fn trade(sweep: &Sweep, along: Option<usize>) -> Option<Plot> {
    let latency = Quantity::Latency(Stat::P99);
    let (lines, axes): (Vec<Line>, Vec<usize>) = match along {
        Some(axis) => (grid::lines(sweep, axis), vec![axis]),
        None => {
            let headed = headed(sweep);
            let axes = headed.first().map_or_else(Vec::new, |(_, axes)| axes.clone());
            (headed.into_iter().map(|(line, _)| line).collect(), axes)
        }
    };
    let point = |index: &usize| {
        let cell = &sweep.cells[*index];
        let spread = |quantity: &Quantity| {
            let repeats = quantity.of(cell);
            Some([repeats.least()?, repeats.median()?, repeats.most()?])
        };
        Some(tradeoff::Point {
            label: short(sweep, cell, &axes),
            rate: spread(&ORDERED)?,
            latency_ms: spread(&latency)?,
            title: format!("{}: {} a second in order, p99 {}", cell.name, told(&ORDERED, cell), told(&latency, cell)),
            is_broken: is_broken(cell),
        })
    };
    let series = lines.iter().map(|line| tradeoff::Series {
        name: line.name.clone(),
        points: line.cells.iter().filter_map(point).collect(),
    });
    let series: Vec<tradeoff::Series> = series.filter(|series| !series.points.is_empty()).collect();
    let joined = along.map_or_else(String::new, |axis| format!(" Lines follow {}.", sweep.axes[axis].name));
    tradeoff::plot(
        &format!(
            "One mark a cell, the median of its repeats in both directions: further to the right and further down is \
             better.{joined} A label that finds no room is in the table, and shown when the mark is pointed at."
        ),
        ["ordered_per_s: messages a second, handled in order", "end_to_end p99"],
        &series,
        along.is_some(),
    )
}
