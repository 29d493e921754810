//! The same answers with the cascade off and on, shown on real questions.

use engine::Ask;
use protocol::chat::EarlierChats as EarlierSize;
use protocol::worker::{Message, Speaker};
use protocol::{Code, Problem, RungReceipt, RungRole};
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::{ProofPolicy, Prove};
use crate::interrupt::{self, stoppable};
use crate::output::Output;
use crate::setup::{self, Setup};
use crate::suite::{self, Limit, answer};

pub(crate) fn run(args: &Prove, output: &Output) -> Result<(), Problem> {
    let (sampling, format) = (args.drawing.sampling()?, args.shape.format()?);
    let max_tokens = args.questions.max_tokens()?;
    let setup = Setup::new()?;
    let settings = args.running.measuring(true, &setup.places.rules)?;
    let questions = suite::read(&args.questions.suite, Limit::InAll(args.questions.limit()?))?;
    let id = setup.chosen(args.running.ladder.as_deref(), output);
    let ladder = setup.ladder_fixed(&id, &args.running, &args.fixed)?;
    let (engine, loaded) = setup::engine(&ladder, settings, output)?;
    output.note(format_args!("{}; review widths that hold: {:?}", loaded.rungs.join(" ← "), loaded.exact_widths));
    // Every drafter is at work, as in a chat: earlier chats too, where there are some.
    let texts = setup.earlier(true, output).texts();
    let earlier = EarlierSize::of(&texts);
    engine.begin()?.earlier(texts, false);
    let (mut prompts, mut identical, mut tokens, mut first) = (0, 0, 0, Value::Null);
    let (mut seconds_alone, mut seconds_cascade) = (0.0, 0.0);
    // Without these it would not show that anything was drafted at all, or that the target ever had to take something back.
    let (mut drafters, mut target_passes) = (Vec::new(), 0);
    let mut refused = Vec::new();
    let stop = engine.clone();
    let stopped: Result<(), Problem> = stoppable(
        move || stop.cancel(),
        || {
            for (index, question) in questions.iter().enumerate() {
                let messages = vec![Message { speaker: Speaker::User, text: question.text.clone() }];
                let mut ask = Ask {
                    max_tokens: Some(max_tokens),
                    sampling: sampling.clone(),
                    format: format.clone(),
                    ..Ask::plain(messages)
                };
                // Every question draws with noise of its own.
                ask.sampling.seed = sampling.seed.wrapping_add(index as u32);
                let (alone, slow) = match answer(&engine, &ask) {
                    Err(problem) if matches!(problem.code, Code::PromptTooLong | Code::TextTooLong) => {
                        let sentence = problem.sentence(output.language);
                        output.note(format_args!("{:>3}/{}: left out. {sentence}", index + 1, questions.len()));
                        refused.push(problem);
                        continue;
                    }
                    answered => answered?,
                };
                interrupt::go_on()?;
                ask.cascade = true;
                // The adaptive policy may well stand aside, which would prove little: the matrix always drafts.
                ask.matrix = args.policy == ProofPolicy::Matrix;
                let (cascade, fast) = answer(&engine, &ask)?;
                interrupt::go_on()?;
                count(&mut drafters, &fast.rungs);
                target_passes += fast.target_passes;
                let (slow, fast) = (slow.seconds, fast.seconds);
                seconds_alone += slow;
                seconds_cascade += fast;
                tokens += alone.len();
                let parted = parting(&alone, &cascade);
                prompts += 1;
                identical += usize::from(parted.is_none());
                output.note(format_args!(
                    "{:>3}/{}: {:>3} tokens, {}, {slow:.1} s alone, {fast:.1} s with the cascade",
                    index + 1,
                    questions.len(),
                    alone.len(),
                    parted.map_or_else(|| "identical".to_owned(), |at| format!("DIFFERENT at token {at}")),
                ));
                if let (Some(at), Value::Null) = (parted, &first) {
                    first = json!({ "prompt": index, "at": at, "alone": alone.get(at), "cascade": cascade.get(at) });
                }
            }
            Ok(())
        },
    );
    let stopped = match stopped {
        Err(problem) if problem.code != Code::Cancelled => return Err(problem),
        stopped => stopped,
    };
    if prompts == 0
        && stopped.is_ok()
        && let Some(problem) = refused.pop()
    {
        return Err(problem);
    }
    let sum = |of: fn(&Drafter) -> u32| drafters.iter().map(of).sum::<u32>();
    let (proposed, drafted) = (sum(|each| each.proposed), sum(|each| each.accepted));
    output.line(format_args!(
        "{identical} of {prompts} answers identical, {tokens} tokens, {drafted} of them drafted; {proposed} were proposed, {} of these taken back.",
        proposed.saturating_sub(drafted)
    ));
    output.json(&json!({
        "prompts": prompts, "too_long": refused.len(), "identical": identical, "tokens": tokens, "first_difference": first,
        "ladder": id, "temperature": sampling.temperature, "exact_widths": loaded.exact_widths,
        "earlier_chats": earlier, "table": ladder.table.is_some() && loaded.left_out.is_empty(),
        "policy": args.policy.to_string(), "proposed": proposed, "drafted": drafted, "drafters": drafters, "target_passes": target_passes,
        "seconds_alone": seconds_alone, "seconds_cascade": seconds_cascade,
    }));
    // What it had shown until it was stopped is told all the same.
    stopped?;
    if identical < prompts {
        let differ = Problem::new(Code::AnswersDiffer).with("different", prompts - identical);
        return Err(differ.with("prompts", prompts));
    }
    Ok(())
}

/// What one drafter did for all answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Drafter {
    name: String,
    /// Tokens that came before the target.
    proposed: u32,
    /// Of these, how many stand in the answers.
    accepted: u32,
}

/// Adds what the drafters among `rungs` did for one more answer.
fn count(drafters: &mut Vec<Drafter>, rungs: &[RungReceipt]) {
    for rung in rungs.iter().filter(|rung| rung.role != RungRole::Target) {
        match drafters.iter_mut().find(|known| known.name == rung.name) {
            Some(known) => {
                known.proposed += rung.proposed;
                known.accepted += rung.accepted;
            }
            None => {
                drafters.push(Drafter { name: rung.name.clone(), proposed: rung.proposed, accepted: rung.accepted });
            }
        }
    }
}

/// Where two answers part; None if nowhere.
fn parting(a: &[u32], b: &[u32]) -> Option<usize> {
    let shared = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    (shared < a.len().max(b.len())).then_some(shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafters_are_counted_over_all_answers() {
        let rung = |name: &str, role, proposed, accepted| RungReceipt {
            name: name.to_owned(),
            role,
            proposed,
            accepted,
            passes: 1,
            seconds: 1.0,
        };
        let mut drafters = Vec::new();
        count(&mut drafters, &[rung("big", RungRole::Target, 9, 9), rung("small", RungRole::Draft, 4, 3)]);
        count(&mut drafters, &[rung("small", RungRole::Draft, 2, 0), rung("Max-Gram", RungRole::MaxGram, 5, 1)]);
        let told: Vec<_> = drafters.iter().map(|each| (each.name.as_str(), each.proposed, each.accepted)).collect();
        assert_eq!(told, [("small", 6, 3), ("Max-Gram", 5, 1)]);
    }

    #[test]
    fn answers_part_where_they_first_differ() {
        assert_eq!(parting(&[1, 2], &[1, 2]), None);
        assert_eq!(parting(&[1, 2], &[1, 3]), Some(1));
        assert_eq!(parting(&[1, 2], &[1]), Some(1));
        assert_eq!(parting(&[], &[4]), Some(0));
    }
}
