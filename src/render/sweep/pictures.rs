//! Which pictures a sweep deserves: decided by its axes and by what its cells tell. They are drawn in [`draw`].

pub(super) mod draw;

use super::grid;
use super::price;
use super::quantity::{self, ORDERED, Quantity, VIOLATIONS};
use crate::model::reading::Stat;
use crate::model::sweep::Sweep;
use crate::render::plot::marker::SERIES_MAX;

/// One picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Picture {
    /// What each way pays for order.
    Price,
    /// Throughput against latency, lines along this axis.
    Tradeoff {
        /// None where cells are no line.
        along: Option<usize>,
    },
    /// A quantity against a number.
    Against {
        /// Which.
        quantity: Quantity,
        /// The setting.
        axis: usize,
    },
    /// A quantity of each cell, a row each.
    Rows(Quantity),
}

/// Rates that lie no further apart are one rate with noise: nothing to hold latency against.
const ALIKE: f64 = 1.05;

/// The pictures, in the order of a page.
pub(super) fn of(sweep: &Sweep) -> Vec<Picture> {
    let told = |axis: &usize| {
        let lines = grid::lines(sweep, *axis);
        // Axes whose other values are too many to be told apart are shown row by row.
        let has_line = lines.iter().any(|line| values(sweep, &line.cells, &ORDERED).len() > 1);
        has_line && lines.iter().filter(|line| !values(sweep, &line.cells, &ORDERED).is_empty()).count() <= SERIES_MAX
    };
    let axes: Vec<usize> = grid::numeric(sweep).into_iter().filter(told).collect();
    let lease = axes.iter().copied().find(|axis| grid::is_lease_time(&sweep.axes[*axis]));
    let gaps = || quantity::kinds(sweep).into_iter().map(Quantity::Gap);
    let mut pictures = Vec::new();
    if price::all(sweep).iter().any(|prices| !prices.ways.is_empty()) {
        pictures.push(Picture::Price);
    }
    // What the lease time is varied for.
    if let Some(axis) = lease {
        pictures.extend(gaps().map(|quantity| Picture::Against { quantity, axis }));
    }
    let tradeoff = tradeoff(sweep, &axes);
    let rest = std::iter::once(ORDERED).chain(gaps()).chain([Quantity::Latency(Stat::P99)]);
    let rest: Vec<Quantity> = rest.chain(sometimes(sweep)).collect();
    for quantity in rest {
        let is_headline = quantity == ORDERED;
        if axes.is_empty() {
            pictures.push(Picture::Rows(quantity));
        } else {
            let fits = |axis: &&usize| Some(**axis) != lease || !matches!(quantity, Quantity::Gap(_));
            pictures.extend(
                axes.iter().filter(fits).map(|axis| Picture::Against { quantity: quantity.clone(), axis: *axis }),
            );
        }
        if is_headline {
            pictures.extend(tradeoff.clone());
        }
    }
    pictures.retain(|picture| has_values(sweep, picture));
    pictures
}

/// What is worth a picture only where it tells something.
fn sometimes(sweep: &Sweep) -> Vec<Quantity> {
    let above =
        |quantity: &Quantity| sweep.cells.iter().any(|cell| quantity.value(cell).is_some_and(|value| value > 0.0));
    let mut some: Vec<Quantity> = quantity::kinds(sweep).into_iter().map(Quantity::Stranded).collect();
    some.extend([VIOLATIONS, Quantity::Cpu("server".to_owned()), Quantity::Cpu("consumers".to_owned())]);
    some.retain(above);
    some
}

fn has_values(sweep: &Sweep, picture: &Picture) -> bool {
    let cells: Vec<usize> = (0..sweep.cells.len()).collect();
    match picture {
        Picture::Price | Picture::Tradeoff { .. } => true,
        Picture::Rows(quantity) => !values(sweep, &cells, quantity).is_empty(),
        Picture::Against { quantity, axis } => {
            grid::lines(sweep, *axis).iter().any(|line| values(sweep, &line.cells, quantity).len() > 1)
        }
    }
}

fn tradeoff(sweep: &Sweep, axes: &[usize]) -> Option<Picture> {
    let latency = Quantity::Latency(Stat::P99);
    let both = sweep.cells.iter().filter(|cell| latency.value(cell).is_some());
    let rates: Vec<f64> = both.filter_map(|cell| ORDERED.value(cell)).filter(|rate| *rate > 0.0).collect();
    let (least, most) =
        rates.iter().fold((f64::INFINITY, 0.0f64), |(least, most), rate| (least.min(*rate), most.max(*rate)));
    let along = axes.first().copied();
    (rates.len() > 1 && most > least * ALIKE).then_some(Picture::Tradeoff { along })
}

/// The values that these cells have.
fn values(sweep: &Sweep, cells: &[usize], quantity: &Quantity) -> Vec<f64> {
    cells.iter().filter_map(|cell| quantity.value(&sweep.cells[*cell])).collect()
}

#[cfg(test)]
mod tests {
    use super::super::planted;
    use super::*;

    fn against(quantity: Quantity, axis: usize) -> Picture {
        Picture::Against { quantity, axis }
    }

    fn gap(kind: &str) -> Quantity {
        Quantity::Gap(kind.to_owned())
    }

    #[test]
    fn a_lease_time_is_held_against_the_gap_first() {
        let pictures = of(&planted::lease_time());
        assert_eq!(pictures[..3], [against(gap("kill"), 0), against(gap("leave"), 0), against(ORDERED, 0)]);
        assert_eq!(pictures.iter().filter(|picture| **picture == against(gap("kill"), 0)).count(), 1);
        // All cells keep up with what is offered: there is no trade.
        assert!(!pictures.iter().any(|picture| matches!(picture, Picture::Tradeoff { .. })));
    }

    #[test]
    fn numbers_are_lines_and_words_are_rows() {
        let pictures = of(&planted::scaling());
        assert_eq!(pictures[..2], [against(ORDERED, 1), Picture::Tradeoff { along: Some(1) }]);
        assert!(!pictures.iter().any(|picture| matches!(picture, Picture::Rows(_))));
        let pictures = of(&planted::words_by_words());
        assert_eq!(pictures[..2], [Picture::Rows(ORDERED), Picture::Tradeoff { along: None }]);
        assert!(!pictures.iter().any(|picture| matches!(picture, Picture::Against { .. })));
    }

    #[test]
    fn order_has_a_price_where_both_were_run() {
        assert_eq!(of(&planted::twenty())[0], Picture::Price);
        assert_eq!(of(&planted::price_by_members())[0], Picture::Price);
        assert!(!of(&planted::scaling()).contains(&Picture::Price));
    }

    #[test]
    fn what_nobody_has_is_no_picture() {
        assert_eq!(of(&planted::nothing()), []);
        assert_eq!(of(&planted::nonsense()), []);
        let broken = against(VIOLATIONS, 1);
        assert!(of(&planted::price_by_members()).contains(&broken));
        assert!(!of(&planted::scaling()).contains(&broken));
    }
}
