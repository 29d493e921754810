use protocol::worker::{Anew, Message, Speaker};
use protocol::{Code, FinishReason, Problem, Receipt};

use super::answer::{Answering, Ask};
use super::call::Call;
use super::everyday::EVERYDAY;

/// What is asked in a trial: everyday work, and last something that is mostly copied.
const QUESTIONS: [&str; 4] = [EVERYDAY[0], EVERYDAY[1], EVERYDAY[2], COPIED];
const COPIED: &str = "Correct the spelling and give back the whole text: \"We recieved your letter of the 3rd of May and thank you for it. The \
     goods were dispached yesterday and shoud arrive by Friday. Please let us know if anything is missing.\"";

/// Tokens of each answer.
const TOKENS: u32 = 64;

/// No question is begun after so many seconds of answering.
const PATIENCE: f64 = 45.0;

/// An answer's receipt, and how many of its tokens came at once at the beginning.
pub type Answered = Result<(Receipt, u32), Problem>;

/// What a trial of a loaded ladder found. Only writing counts, without the time for reading the questions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// Tokens per second of the target alone.
    pub alone: f64,
    /// Tokens per second with the cascade.
    pub cascade: f64,
    /// How many times as fast the cascade is: the geometric mean over questions.
    pub ratio: f64,
}

/// Tries a ladder out: every question is answered in both ways, one after the other, the first way in turn, for about a minute at most.
/// `answer` has the ladder answer with nothing remembered of answers before, and gives with the receipt how many tokens came at once at the
/// beginning; `on` is told the share that is done, 0 to 1.
///
/// # Errors
/// Those of `answer`; [`Code::Cancelled`] once an answer was stopped; [`Code::NothingWritten`] if no answer goes on behind its beginning.
pub fn try_out(answer: &mut dyn FnMut(&Ask) -> Answered, on: &mut dyn FnMut(f32)) -> Result<Trial, Problem> {
    let mut spent = 0.0;
    let mut paces = Vec::new();
    for (at, question) in QUESTIONS.iter().enumerate() {
        if spent > PATIENCE {
            break;
        }
        let mut ways = [0.0; 2];
        for turn in 0..2 {
            let cascade = (at + turn) % 2 == 1;
            let message = Message { speaker: Speaker::User, text: (*question).to_owned() };
            let (receipt, first) = answer(&Ask { max_tokens: Some(TOKENS), cascade, ..Ask::plain(vec![message]) })?;
            if receipt.finish == FinishReason::Stopped {
                return Err(Problem::new(Code::Cancelled));
            }
            spent += receipt.seconds;
            ways[usize::from(cascade)] = pace(&receipt, first).unwrap_or(0.0);
            on((2 * at + turn + 1) as f32 / (2 * QUESTIONS.len()) as f32);
        }
        // Of an answer of one token nothing can be told.
        if ways.iter().all(|way| *way > 0.0) {
            paces.push(ways);
        }
    }
    if paces.is_empty() {
        return Err(Problem::new(Code::NothingWritten));
    }
    let count = paces.len() as f64;
    let mean = |of: &dyn Fn(&[f64; 2]) -> f64| (paces.iter().map(|ways| of(ways).ln()).sum::<f64>() / count).exp();
    Ok(Trial { alone: mean(&|ways| ways[0]), cascade: mean(&|ways| ways[1]), ratio: mean(&|ways| ways[1] / ways[0]) })
}

/// An answer for a trial: with nothing that drafts remember of answers before.
///
/// # Errors
/// As [`Call::answer`].
pub fn answer_anew(mut call: Call<'_>, ask: &Ask) -> Answered {
    call.forget(Anew::Drafts);
    let mut first = None;
    let receipt = call.answer(ask, &mut |event| {
        if let Answering::Text { tokens, .. } = event {
            first.get_or_insert(tokens.len() as u32);
        }
    })?;
    Ok((receipt, first.unwrap_or_default()))
}

/// Tokens per second behind the `first` ones, whose time is the reading's.
fn pace(receipt: &Receipt, first: u32) -> Option<f64> {
    let seconds = receipt.seconds - receipt.first_token_seconds;
    let behind = receipt.tokens.saturating_sub(first.max(1));
    (behind > 0 && seconds > 0.0).then(|| f64::from(behind) / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer of so many tokens, each of which takes so long.
    fn receipt(tokens: u32, each: f64, finish: FinishReason) -> Receipt {
        Receipt {
            seconds: 1.0 + each * f64::from(tokens.saturating_sub(1)),
            first_token_seconds: 1.0,
            tokens,
            prompt_tokens: 10,
            reused_tokens: 0,
            target_passes: tokens,
            tokens_per_pass: 1.0,
            rungs: Vec::new(),
            alone_seconds: None,
            speed_up: None,
            cascade: true,
            stood_aside: None,
            exact: false,
            seed: 0,
            finish,
            restarts: 0,
            left_out: Vec::new(),
            continued: false,
            ahead: 0,
            written: Vec::new(),
        }
    }

    #[test]
    fn both_ways_are_asked_in_turn_and_compared_question_by_question() {
        let (mut ways, mut shares) = (Vec::new(), Vec::new());
        let mut answer = |ask: &Ask| {
            ways.push(ask.cascade);
            // Every question is twice as fast with the cascade, each at its own pace.
            let each = 0.1 * (1 + (ways.len() - 1) / 2) as f64 / if ask.cascade { 2.0 } else { 1.0 };
            Ok((receipt(11, each, FinishReason::Length), 1))
        };
        let trial = try_out(&mut answer, &mut |share| shares.push(share)).unwrap();
        assert_eq!(ways, [false, true, true, false, false, true, true, false], "neither is always the first");
        assert!((trial.ratio - 2.0).abs() < 1e-9 && (trial.cascade / trial.alone - 2.0).abs() < 1e-9);
        assert!((trial.alone - 10.0 / 24.0_f64.powf(0.25)).abs() < 1e-9, "{trial:?}");
        assert!(shares.is_sorted() && (shares[7] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_slow_computer_is_asked_less_and_a_stop_is_a_stop() {
        let mut asked = 0;
        let mut slow = |_: &Ask| {
            asked += 1;
            Ok((receipt(64, 1.0, FinishReason::Length), 1))
        };
        try_out(&mut slow, &mut |_| {}).unwrap();
        assert_eq!(asked, 2, "after two minutes one question is enough");
        let stopped = try_out(&mut |_| Ok((receipt(5, 0.1, FinishReason::Stopped), 1)), &mut |_| {});
        assert_eq!(stopped.unwrap_err().code, Code::Cancelled);
        let short = try_out(&mut |_| Ok((receipt(9, 0.1, FinishReason::End), 9)), &mut |_| {});
        assert_eq!(short.unwrap_err().code, Code::NothingWritten);
    }
}
