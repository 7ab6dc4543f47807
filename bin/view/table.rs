//! Text in columns: a header, rows, and two blanks between.

use crate::paint::{Paint, Tone};
use crate::view::text::width;

/// A text in a column, and how it is painted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    tone: Option<Tone>,
}

impl Cell {
    pub(crate) fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone: Some(tone) }
    }
}

impl<T: ToString> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.to_string(), tone: None }
    }
}

/// Rows under a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    /// The first column that holds numbers, which stand at its right end, as those of all that follow do.
    numbers_from: usize,
}

impl Table {
    pub(crate) fn new<const COLUMNS: usize>(header: [&'static str; COLUMNS]) -> Self {
        Self { header: header.to_vec(), rows: Vec::new(), numbers_from: COLUMNS }
    }

    /// The same table with numbers from this column on.
    pub(crate) fn numbers_from(self, column: usize) -> Self {
        Self { numbers_from: column, ..self }
    }

    pub(crate) fn add<const COLUMNS: usize>(&mut self, row: [Cell; COLUMNS]) {
        self.rows.push(row.into());
    }

    /// Leaves columns out, the first of these first, until no line is longer than this.
    pub(crate) fn narrow(&mut self, columns: usize, order: &[&str]) {
        for name in order {
            if self.widths().iter().map(|width| width + 2).sum::<usize>() <= columns + 2 {
                return;
            }
            if let Some(place) = self.header.iter().position(|it| it == name) {
                self.header.remove(place);
                for row in &mut self.rows {
                    row.remove(place);
                }
            }
        }
    }

    fn widths(&self) -> Vec<usize> {
        let of_cells = |place: usize| self.rows.iter().map(move |row| width(&row[place].text));
        let widths = self.header.iter().enumerate();
        widths.map(|(place, name)| of_cells(place).fold(name.len(), usize::max)).collect()
    }

    /// The lines, without blanks at their ends.
    pub(crate) fn lines(&self, paint: Paint) -> Vec<String> {
        let widths = self.widths();
        let header: Vec<_> = self.header.iter().map(|name| Cell::from(*name)).collect();
        let rows = [&header].into_iter().chain(&self.rows);
        rows.map(|row| self.line(row, &widths, paint)).collect()
    }

    fn line(&self, row: &[Cell], widths: &[usize], paint: Paint) -> String {
        let last = row.iter().rposition(|cell| !cell.text.is_empty()).unwrap_or_default();
        let mut line = String::new();
        for (place, (cell, columns)) in row.iter().zip(widths).enumerate().take(last + 1) {
            let blanks = " ".repeat(columns - width(&cell.text));
            let text = match cell.tone {
                Some(tone) => paint.tone(tone, &cell.text),
                None => cell.text.clone(),
            };
            line.push_str(if place > 0 { "  " } else { "" });
            match (place >= self.numbers_from, place == last) {
                (true, _) => line.extend([blanks, text]),
                (false, true) => line.push_str(&text),
                (false, false) => line.extend([text, blanks]),
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["RUN", "STATE", "COST"]).numbers_from(2);
        table.add(["aaa111".into(), Cell::toned("stuck", Tone::Red), 7.into()]);
        table.add(["b".into(), "completed".into(), Cell::from("")]);
        table
    }

    #[test]
    fn columns_are_as_wide_as_their_longest_text_and_colours_take_none() {
        let plain = ["RUN     STATE      COST", "aaa111  stuck         7", "b       completed"];
        assert_eq!(table().lines(Paint::default()), plain);
        let painted = table().lines(Paint::new(true));
        assert_eq!(crate::door::shown(&painted[1]), "aaa111  \u{1b}[31mstuck\u{1b}[0m         7");
    }

    #[test]
    fn a_table_that_is_too_wide_loses_its_columns_in_their_order() {
        let narrowed = |columns| {
            let mut table = table();
            table.narrow(columns, &["STATE", "COST"]);
            table.lines(Paint::default())[1].clone()
        };
        assert_eq!(narrowed(23), "aaa111  stuck         7");
        assert_eq!(narrowed(22), "aaa111  7");
        assert_eq!(narrowed(11), "aaa111");
        assert_eq!(narrowed(1), "aaa111", "what is not in the order stays");
    }
}
