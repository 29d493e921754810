//! What is read of files of which only a part is wanted: as much as fits beside all else.

use protocol::Problem;
use protocol::chat::{Part, PromptSize};
use store::{Passages, Said, beginning, fence};

/// How often a part is tried until it takes about as many tokens as it may.
const TRIES: usize = 6;

/// Most tokens of passages, and of further ones for a further question: what goes with it is found in them, and on a small processor
/// each thousand takes half a minute to read.
const MOST: u32 = 2048;
const MOST_MORE: u32 = 1024;

/// About how many characters a token holds: the first guess.
const PER_TOKEN: f64 = 4.0;

/// A part that takes this share of the room is near enough.
const NEAR: f64 = 0.9;

/// About how many characters a passage has in a context of so many tokens: some fit in any case.
fn passage_size(context: u32) -> usize {
    (context as usize / 8).clamp(100, 500)
}

/// Something of which only a part is read, with the last message.
enum Source<'t> {
    /// The file of this number that goes with it: as much of its beginning as may be.
    Beginning(usize, &'t str),
    /// The same: those of its passages that go with the question.
    Passages(usize, Passages<'t>),
    /// Of a file of this name that was sent before: passages that go with this question and were not read yet.
    More(String, Passages<'t>),
}

impl Source<'_> {
    fn characters(&self) -> usize {
        match self {
            Self::Beginning(_, text) => text.chars().count(),
            Self::Passages(_, passages) | Self::More(_, passages) => passages.characters(),
        }
    }
}

/// Chooses anew what is read of the files of the last message of `branch` of which not all is wanted, and what more is read of such
/// files above for its question. They leave a quarter of the context to the answer; those that go with the message take an eighth of it at
/// least, and passages [`MOST`] tokens at most. `size` tells what a prompt takes, `goes_on` whether it is wanted still. Whether there was any.
///
/// # Errors
/// Those of `size` and `goes_on`; [`protocol::Code::DatabaseFailed`] if passages cannot be ranked.
pub(crate) fn choose(
    branch: &mut [Said],
    mut size: impl FnMut(&[Said]) -> Result<PromptSize, Problem>,
    goes_on: impl Fn() -> Result<(), Problem>,
) -> Result<bool, Problem> {
    let Some((own, above)) = texts(branch) else { return Ok(false) };
    put(branch, &[], 0);
    let bare = size(branch)?;
    // Without them it is too long already: that is told.
    let Some(taken) = bare.tokens else { return Ok(true) };
    let question = branch.last().map_or_else(String::new, |said| said.text.clone());
    let (context, width) = (bare.context, passage_size(bare.context));
    let mut sources = Vec::new();
    for (number, part, text) in &own {
        goes_on()?;
        sources.push(match part {
            Part::Passages => Source::Passages(*number, Passages::of(text, &question, width)?),
            Part::Beginning | Part::Whole => Source::Beginning(*number, text),
        });
    }
    for (name, text, read) in &above {
        goes_on()?;
        let read: Vec<&str> = read.iter().map(String::as_str).collect();
        sources.push(Source::More(name.clone(), Passages::more(text, &question, width, &read)?));
    }
    let left = (context - context / 4).saturating_sub(taken);
    let room = match own.iter().any(|(_, part, _)| *part != Part::Passages) {
        _ if own.is_empty() => left.min(MOST_MORE),
        // Whoever wants a beginning wants all that fits.
        true => left.max(context / 8),
        false => left.max(context / 8).min(MOST),
    };
    let all: usize = sources.iter().map(Source::characters).sum();
    let mut characters = f64::from(room) * PER_TOKEN;
    let mut fitting = 0;
    for _ in 0..TRIES {
        put(branch, &sources, characters as usize);
        let used = size(branch)?.tokens.map_or(f64::INFINITY, |tokens| f64::from(tokens.saturating_sub(taken).max(1)));
        let share = used / f64::from(room.max(1));
        if share <= 1.0 {
            fitting = fitting.max(characters as usize);
            if share >= NEAR || all <= characters as usize {
                return Ok(true);
            }
        }
        // A little less than would fill it. What was not even counted is far too much.
        characters *= if used.is_finite() { 0.97 / share } else { 0.25 };
    }
    put(branch, &sources, fitting);
    Ok(true)
}

/// Number, part and text of the files of the last message of which not all is wanted.
type Own = Vec<(usize, Part, String)>;
/// Name and text of such files above, and what was read of each.
type Above = Vec<(String, String, Vec<String>)>;

/// What there is to choose from; None if there is nothing.
fn texts(branch: &[Said]) -> Option<(Own, Above)> {
    let (last, above) = branch.split_last()?;
    let files = last.attachments.iter().enumerate().filter(|(_, file)| file.part != Part::Whole);
    let own: Own = files.map(|(number, file)| (number, file.part, file.text.clone())).collect();
    let mut more: Above = Vec::new();
    for file in above.iter().flat_map(|said| &said.attachments).filter(|file| file.part == Part::Passages) {
        if !more.iter().any(|(name, text, _)| *name == file.name && *text == file.text) {
            let read = above.iter().map(|said| said.also.as_str()).chain(file.excerpt.as_deref());
            let read = read.filter(|read| !read.is_empty()).map(str::to_owned).collect();
            more.push((file.name.clone(), file.text.clone(), read));
        }
    }
    (!own.is_empty() || !more.is_empty()).then_some((own, more))
}

/// With the last message so many characters are read of the sources, in all; without sources none of its files.
fn put(branch: &mut [Said], sources: &[Source<'_>], characters: usize) {
    let Some(said) = branch.last_mut() else { return };
    said.also.clear();
    for file in said.attachments.iter_mut().filter(|file| file.part != Part::Whole) {
        file.excerpt = Some(String::new());
    }
    let lengths: Vec<usize> = sources.iter().map(Source::characters).collect();
    let most = level(&lengths, characters);
    for source in sources {
        match source {
            Source::Beginning(number, text) => {
                said.attachments[*number].excerpt = Some(beginning(text, most).to_owned());
            }
            Source::Passages(number, passages) => said.attachments[*number].excerpt = Some(passages.within(most)),
            Source::More(name, passages) => {
                let part = passages.within(most);
                if !part.is_empty() {
                    let (fence, name) = (fence(&part), name.replace(|c: char| c.is_control(), " "));
                    let more = ["More of file ", &name, ":\n", &fence, "\n", part.trim_end(), "\n", &fence, "\n\n"];
                    said.also.extend(more);
                }
            }
        }
    }
}

/// What each may have so that all together have `sum`, where the short ones leave to the long ones what they do not need.
fn level(lengths: &[usize], sum: usize) -> usize {
    let mut sorted = lengths.to_vec();
    sorted.sort_unstable();
    let mut left = sum;
    for (index, length) in sorted.iter().enumerate() {
        let share = left / (sorted.len() - index);
        if *length > share {
            return share;
        }
        left -= length;
    }
    // A passage between two that are left out takes the marks of both with it.
    sorted.last().map_or(0, |longest| longest + left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{Above, prompt};
    use protocol::Code;
    use protocol::worker::Speaker;
    use store::Attachment;

    fn file(part: Part, text: &str) -> Attachment {
        Attachment { name: "a.txt".to_owned(), text: text.to_owned(), part, ..Attachment::default() }
    }

    fn said(id: u32, text: &str, attachments: Vec<Attachment>) -> Said {
        let speaker = if id % 2 == 1 { Speaker::User } else { Speaker::Assistant };
        Said { id, speaker, text: text.to_owned(), attachments, also: String::new() }
    }

    /// Chooses in a context of so many tokens, of `per_token` characters each. The tokens of the prompt then, and how often it was counted.
    fn chosen(context: u32, per_token: f64, branch: &mut [Said]) -> (bool, u32, usize) {
        let mut asked = 0;
        let count = |branch: &[Said]| {
            let messages = prompt(Above::default(), branch.to_vec());
            (messages.iter().map(|message| message.text.chars().count()).sum::<usize>() as f64 / per_token) as u32
        };
        let size = |branch: &[Said]| {
            asked += 1;
            let tokens = count(branch);
            Ok(PromptSize { tokens: (tokens < 10 * context).then_some(tokens), context, least: None })
        };
        let any = choose(branch, size, || Ok(())).unwrap();
        (any, count(branch), asked)
    }

    fn one(context: u32, per_token: f64, text: &str, files: Vec<Attachment>) -> (Vec<Attachment>, u32) {
        let mut branch = [said(1, text, files)];
        let (any, tokens, asked) = chosen(context, per_token, &mut branch);
        assert!(any && asked <= 1 + TRIES, "asked {asked} times");
        let [said] = branch;
        (said.attachments, tokens)
    }

    #[test]
    fn as_much_is_read_as_leaves_room_for_the_answer_in_any_language() {
        let english = "Nothing is said here. ".repeat(20_000);
        let japanese = "ここには何も書いていない。".repeat(20_000);
        for (per_token, text) in [(4.5, &english), (0.8, &japanese), (1.6, &japanese)] {
            for part in [Part::Beginning, Part::Passages] {
                let (files, tokens) = one(2048, per_token, "What is said?", vec![file(part, text)]);
                assert!((1300..=1536).contains(&tokens), "{tokens} tokens of {per_token} characters");
                assert!(text.starts_with(&files[0].read().chars().take(30).collect::<String>()));
            }
        }
    }

    #[test]
    fn short_files_are_read_whole_and_leave_their_share_to_the_long_one() {
        let long = "A line of it.\n".repeat(5000);
        let files = vec![file(Part::Beginning, "short"), file(Part::Whole, "all of it"), file(Part::Beginning, &long)];
        let (files, tokens) = one(1000, 4.0, "?", files);
        assert_eq!((files[0].read(), files[1].excerpt.as_deref()), ("short", None));
        assert!(long.starts_with(files[2].read()) && (640..=750).contains(&tokens), "{tokens}");
        assert_eq!(level(&[5, 100, 40], 90), 45);
        assert_eq!((level(&[1, 2], 10), level(&[], 10), level(&[7], 0)), (9, 0, 0));
    }

    #[test]
    fn a_small_file_is_read_whole_and_a_full_context_leaves_little() {
        let (files, _) = one(1000, 4.0, "?", vec![file(Part::Passages, "Nothing but this.")]);
        assert_eq!(files[0].read(), "Nothing but this.");
        let (files, _) = one(1000, 4.0, &"x".repeat(3990), vec![file(Part::Passages, &"A line.\n".repeat(900))]);
        let read = files[0].read().chars().count();
        assert!((300..=500).contains(&read), "{read} characters");
        let (any, _, asked) = chosen(1000, 4.0, &mut [said(1, "?", vec![file(Part::Whole, "x")])]);
        assert_eq!((any, asked), (false, 0), "nothing is to be chosen");
    }

    #[test]
    fn a_further_question_reads_what_goes_with_it_of_the_same_file() {
        let mut clauses: Vec<String> =
            (1..=300).map(|number| format!("{number}. {}\n\n", "Nothing. ".repeat(9))).collect();
        clauses[199] = "200. Notice: three months.\n\n".to_owned();
        clauses[249] = "250. Penalty: ten percent.\n\n".to_owned();
        let text = clauses.concat();
        let mut branch = vec![said(1, "How long is the notice?", vec![file(Part::Passages, &text)])];
        chosen(1000, 4.0, &mut branch);
        assert!(branch[0].attachments[0].read().contains("three months"));
        assert!(!branch[0].attachments[0].read().contains("ten percent"), "or nothing is left to be found");
        branch.extend([said(2, "Three months.", Vec::new()), said(3, "And the penalty?", Vec::new())]);
        let (any, tokens, _) = chosen(1200, 4.0, &mut branch);
        assert!(any && tokens <= 900, "{tokens}");
        assert!(
            branch[2].also.starts_with("More of file a.txt:\n```\n[…]\n250. Penalty: ten percent."),
            "{}",
            branch[2].also
        );
        assert!(prompt(Above::default(), branch.clone()).pop().unwrap().text.ends_with("And the penalty?"));
        branch.extend([said(4, "Ten percent.", Vec::new()), said(5, "Is the penalty high?", Vec::new())]);
        chosen(1500, 4.0, &mut branch);
        assert_eq!(branch[4].also, "", "it was read already");
    }

    #[test]
    fn who_stops_it_waits_for_no_file() {
        let mut branch = [said(1, "?", vec![file(Part::Passages, "x")])];
        let size = |_: &[Said]| Ok(PromptSize { tokens: Some(1), context: 100, least: None });
        let stopped = choose(&mut branch, size, || Err(Problem::new(Code::Cancelled)));
        assert_eq!(stopped.unwrap_err().code, Code::Cancelled);
    }
}
