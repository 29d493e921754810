//! Glyphs on a page become lines, lines become paragraphs.

use hayro_interpret::kurbo::Vec2;

use crate::output::Output;

/// A glyph where the page shows it. Lengths are in the page's units.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) text: String,
    pub(super) origin: Vec2,
    /// Where the text runs to, of length 1.
    pub(super) along: Vec2,
    pub(super) size: f64,
    pub(super) width: f64,
    pub(super) vertical: bool,
}

/// A line of text. `start` and `end` are measured along it; `across` grows from line to line.
#[derive(Debug)]
struct Line {
    text: String,
    along: Vec2,
    across: f64,
    start: f64,
    end: f64,
    /// Start of the last glyph.
    last: f64,
    size: f64,
    vertical: bool,
}

/// The lines of a page in the order in which they were drawn.
#[derive(Debug, Default)]
pub(super) struct Layout {
    lines: Vec<Line>,
}

// All in sizes of the font.
/// How far a glyph may be off its line, as an index is.
const OFF_LINE: f64 = 0.5;
/// How far a glyph may begin before its neighbour ends.
const OVERLAP: f64 = 1.0;
/// A gap that is a space, and one between two characters that are written without spaces and may only be spread.
const SPACE: f64 = 0.18;
const SPACE_IN_CJK: f64 = 0.45;
/// A gap that parts columns of a table.
const COLUMN: f64 = 2.0;
/// Lines further apart than this are not of one paragraph.
const LEADING: f64 = 1.9;
/// How much the distances between the lines of a paragraph may differ.
const UNEVEN: f64 = 0.25;
/// An indent that begins a paragraph, and the largest that a first line has.
const INDENT: f64 = 0.8;
const LARGEST_INDENT: f64 = 5.0;

impl Line {
    fn new(glyph: Placed, start: f64, across: f64) -> Self {
        Self {
            along: glyph.along,
            across,
            start,
            end: start + glyph.width,
            last: start,
            size: glyph.size,
            vertical: glyph.vertical,
            text: glyph.text,
        }
    }

    fn goes_on_with(&self, glyph: &Placed, start: f64, across: f64) -> bool {
        let size = self.size.max(glyph.size);
        self.vertical == glyph.vertical
            && self.along.dot(glyph.along) > 0.99
            && (across - self.across).abs() < OFF_LINE * size
            && start > self.end - OVERLAP * size
    }

    fn push(&mut self, glyph: &Placed, start: f64) {
        // Some programs write bold by drawing twice.
        if (start - self.last).abs() < 0.1 * self.size && self.text.ends_with(&glyph.text) {
            return;
        }
        let gap = (start - self.end) / self.size.max(glyph.size);
        let in_cjk = self.text.ends_with(is_cjk) && glyph.text.starts_with(is_cjk);
        let is_blank = self.text.ends_with(char::is_whitespace) || glyph.text.starts_with(char::is_whitespace);
        if gap > COLUMN {
            self.text.truncate(self.text.trim_end().len());
            self.text.push('\t');
        } else if !is_blank && gap > if in_cjk { SPACE_IN_CJK } else { SPACE } {
            self.text.push(' ');
        }
        self.text.push_str(&glyph.text);
        self.last = start;
        self.end = self.end.max(start + glyph.width);
        if !glyph.text.trim().is_empty() {
            self.size = self.size.max(glyph.size);
        }
    }
}

impl Layout {
    pub(super) fn add(&mut self, glyph: Placed) {
        let start = glyph.origin.dot(glyph.along);
        let across = glyph.origin.dot(Vec2::new(glyph.along.y, -glyph.along.x));
        if let Some(line) = self.lines.last_mut()
            && line.goes_on_with(&glyph, start, across)
        {
            line.push(&glyph, start);
        } else if !glyph.text.trim().is_empty() {
            self.lines.push(Line::new(glyph, start, across));
        }
    }

    /// Writes the page, as a block of its own.
    pub(super) fn write(self, out: &mut Output) {
        out.paragraph();
        let mut text = String::new();
        // How far apart the lines of the paragraph are, once there are two.
        let mut pitch = None;
        for (index, line) in self.lines.iter().enumerate() {
            let words = line.text.trim();
            let before = index.checked_sub(1).map(|index| &self.lines[index]);
            let joint = before.map_or(Joint::Paragraph, |before| {
                let is_first = pitch.is_none();
                joint(before, line, pitch, is_first, right_edge(&self.lines, index - 1))
            });
            pitch = match (&joint, before) {
                (Joint::Same, Some(before)) => Some(line.across - before.across),
                _ => None,
            };
            match joint {
                Joint::Same => join(&mut text, words),
                Joint::Line | Joint::Paragraph => {
                    out.push(&text);
                    match joint {
                        Joint::Line => out.push("\n"),
                        _ => out.paragraph(),
                    }
                    words.clone_into(&mut text);
                }
            }
        }
        out.push(&text);
    }
}

/// What lies between two lines.
#[derive(Debug, PartialEq)]
enum Joint {
    /// Nothing: the sentence goes on.
    Same,
    Line,
    Paragraph,
}

fn joint(before: &Line, line: &Line, pitch: Option<f64>, is_first: bool, right: f64) -> Joint {
    let size = before.size.max(line.size);
    let step = line.across - before.across;
    let alike = before.vertical == line.vertical
        && before.along.dot(line.along) > 0.99
        && before.size.min(line.size) > 0.85 * size
        && step > 0.0
        && step < LEADING * size;
    if !alike {
        let is_beside = before.along.dot(line.along) > 0.99 && step.abs() < OFF_LINE * size;
        return if is_beside { Joint::Line } else { Joint::Paragraph };
    }
    if pitch.is_some_and(|pitch| step > pitch + UNEVEN * size) {
        return Joint::Paragraph;
    }
    let indent = (line.start - before.start) / size;
    if is_item(&line.text) {
        return Joint::Line;
    }
    let hangs = is_first && (is_item(&before.text) || indent < 0.0);
    if indent > INDENT && !hangs {
        return if is_full(before, line, right) { Joint::Paragraph } else { Joint::Line };
    }
    if indent.abs() > INDENT && !(hangs && indent.abs() < LARGEST_INDENT) {
        return Joint::Paragraph;
    }
    if is_full(before, line, right) { Joint::Same } else { Joint::Line }
}

/// The line was broken because what comes next did not fit.
fn is_full(before: &Line, line: &Line, right: f64) -> bool {
    let words = line.text.trim();
    let next = match words.chars().next() {
        // Between such characters a line may break nearly everywhere.
        Some(char) if is_cjk(char) => 3.0 * line.size,
        _ => {
            let word = words.split_whitespace().next().map_or(0, |word| word.chars().count());
            let all = line.text.chars().count().max(1);
            (line.end - line.start) * (word + 1) as f64 / all as f64 + 0.5 * line.size
        }
    };
    before.end + next > right
}

/// Where the column ends that a line lies in: the longest of the lines around it that begin at the same place.
fn right_edge(lines: &[Line], index: usize) -> f64 {
    const AROUND: usize = 40;
    let this = &lines[index];
    let near = &lines[index.saturating_sub(AROUND)..lines.len().min(index + AROUND)];
    near.iter()
        .filter(|line| line.vertical == this.vertical && line.along.dot(this.along) > 0.99)
        .filter(|line| (line.start - this.start).abs() < LARGEST_INDENT * this.size)
        .fold(this.end, |right, line| right.max(line.end))
}

/// Appends a line to the one before it.
fn join(text: &mut String, words: &str) {
    if text.ends_with('\u{ad}') {
        text.pop();
        text.push_str(words);
        return;
    }
    let continues = words.starts_with(char::is_lowercase);
    let stem = text.strip_suffix(['-', '\u{2010}']).filter(|stem| continues && stem.ends_with(char::is_lowercase));
    if let Some(length) = stem.map(str::len) {
        text.truncate(length);
    } else if !(text.ends_with(is_cjk) && words.starts_with(is_cjk)) {
        text.push(' ');
    }
    text.push_str(words);
}

/// Begins like an item of a list.
fn is_item(text: &str) -> bool {
    let text = text.trim_start();
    if text.starts_with(['•', '◦', '▪', '●', '○', '■', '・', '–', '※', '\u{f0b7}']) || text.starts_with("- ")
    {
        return true;
    }
    let digits = text.len() - text.trim_start_matches(|char: char| char.is_ascii_digit()).len();
    let mut after = text[digits..].chars();
    (1..=3).contains(&digits)
        && after.next().is_some_and(|mark| matches!(mark, '.' | ')' | '．' | '）'))
        && !after.next().is_some_and(|next| next.is_ascii_digit())
}

/// Written without spaces between words.
fn is_cjk(char: char) -> bool {
    matches!(char, '\u{2e80}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of text at the given left edges and baselines, ten units large, in glyphs half as wide (whole ones in Japanese).
    fn page(lines: &[(f64, f64, &str)]) -> String {
        let mut layout = Layout::default();
        for (left, base, text) in lines {
            let mut x = *left;
            for char in text.chars() {
                let width = if is_cjk(char) { 10.0 } else { 5.0 };
                layout.add(Placed {
                    text: char.into(),
                    origin: Vec2::new(x, *base),
                    along: Vec2::new(1.0, 0.0),
                    size: 10.0,
                    width,
                    vertical: false,
                });
                x += width;
            }
        }
        let mut out = Output::new(10_000);
        layout.write(&mut out);
        out.finish().0
    }

    #[test]
    fn lines_of_a_paragraph_are_joined_and_hyphens_taken_out() {
        let text = page(&[
            (0.0, 90.0, "the quick brown fox jum-"),
            (0.0, 78.0, "ps over the lazy dog and"),
            (0.0, 66.0, "goes home."),
        ]);
        assert_eq!(text, "the quick brown fox jumps over the lazy dog and goes home.");
        let text = page(&[(0.0, 90.0, "the quick brown fox of X-"), (0.0, 78.0, "Ray fame")]);
        assert_eq!(text, "the quick brown fox of X- Ray fame", "only what was certainly one word becomes one");
    }

    #[test]
    fn japanese_lines_are_joined_without_a_space() {
        assert_eq!(
            page(&[(0.0, 90.0, "吾輩は猫である。名前"), (0.0, 72.0, "はまだ無い。")]),
            "吾輩は猫である。名前はまだ無い。"
        );
    }

    #[test]
    fn a_gap_an_indent_and_a_short_line_end_a_paragraph() {
        let lines = ["a line that is rather long", "and ends here with words."];
        let next = "Another line of this page.";
        let text = page(&[(0.0, 90.0, lines[0]), (0.0, 78.0, lines[1]), (0.0, 50.0, next)]);
        assert_eq!(text, format!("{}\n\n{next}", lines.join(" ")), "a gap");
        let text = page(&[(0.0, 90.0, lines[0]), (0.0, 78.0, lines[1]), (15.0, 66.0, next)]);
        assert_eq!(text, format!("{}\n\n{next}", lines.join(" ")), "an indent");
        let text = page(&[(0.0, 90.0, lines[0]), (0.0, 78.0, "and ends."), (0.0, 66.0, next)]);
        assert_eq!(text, format!("{} and ends.\n{next}", lines[0]), "a short line");
    }

    #[test]
    fn items_stay_apart_and_hang_together() {
        let text = page(&[(0.0, 90.0, "1. the first item is a long"), (15.0, 78.0, "one"), (0.0, 66.0, "2. second")]);
        assert_eq!(text, "1. the first item is a long one\n2. second");
        assert!(is_item("・滝") && is_item("12) a") && !is_item("3.5 metres") && !is_item("2024. "));
    }

    #[test]
    fn gaps_become_spaces_and_columns_become_tabs() {
        assert_eq!(page(&[(0.0, 90.0, "one"), (18.0, 90.0, "two"), (80.0, 90.0, "three")]), "one two\tthree");
        assert_eq!(page(&[(0.0, 90.0, "滝"), (13.0, 90.0, "水"), (30.0, 90.0, "1")]), "滝水 1");
    }

    #[test]
    fn what_is_drawn_twice_is_read_once() {
        assert_eq!(page(&[(0.0, 90.0, "b"), (0.4, 90.0, "b"), (5.0, 90.0, "o"), (5.4, 90.0, "o")]), "bo");
        assert_eq!(page(&[(0.0, 90.0, "boot")]), "boot");
    }
}
