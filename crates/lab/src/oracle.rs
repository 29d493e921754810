//! What could be reached at most, if everything were known beforehand.

use cascade::{MaxGram, Token};

use crate::costs::Costs;
use crate::trace::Recorded;

/// Most tokens proposed before one review.
const LONGEST: usize = 40;

/// The least that any policy can spend on `question`, in the units of `costs`, reading the prompt not included: it drafts only
/// what is right, stops where it would be wrong and looks at a second choice only where that is right.
///
/// It is what these drafts and Max-Gram's copies can do one token behind the other, found by dynamic programming backwards over
/// the answer. Policies stay below it: which draft is right is known only after the review. An estimate as far as copies go:
/// they are those of a Max-Gram that is never told what became of them, and one that is told finds a few more.
pub fn least_cost(question: &Recorded, costs: &Costs) -> f64 {
    let answer = &question.answer;
    let mut wanted: Vec<Token> = answer.clone();
    if question.ended {
        wanted.push(question.size);
    }
    let copies = right_copies(question);
    let passes = |rung: usize| -> Vec<f64> {
        let curve = costs.curve(rung);
        (1..=LONGEST + 1).map(|width| curve.at(width).unwrap_or(f64::INFINITY)).collect()
    };
    let (target, drafts): (_, Vec<_>) = (passes(0), (1..=question.drafts.len()).map(passes).collect());
    let says = |draft: usize, at: usize, choice: usize| {
        question.drafts[draft][at].get(choice).is_some_and(|(token, _)| Some(token) == wanted.get(at))
    };
    // least[i]: from the moment that i tokens are final. The first comes with the prompt.
    let mut least = vec![0.0; wanted.len() + 1];
    for from in (1..wanted.len()).rev() {
        // drafted[n]: the least that n right proposals cost.
        let mut drafted = [f64::INFINITY; LONGEST + 1];
        drafted[0] = 0.0;
        let most = LONGEST.min(wanted.len() - from);
        let mut best = f64::INFINITY;
        for count in 0..=most {
            let (at, spent) = (from + count, drafted[count]);
            best = best.min(spent + target[count] + least[(at + 1).min(wanted.len())]);
            let right_here = copies.get(at).copied().unwrap_or(0).min(most - count);
            for copy in 0..=right_here {
                drafted[count + copy] = drafted[count + copy].min(spent);
                for (draft, pass) in drafts.iter().enumerate() {
                    let next = count + copy + 1;
                    if next <= most && says(draft, at + copy, 0) {
                        drafted[next] = drafted[next].min(spent + pass[copy]);
                    } else if next < most && says(draft, at + copy, 1) {
                        // The second choice is looked at beside the first, and the target's own token comes behind it.
                        let then = least[(from + next + 1).min(wanted.len())];
                        best = best.min(spent + pass[copy] + target[next + 1] + then);
                    }
                }
            }
        }
        least[from] = best;
    }
    least.get(1).copied().unwrap_or(0.0)
}

/// For each position of the answer how many tokens copied there would be right.
fn right_copies(question: &Recorded) -> Vec<usize> {
    let mut max_gram = MaxGram::default();
    let mut text = question.prompt.clone();
    (0..question.answer.len())
        .map(|position| {
            max_gram.observe(&text);
            let end = text.len();
            let copied = max_gram.find(&text).map_or(0, |found| max_gram.draft(&found, &mut text, LONGEST));
            let right = text[end..end + copied].iter().zip(&question.answer[position..]).take_while(|(a, b)| a == b);
            let right = right.count();
            text.truncate(end);
            text.push(question.answer[position]);
            right
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{Plan, play};

    /// An answer without repetition that the draft knows but for every fourth token.
    fn question() -> Recorded {
        let answer: Vec<Token> = (10..30).collect();
        let row = |position: u32| vec![(if position % 4 == 3 { 4_000 } else { 10 + position }, 0.0)];
        let drafts = vec![(0..=20).map(row).collect()];
        Recorded::new("toy".to_owned(), &[1, 2, 3], &answer, false, &drafts, &|_| false)
    }

    #[test]
    fn it_is_what_a_policy_would_spend_that_knew_the_answer() {
        let costs = Costs::by_call(&[1.0, 0.1]);
        // Behind the first token five reviews: 1 2 and 3 from the target, 4 5 6 and 7, …, 16 17 18 and 19.
        assert!((least_cost(&question(), &costs) - (5.0 + 0.1 * 14.0)).abs() < 1e-9);
        for k in 0..8 {
            let plan = Plan::Fixed { k: vec![vec![k, 2], vec![0, 2]], lenience: 1.0 };
            let played = &play([&question()], &costs, 1, &plan).unwrap()[0];
            assert!(least_cost(&question(), &costs) <= played.cost + 1e-9, "{k}");
        }
    }

    #[test]
    fn copies_are_free() {
        let answer: Vec<Token> = (0..41).map(|index| 5 + index % 3).collect();
        let question = Recorded::new("toy".to_owned(), &[5, 6, 7, 5, 6, 7], &answer, false, &[], &|_| false);
        // 40 tokens behind the first: 39 copied and the target's own.
        assert!((least_cost(&question, &Costs::by_call(&[1.0])) - 1.0).abs() < 1e-9);
    }
}
