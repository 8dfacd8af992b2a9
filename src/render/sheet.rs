//! What text is written on: a terminal of some width, or a file. Prose is wrapped, and tables are laid out so that they fit.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};

/// Something that text is written on. Colour repeats what words say; the caller decides it (`NO_COLOR`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sheet {
    columns: usize,
    color: bool,
}

impl Sheet {
    /// On fewer columns than this nothing is laid out; a narrower terminal breaks the lines itself.
    pub const COLUMNS_MIN: usize = 60;
    /// On more columns than this eyes lose the line.
    pub const COLUMNS_MAX: usize = 200;
    /// Prose is never wider: longer lines are hard to read. Tables are.
    const PROSE_MAX: usize = 80;
    /// The columns of a file, and of a terminal that does not tell its width.
    pub const COLUMNS_USUAL: usize = 80;
    /// A file.
    pub const FILE: Self = Self { columns: Self::COLUMNS_USUAL, color: false };
    /// A file with a row a run, which needs more room.
    pub(super) const WIDE_FILE: Self = Self { columns: 100, color: false };

    /// A sheet of `columns`, or as near to that as it can be had.
    #[must_use]
    pub fn new(columns: usize, color: bool) -> Self {
        Self { columns: columns.clamp(Self::COLUMNS_MIN, Self::COLUMNS_MAX), color }
    }

    /// How many columns there are.
    pub(super) fn columns(self) -> usize {
        self.columns
    }

    /// In bold and in a colour (an SGR code), where there may be colour.
    pub(super) fn paint(self, text: &str, code: u8) -> String {
        if self.color { format!("\u{1b}[1;{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// In bold, where there may be colour.
    pub(super) fn bold(self, text: &str) -> String {
        if self.color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A table without lines, that never grows wider than the sheet.
    pub(super) fn table(self) -> Table {
        let width = u16::try_from(self.columns - 2).unwrap_or(u16::MAX);
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        table
    }

    /// Rows under a head, the columns `numbers` standing right, and `whole` ones no narrower than their content. Of many columns on a narrow
    /// sheet, no word is broken: what finds no room follows below.
    pub(super) fn rows(self, head: &[String], rows: &[Vec<String>], numbers: &[usize], whole: &[usize]) -> String {
        if self.columns < Self::COLUMNS_USUAL {
            return self.tables(head, rows, numbers);
        }
        let mut table = self.table();
        table.set_header(head).add_rows(rows);
        right(&mut table, numbers);
        for column in whole {
            if let Some(column) = table.column_mut(*column) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        indented(&table)
    }

    /// Rows under a head, with one space between columns and no word broken. The columns `numbers` stand right. Those for which
    /// there is no room follow in a table of their own, under the first column again.
    pub(super) fn tables(self, head: &[String], rows: &[Vec<String>], numbers: &[usize]) -> String {
        let least: Vec<usize> = (0..head.len()).map(|index| least(index, head, rows)).collect();
        let mut tables = Vec::new();
        let mut rest = 1..head.len();
        while !rest.is_empty() {
            let mut taken = least.first().copied().unwrap_or_default();
            let fits = rest.clone().take_while(|index| {
                taken += least[*index];
                taken <= self.columns - 2
            });
            // A column that is wider than the sheet stands alone.
            let end = rest.start + fits.count().max(1);
            tables.push(self.part(head, rows, rest.start..end, numbers, &least));
            rest.start = end;
        }
        tables.join("\n")
    }

    /// Whether there is room for all columns side by side.
    pub(super) fn holds(self, head: &[String], rows: &[Vec<String>]) -> bool {
        (0..head.len()).map(|index| least(index, head, rows)).sum::<usize>() <= self.columns - 2
    }

    fn part(
        self,
        head: &[String],
        rows: &[Vec<String>],
        columns: std::ops::Range<usize>,
        numbers: &[usize],
        least: &[usize],
    ) -> String {
        let places: Vec<usize> = std::iter::once(0).chain(columns).collect();
        let pick = |row: &[String]| {
            places.iter().map(|place| row.get(*place).cloned().unwrap_or_default()).collect::<Vec<String>>()
        };
        let mut table = self.table();
        table.set_header(pick(head)).add_rows(rows.iter().map(|row| pick(row)));
        for (column, place) in table.column_iter_mut().zip(&places) {
            column.set_padding((0, 1));
            let width = Width::Fixed(u16::try_from(least[*place]).unwrap_or(u16::MAX));
            column.set_constraint(ColumnConstraint::LowerBoundary(width));
            if numbers.contains(place) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        indented(&table)
    }

    /// Wrapped at the sheet's width; later lines stand under the first word.
    pub(super) fn wrap(self, text: &str, lead: &str) -> String {
        let width = self.columns.min(Self::PROSE_MAX);
        let indent = " ".repeat(lead.chars().count());
        let mut out = String::new();
        let mut line = lead.to_owned();
        let mut words_in_line = 0;
        for word in text.split_whitespace() {
            let needed = shown(&line) + usize::from(words_in_line > 0) + shown(word);
            if words_in_line > 0 && needed > width {
                out.push_str(line.trim_end());
                out.push('\n');
                line.clone_from(&indent);
                words_in_line = 0;
            }
            if words_in_line > 0 {
                line.push(' ');
            }
            line.push_str(word);
            words_in_line += 1;
        }
        out.push_str(line.trim_end());
        out.push('\n');
        out
    }
}

/// Columns that a column of a table needs at least, with the space behind it: no narrower than a word of its head or a line of its cells.
fn least(index: usize, head: &[String], rows: &[Vec<String>]) -> usize {
    let words = head.get(index).into_iter().flat_map(|label| label.split_whitespace());
    let lines = rows.iter().filter_map(|row| row.get(index)).flat_map(|cell| cell.lines());
    words.chain(lines).map(shown).max().unwrap_or_default() + 1
}

/// Columns of numbers stand right.
pub(super) fn right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// With a margin, and nothing trailing.
pub(super) fn indented(table: &Table) -> String {
    table.trim_fmt().lines().map(|line| format!(" {line}\n")).collect()
}

/// Lays something out on sheets of all widths, and complains of what does not fit.
#[cfg(test)]
pub(super) fn assert_fits(name: &str, lay_out: impl Fn(Sheet) -> String) {
    for columns in [Sheet::COLUMNS_MIN, 61, 72, Sheet::COLUMNS_USUAL, 100, 120, Sheet::COLUMNS_MAX] {
        for line in lay_out(Sheet::new(columns, false)).lines() {
            // One word that is too long, as a command may hold one, is not broken.
            let is_word = line.trim_start().trim_start_matches("- ").split_whitespace().count() == 1;
            let taken = line.chars().count();
            assert!(is_word || taken <= columns, "{name}: {taken} of {columns} columns: {line}");
            assert_eq!(line, line.trim_end(), "{name}: nothing trails");
        }
    }
}

/// Columns that a text takes: escape sequences take none.
fn shown(text: &str) -> usize {
    let mut columns = 0;
    let mut escaped = false;
    for letter in text.chars() {
        match letter {
            '\u{1b}' => escaped = true,
            'm' if escaped => escaped = false,
            _ if !escaped => columns += 1,
            _ => {}
        }
    }
    columns
}
