/// A paragraph as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Paragraph {
    text: String,
    pub(super) style: Option<String>,
    /// Outline level, 0 for the highest; 9 is body text.
    pub(super) outline: Option<usize>,
    /// Number of its list; "0" takes the style's list away.
    pub(super) list: Option<String>,
    pub(super) level: Option<usize>,
    /// Where a reading (ruby, furigana) begins while it is read.
    reading_from: Option<usize>,
    reading: String,
}

impl Paragraph {
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Word writes the reading before what it is the reading of.
    pub(super) fn begin_reading(&mut self) {
        self.reading_from = Some(self.text.len());
    }

    pub(super) fn end_reading(&mut self) {
        if let Some(from) = self.reading_from.take() {
            self.reading = self.text.split_off(from);
        }
    }

    pub(super) fn end_ruby(&mut self) {
        let reading = std::mem::take(&mut self.reading);
        if !reading.is_empty() {
            self.text.extend(["（", &reading, "）"]);
        }
    }
}
