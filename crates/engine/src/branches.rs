//! Whether a model can look at second choices in a pass: not all that llama.cpp runs can hold several sequences at once.

use cascade::{Branch, LanguageModel, Token};

/// Tokens in front, so that the attention has something to look at.
const LEAD: usize = 4;

/// Tokens of the pass with branches.
const WIDTH: usize = 3;

/// The largest difference of two scores that the order of summation explains; behind other tokens some differ by far more.
const SAME: f32 = 1.5;

/// Whether `model`, which says that it can branch, scores behind branches what it scores behind the same tokens in a row, and goes
/// on behind a branch that it took as behind those. Costs five passes of at most five tokens; it holds nothing afterwards.
///
/// # Errors
/// The model's, in passes without branches.
pub(crate) fn hold<M: LanguageModel>(model: &mut M) -> Result<bool, M::Error> {
    let size = model.vocab().size;
    if size < LEAD + WIDTH + 2 || model.branches() < 2 {
        return Ok(false);
    }
    // Any tokens do; these are spread over the vocabulary and the same every time.
    let text: Vec<Token> = (0..LEAD + WIDTH + 2).map(|i| (i * (size / 16).max(1) % size) as Token).collect();
    let (lead, rest) = text.split_at(LEAD);
    let (line, others) = rest.split_at(WIDTH);
    let branches = [Branch { at: 1, token: others[0] }, Branch { at: 2, token: others[1] }];
    model.truncate(0)?;
    model.extend(lead, 0)?;
    let first = rows(model, &[line[0], others[0]])?;
    model.truncate(LEAD)?;
    let second = rows(model, &[line[0], line[1], others[1], line[2]])?;
    model.truncate(LEAD)?;
    // Whatever goes wrong with branches, there are none then.
    let held = branched(model, line, &branches, &[&second[0], &second[1], &first[1], &second[2], &second[3]]);
    model.truncate(0)?;
    Ok(held.unwrap_or(false))
}

/// Whether a pass over `line` with `branches` gives the `wanted` rows: behind the line's first two tokens and both branches, and
/// last what comes behind the second one and the line's last token.
fn branched<M: LanguageModel>(
    model: &mut M,
    line: &[Token],
    branches: &[Branch],
    wanted: &[&Vec<f32>; 5],
) -> Result<bool, M::Error> {
    let logits = model.extend_with(line, WIDTH, branches)?;
    let places = [0, 1, WIDTH, WIDTH + 1];
    let alike = places.iter().zip(wanted).all(|(row, wanted)| same(logits.row(*row), wanted));
    model.take(1)?;
    let on = model.extend(&line[WIDTH - 1..], 1)?;
    let goes_on = same(on.row(0), wanted[4]);
    Ok(alike && goes_on && model.len() == LEAD + 4)
}

fn rows<M: LanguageModel>(model: &mut M, tokens: &[Token]) -> Result<Vec<Vec<f32>>, M::Error> {
    let logits = model.extend(tokens, tokens.len())?;
    Ok((0..tokens.len()).map(|row| logits.row(row).unwrap_or_default().to_vec()).collect())
}

fn same(row: Option<&[f32]>, plain: &[f32]) -> bool {
    let row = row.unwrap_or_default();
    row.len() == plain.len() && row.iter().zip(plain).all(|(a, b)| (a - b).abs() <= SAME)
}

#[cfg(test)]
mod tests {
    use cascade::toy::{Broke, Habit, Toy};
    use cascade::{Logits, VocabId};
    use protocol::learned::Threads;

    use super::*;

    /// A toy that takes branches for tokens of the line, as a model would whose cache knows one sequence only.
    struct Flat(Toy);

    impl LanguageModel for Flat {
        type Error = Broke;
        fn vocab(&self) -> &VocabId {
            self.0.vocab()
        }
        fn capacity(&self) -> usize {
            self.0.capacity()
        }
        fn len(&self) -> usize {
            self.0.len()
        }
        fn truncate(&mut self, len: usize) -> Result<(), Broke> {
            self.0.truncate(len)
        }
        fn extend(&mut self, tokens: &[Token], rows: usize) -> Result<Logits<'_>, Broke> {
            self.0.extend(tokens, rows)
        }
        fn branches(&self) -> usize {
            9
        }
        fn extend_with(&mut self, tokens: &[Token], rows: usize, more: &[Branch]) -> Result<Logits<'_>, Broke> {
            let all: Vec<Token> = tokens.iter().copied().chain(more.iter().map(|branch| branch.token)).collect();
            self.0.extend(&all, rows + more.len())
        }
    }

    #[test]
    fn a_model_that_branches_is_told_from_those_that_do_not() {
        let toy = || Toy::new(50, 3).with_branches(8);
        let mut sound = toy();
        assert!(hold(&mut sound).unwrap() && sound.is_empty());
        assert!(!hold(&mut Toy::new(50, 3)).unwrap(), "it says so");
        let mut flat = Flat(toy());
        assert!(!hold(&mut flat).unwrap() && flat.is_empty(), "its scores say so");
        assert!(hold(&mut toy().with_habit(Habit::NoRollBack)).is_err());
        assert!(!hold(&mut toy().with_habit(Habit::Nan)).unwrap());
    }

    #[test]
    fn a_real_model_branches_and_goes_on_behind_the_branch_it_took() {
        let (llama, weights) = crate::llama::for_tests();
        let threads = Threads { single: 2, wide: 2 };
        let mut rung = weights.context(llama, 128, threads, crate::llama::Mode::default()).unwrap();
        assert!(!hold(&mut rung).unwrap(), "nobody allowed it");
        rung.let_branch(true);
        assert!(hold(&mut rung).unwrap() && rung.is_empty());
        // Other sequences' cells are given back: passes with branches fill the context like others.
        let text: Vec<Token> = (0..120).map(|index| 1000 + index).collect();
        for piece in text.chunks(4) {
            let branches = [1, 2, 3].map(|at| Branch { at, token: 5 });
            assert_eq!(rung.extend_with(piece, 4, &branches).unwrap().rows(), 7);
        }
        assert_eq!(rung.len(), 120);
        rung.truncate(60).unwrap();
        let again = rows(&mut rung, &text[60..62]).unwrap();
        rung.truncate(0).unwrap();
        rung.extend(&text[..60], 0).unwrap();
        let plain = rows(&mut rung, &text[60..62]).unwrap();
        assert!(again.iter().zip(&plain).all(|(again, plain)| same(Some(again), plain)));
    }
}

#[cfg(test)]
#[path = "branches_tests.rs"]
mod answers;
