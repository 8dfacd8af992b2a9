//! `report.csv`: one row a reading, for spreadsheets, data frames and SQL.

use ::csv::Writer;

use super::tracked::observed;
use super::{Audience, Format};
use crate::model::reading::Reading;
use crate::model::report::Report;

/// This format.
pub const FORMAT: Format = Format {
    name: "csv",
    file: "report.csv",
    about: "All readings, one row each, for spreadsheets and data frames",
    audience: Audience::Programs,
    render,
};

/// The state stands in every row, because rows are what gets copied into another table.
const HEADER: [&str; 13] = [
    "run", "state", "profile", "variant", "strategy", "metric", "stat", "scope", "value", "unit", "better", "n",
    "censored",
];

fn render(report: &Report) -> String {
    table(std::iter::once(HEADER.map(str::to_owned).to_vec()).chain(report.readings.iter().map(|it| row(report, it))))
}

fn row(report: &Report, reading: &Reading) -> Vec<String> {
    let run = &report.run;
    vec![
        run.id.clone(),
        report.state.to_string(),
        run.profile.clone(),
        run.variant.clone().unwrap_or_default(),
        run.strategy.clone(),
        reading.metric.clone(),
        reading.stat.to_string(),
        reading.scope.to_string(),
        number(observed(reading)),
        reading.unit.clone(),
        reading.better.to_string(),
        reading.n.to_string(),
        reading.censored.to_string(),
    ]
}

/// A cell: empty when nothing was observed, never 0.
pub(super) fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// Rows of equal length as text (RFC 4180, with bare newlines).
pub(super) fn table(rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut writer = Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).expect("memory takes all, and all rows are as long as the first");
    }
    let bytes = writer.into_inner().expect("memory takes all");
    String::from_utf8(bytes).expect("every cell is text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    fn every_reading_is_a_row_that_comes_back() {
        let mut report = sample::violated();
        report.run.variant = Some("a \"quoted\", one\nin two lines".to_owned());
        let text = FORMAT.render(&report);
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().expect("a header"), HEADER.as_slice());
        let rows: Vec<_> = reader.records().collect::<Result<_, _>>().expect("rows of equal length");
        assert_eq!(rows.len(), report.readings.len());
        for (row, reading) in rows.iter().zip(&report.readings) {
            assert_eq!(Some(&row[3]), report.run.variant.as_deref());
            assert_eq!(&row[5], reading.metric);
            assert_eq!(row[8].parse().ok(), reading.value);
        }
    }

    #[test]
    fn what_was_not_observed_is_an_empty_cell() {
        let text = FORMAT.render(&sample::interrupted());
        let lost = text.lines().find(|line| line.contains(",lost,")).expect("it is a reading");
        assert!(lost.contains(",lost,count,run,,count,"), "{lost}");
        assert!(!FORMAT.render(&sample::nonsense()).contains("NaN"));
    }
}
