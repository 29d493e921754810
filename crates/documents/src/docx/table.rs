/// Most columns that a cell may span: Word allows 63.
const SPAN: usize = 63;

/// A table as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
    /// Columns that the current cell takes beside its own.
    spanned: usize,
}

impl Table {
    pub(super) fn row(&mut self) {
        self.spanned = 0;
        self.rows.push(Vec::new());
    }

    pub(super) fn cell(&mut self) {
        if let Some(row) = self.rows.last_mut() {
            row.resize(row.len() + std::mem::take(&mut self.spanned) + 1, String::new());
        }
    }

    /// The current cell takes the room of so many columns.
    pub(super) fn span(&mut self, columns: usize) {
        self.spanned = columns.clamp(1, SPAN) - 1;
    }

    /// Adds a paragraph to the current cell.
    pub(super) fn text(&mut self, text: &str) {
        let Some(cell) = self.rows.last_mut().and_then(|row| row.last_mut()) else { return };
        if !cell.is_empty() {
            cell.push('\n');
        }
        cell.push_str(text);
    }

    /// As a table in Markdown, the first row as its head.
    pub(super) fn markdown(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut text = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            for column in 0..columns {
                let cell = row.get(column).map_or("", String::as_str);
                let cell = cell.replace('|', "\\|").replace('\n', "<br>");
                text.push_str("| ");
                text.push_str(&cell);
                text.push_str(if cell.is_empty() { "" } else { " " });
            }
            text.push_str("|\n");
            if index == 0 {
                text.push_str(&"| --- ".repeat(columns));
                text.push_str("|\n");
            }
        }
        text
    }

    /// As lines, for a table that lies in a cell.
    pub(super) fn plain(&self) -> String {
        self.rows.iter().map(|row| row.join(" / ")).collect::<Vec<_>>().join("\n")
    }
}
