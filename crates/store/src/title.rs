use unicode_segmentation::UnicodeSegmentation;

/// Longest title that is made, in characters as people count them.
const LONGEST: usize = 40;

/// A title for what begins with this question: its first line, cut at a word.
pub(crate) fn title_of(question: &str) -> String {
    let first = question.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    // A NUL or a tab has no place in a list.
    let line = first.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = line.collect::<Vec<_>>().join(" ");
    let Some((most, _)) = line.grapheme_indices(true).nth(LONGEST) else { return line };
    let words = line.split_word_bound_indices().map(|(at, _)| at).take_while(|at| *at <= most);
    // A single long word is cut where it has to be.
    let cut = words.last().filter(|at| *at > 0).unwrap_or(most);
    format!("{}…", line[..cut].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_line_cut_at_a_word() {
        for (question, title) in [
            ("What is a waterfall?", "What is a waterfall?"),
            ("\n  \n  Two\tlines\nare one", "Two lines"),
            (
                "Please rewrite the following paragraph politely for a customer",
                "Please rewrite the following paragraph…",
            ),
            ("日本で一番高い滝はどこですか。", "日本で一番高い滝はどこですか。"),
            ("a\0b", "a b"),
            (" \n ", ""),
        ] {
            assert_eq!(title_of(question), title);
        }
        let long = title_of(&"滝".repeat(100));
        assert_eq!(long.chars().count(), LONGEST + 1, "{long}");
        let word = title_of(&"x".repeat(100));
        assert_eq!(word, format!("{}…", "x".repeat(LONGEST)), "one long word");
        let families = title_of(&"👩‍👩‍👧".repeat(60));
        assert_eq!(families.graphemes(true).count(), LONGEST + 1, "nothing is cut through the middle");
    }
}
