/// Text with an upper bound; without control characters and with Unix line ends, whoever writes to it.
#[derive(Debug)]
pub(crate) struct Output {
    text: String,
    /// Characters that still fit.
    left: usize,
    cut: bool,
}

impl Output {
    pub(crate) fn new(characters: usize) -> Self {
        Self { text: String::new(), left: characters, cut: false }
    }

    /// Nothing more fits: whoever writes may stop.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Whether `more` characters would not fit any more.
    pub(crate) fn overflows(&self, more: usize) -> bool {
        more > self.left
    }

    /// Says that something was left out.
    pub(crate) fn leave_out(&mut self) {
        self.cut = true;
    }

    pub(crate) fn push(&mut self, text: &str) {
        let mut chars = text.chars().peekable();
        while let Some(char) = chars.next() {
            let char = match char {
                '\r' if chars.peek() == Some(&'\n') => continue,
                '\r' => '\n',
                '\n' | '\t' => char,
                // A mark of the encoding, a place to break a word: neither is text.
                '\u{feff}' | '\u{ad}' => continue,
                char if char.is_control() => continue,
                char => char,
            };
            if self.left == 0 {
                self.cut = true;
                return;
            }
            self.left -= 1;
            self.text.push(char);
        }
    }

    /// Begins a new block: a blank line lies before what comes next.
    pub(crate) fn paragraph(&mut self) {
        if !self.text.is_empty() {
            let have = self.text.bytes().rev().take_while(|byte| *byte == b'\n').count();
            self.push(&"\n\n"[have.min(2)..]);
        }
    }

    /// The text without blank ends, and whether something is missing.
    pub(crate) fn finish(mut self) -> (String, bool) {
        self.text.truncate(self.text.trim_end().len());
        let blank = self.text.len() - self.text.trim_start_matches('\n').len();
        self.text.drain(..blank);
        (self.text, self.cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(parts: &[&str], characters: usize) -> (String, bool) {
        let mut out = Output::new(characters);
        for part in parts {
            out.push(part);
        }
        out.finish()
    }

    #[test]
    fn line_ends_are_one_and_controls_are_gone() {
        assert_eq!(written(&["a\r\nb\rc\u{7}\u{0}\td\u{ad}e\n\n"], 99), ("a\nb\nc\tde".into(), false));
    }

    #[test]
    fn text_is_cut_at_characters_not_at_bytes() {
        assert_eq!(written(&["滝の水"], 3), ("滝の水".into(), false), "what fits is whole");
        assert_eq!(written(&["滝の", "水音"], 3), ("滝の水".into(), true));
    }

    #[test]
    fn paragraphs_are_one_blank_line_apart() {
        let mut out = Output::new(99);
        for part in ["a", "b\n", "c\n\n\n"] {
            out.paragraph();
            out.push(part);
        }
        out.paragraph();
        assert_eq!(out.finish().0, "a\n\nb\n\nc");
    }
}
