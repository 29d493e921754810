//! Bytes of tokens to whole characters: a token may end in the middle of one.

/// Collects bytes and gives them out as text up to the last whole character.
#[derive(Debug, Default)]
pub(crate) struct Utf8Assembler {
    open: Vec<u8>,
}

impl Utf8Assembler {
    /// Adds `bytes` and appends what is whole to `text`. What can never become a character becomes U+FFFD.
    pub(crate) fn push(&mut self, bytes: &[u8], text: &mut String) {
        self.open.extend_from_slice(bytes);
        let mut from = 0;
        loop {
            match std::str::from_utf8(&self.open[from..]) {
                Ok(whole) => {
                    text.push_str(whole);
                    self.open.clear();
                    return;
                }
                Err(error) => {
                    let whole = from + error.valid_up_to();
                    text.push_str(&String::from_utf8_lossy(&self.open[from..whole]));
                    let Some(wrong) = error.error_len() else {
                        self.open.drain(..whole);
                        return;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    from = whole + wrong;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cut_anywhere_comes_out_whole() {
        let whole = "Taki 滝 👩‍💻 é — ok";
        for size in 1..=7 {
            let (mut assembler, mut text) = (Utf8Assembler::default(), String::new());
            for piece in whole.as_bytes().chunks(size) {
                assembler.push(piece, &mut text);
                assert!(whole.starts_with(&text), "only whole characters are given out: {text:?}");
            }
            assert_eq!(text, whole);
        }
    }

    #[test]
    fn bytes_that_are_no_text_become_replacement_characters() {
        let (mut assembler, mut text) = (Utf8Assembler::default(), String::new());
        assembler.push(b"a\xff\xfeb\xe6", &mut text);
        assert_eq!(text, "a\u{FFFD}\u{FFFD}b");
        assembler.push(b"x", &mut text);
        assert_eq!(text, "a\u{FFFD}\u{FFFD}b\u{FFFD}x");
        assembler.push(b"\xe6\xbb", &mut text);
        assert_eq!(text, "a\u{FFFD}\u{FFFD}b\u{FFFD}x", "an answer cut inside of a character ends before it");
    }
}
