//! What is read of files of which only a part is wanted: as much as fits beside all else.

use protocol::Problem;
use protocol::chat::{Part, PromptSize};
use store::{Attachment, Said, beginning, passages};

/// How often a part is tried until it takes about as many tokens as it may.
const TRIES: usize = 6;

/// About how many characters a token holds: the first guess.
const PER_TOKEN: f64 = 4.0;

/// A part that takes this share of the room is near enough.
const NEAR: f64 = 0.9;

/// Chooses anew what is read of the files of the last message of `branch`, of those of which not all is wanted. They leave a
/// quarter of the context to the answer, and together take an eighth of it at least. `size` tells what a prompt takes. Whether
/// there was any.
///
/// # Errors
/// Those of `size`; [`protocol::Code::DatabaseFailed`] if passages cannot be ranked.
pub(crate) fn choose(
    branch: &mut [Said],
    mut size: impl FnMut(&[Said]) -> Result<PromptSize, Problem>,
) -> Result<bool, Problem> {
    if !branch.last().is_some_and(|said| said.attachments.iter().any(in_part)) {
        return Ok(false);
    }
    read(branch, 0)?;
    let bare = size(branch)?;
    // Without them it is too long already: that is told.
    let Some(taken) = bare.tokens else { return Ok(true) };
    let context = bare.context;
    let room = (context - context / 4).saturating_sub(taken).max(context / 8);
    let mut characters = f64::from(room) * PER_TOKEN;
    let mut fitting = 0;
    for _ in 0..TRIES {
        let whole = read(branch, characters as usize)?;
        let used = size(branch)?.tokens.map_or(f64::INFINITY, |tokens| f64::from(tokens.saturating_sub(taken).max(1)));
        let share = used / f64::from(room);
        if share <= 1.0 {
            fitting = fitting.max(characters as usize);
            if whole || share >= NEAR {
                return Ok(true);
            }
        }
        // A little less than would fill it. What was not even counted is far too much.
        characters *= if used.is_finite() { 0.97 / share } else { 0.25 };
    }
    read(branch, fitting)?;
    Ok(true)
}

fn in_part(file: &Attachment) -> bool {
    file.part != Part::Whole
}

/// Of the files of which not all is wanted so many characters are read, in all. Whether that is all of them.
fn read(branch: &mut [Said], characters: usize) -> Result<bool, Problem> {
    let Some(said) = branch.last_mut() else { return Ok(true) };
    let lengths: Vec<usize> =
        said.attachments.iter().filter(|file| in_part(file)).map(|file| file.text.chars().count()).collect();
    let most = level(&lengths, characters);
    for file in said.attachments.iter_mut().filter(|file| in_part(file)) {
        file.excerpt = Some(match file.part {
            Part::Passages => passages(&file.text, &said.text, most)?,
            Part::Beginning | Part::Whole => beginning(&file.text, most).to_owned(),
        });
    }
    Ok(lengths.iter().all(|length| *length <= most))
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
    sorted.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{Above, prompt};
    use protocol::worker::Speaker;

    fn file(part: Part, text: &str) -> Attachment {
        Attachment { name: "a.txt".to_owned(), text: text.to_owned(), part, ..Attachment::default() }
    }

    /// The prompt in a context of so many tokens, of `per_token` characters each.
    fn chosen(context: u32, per_token: f64, text: &str, files: Vec<Attachment>) -> (Vec<Attachment>, u32, usize) {
        let mut branch =
            vec![Said { id: Said::NEW, speaker: Speaker::User, text: text.to_owned(), attachments: files }];
        let (mut asked, mut last) = (0, 0);
        let any = choose(&mut branch, |branch| {
            asked += 1;
            let characters: usize =
                prompt(Above::default(), branch.to_vec()).iter().map(|message| message.text.chars().count()).sum();
            last = (characters as f64 / per_token) as u32;
            Ok(PromptSize { tokens: (last < 10 * context).then_some(last), context, least: None })
        })
        .unwrap();
        assert!(any);
        (branch.remove(0).attachments, last, asked)
    }

    #[test]
    fn as_much_is_read_as_leaves_room_for_the_answer_in_any_language() {
        let english = "Nothing is said here. ".repeat(20_000);
        let japanese = "ここには何も書いていない。".repeat(20_000);
        for (per_token, text) in [(4.5, &english), (0.8, &japanese), (1.6, &japanese)] {
            for part in [Part::Beginning, Part::Passages] {
                let (files, tokens, asked) = chosen(2048, per_token, "What is said?", vec![file(part, text)]);
                assert!((1300..=1536).contains(&tokens), "{tokens} tokens of {per_token} characters");
                assert!(asked <= 2 + TRIES, "asked {asked} times");
                assert!(text.starts_with(&files[0].read()[..30]));
            }
        }
    }

    #[test]
    fn short_files_are_read_whole_and_leave_their_share_to_the_long_one() {
        let long = "A line of it.\n".repeat(5000);
        let (files, tokens, _) = chosen(
            1000,
            4.0,
            "?",
            vec![file(Part::Beginning, "short"), file(Part::Whole, "all of it"), file(Part::Beginning, &long)],
        );
        assert_eq!((files[0].read(), files[1].excerpt.as_deref()), ("short", None));
        assert!(long.starts_with(files[2].read()) && (640..=750).contains(&tokens), "{tokens}");
        assert_eq!(level(&[5, 100, 40], 90), 45);
        assert_eq!((level(&[1, 2], 10), level(&[], 10), level(&[7], 0)), (2, 0, 0));
    }

    #[test]
    fn a_small_file_is_read_whole_and_a_full_context_leaves_little() {
        let (files, ..) = chosen(1000, 4.0, "?", vec![file(Part::Passages, "Nothing but this.")]);
        assert_eq!(files[0].read(), "Nothing but this.");
        let (files, ..) = chosen(1000, 4.0, &"x".repeat(3990), vec![file(Part::Passages, &"A line.\n".repeat(900))]);
        let read = files[0].read().chars().count();
        assert!((300..=500).contains(&read), "{read} characters");
        let none = &mut [Said {
            id: 1,
            speaker: Speaker::User,
            text: String::new(),
            attachments: vec![file(Part::Whole, "x")],
        }];
        assert!(!choose(none, |_| panic!("nothing is to be chosen")).unwrap());
    }
}
