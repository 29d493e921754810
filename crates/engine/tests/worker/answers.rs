//! A worker dies in the middle of an answer; the answer goes on.

use engine::{Answering, Ask};
use protocol::Code;
use protocol::worker::Format;

use crate::support::{answer, ask, exact, fast, greedy, ladder, loaded, sampled};
use crate::{PROMPT, kill};

#[test]
fn a_worker_killed_mid_answer_is_replaced_and_the_answer_goes_on() {
    let engine = loaded(&ladder("smollm2"), exact());
    let shape = Some(Format::Grammar("start: /[a-z ,]{60,90}/ \".\" ANY?\nANY: /(.|\\n)+/".to_owned()));
    for (sampling, format, kills) in
        [(greedy(), None, vec![1]), (sampled(5), None, vec![7, 20]), (sampled(5), shape, vec![5])]
    {
        let ask = Ask { format, ..ask(PROMPT, 48, &sampling, true) };
        let whole = answer(&engine, &ask);
        let (mut text, mut tokens, mut resumed, mut left) = (String::new(), Vec::new(), 0, kills.clone());
        let receipt = engine
            .answer(&ask, &mut |event| match event {
                Answering::Text { text: more, tokens: new, .. } => {
                    text.push_str(&more);
                    tokens.extend(new);
                    if left.first().is_some_and(|at| tokens.len() >= *at) {
                        left.remove(0);
                        kill(engine.worker_pid().unwrap());
                    }
                }
                Answering::Resuming(problem) => {
                    assert_eq!(problem.code, Code::WorkerRestarted);
                    resumed += 1;
                }
                Answering::Reading { .. } => {}
            })
            .unwrap();
        assert_eq!(resumed as usize, kills.len());
        assert_eq!(receipt.restarts as usize, kills.len());
        assert_eq!(tokens, whole.tokens, "no token lost, doubled or changed");
        assert_eq!(text, whole.text);
        assert_eq!(receipt.tokens as usize, tokens.len());
        assert_eq!(receipt.rungs.iter().map(|rung| rung.accepted).sum::<u32>(), receipt.tokens);
        let per_pass = f64::from(receipt.tokens) / f64::from(receipt.target_passes);
        assert!((receipt.tokens_per_pass - per_pass).abs() < 1e-9, "{receipt:?}");
        assert!((1..=receipt.tokens + 1).contains(&receipt.target_passes), "{receipt:?}");
        let characters: u32 = receipt.written.iter().map(|(_, characters)| *characters).sum();
        assert_eq!(characters as usize, text.chars().count(), "every character has its writer");
    }
}

#[test]
fn an_answer_goes_on_behind_text_that_was_written_before() {
    let engine = loaded(&ladder("smollm2"), exact());
    let ask = ask(PROMPT, 40, &greedy(), true);
    let whole = answer(&engine, &ask);
    let words: Vec<usize> = whole.text.match_indices(' ').map(|(at, _)| at).collect();
    let (begun, rest) = whole.text.split_at(words[words.len() / 2]);
    let more = answer(&engine, &Ask { begun: begun.to_owned(), ..ask });
    assert_eq!(more.text, rest, "what was begun is not given again and changes nothing");
    assert_eq!(more.receipt.tokens, whole.receipt.tokens, "what was begun counts");
    assert!(more.tokens.len() < whole.tokens.len());
}

#[test]
fn a_worker_that_always_dies_is_given_up() {
    let engine = loaded(&ladder("smollm2"), fast());
    let mut deaths = 0;
    let problem = engine
        .answer(&ask(PROMPT, 64, &greedy(), true), &mut |event| {
            if matches!(event, Answering::Reading { done: 0, .. }) {
                deaths += 1;
                kill(engine.worker_pid().unwrap());
            }
        })
        .unwrap_err();
    assert_eq!((problem.code, deaths), (Code::WorkerGaveUp, 3));
    let after = answer(&engine, &ask("Hello", 4, &greedy(), true));
    assert_eq!(after.tokens.len(), 4, "the next answer gets a new worker");
}

#[test]
fn fast_mode_reuses_what_it_read_of_the_conversation() {
    use protocol::worker::{Message, Speaker};
    let engine = loaded(&ladder("smollm2"), fast());
    let mut talk = ask("Name three rivers of Japan.", 24, &greedy(), true);
    let first = answer(&engine, &talk);
    assert_eq!(first.receipt.reused_tokens, 0);
    // What drafts may copy from is told in between; an answer that was continued is told again.
    for end in ["", " More."] {
        let said = vec![talk.messages[0].text.clone(), format!("{}{end}", first.text)];
        engine.begin().unwrap().earlier(said, false);
    }
    talk.messages.push(Message { speaker: Speaker::Assistant, text: first.text });
    talk.messages.push(Message { speaker: Speaker::User, text: "And three lakes.".to_owned() });
    let second = answer(&engine, &talk);
    assert!(second.receipt.reused_tokens >= first.receipt.prompt_tokens - 1, "{:?}", second.receipt);
    // Some of what was told is missing: drafts begin anew, the models need not.
    engine.begin().unwrap().earlier(Vec::new(), false);
    assert!(answer(&engine, &talk).receipt.reused_tokens >= second.receipt.prompt_tokens - 1);
    engine.begin().unwrap().earlier(Vec::new(), true);
    assert_eq!(answer(&engine, &talk).receipt.reused_tokens, 0, "something was deleted: nothing is left of any text");
}

#[test]
fn a_worker_killed_while_it_loads_again_is_replaced_too() {
    let engine = loaded(&ladder("smollm2"), exact());
    let ask = ask(PROMPT, 24, &greedy(), true);
    let whole = answer(&engine, &ask);
    let (mut tokens, mut kills) = (Vec::new(), 0);
    let receipt = engine
        .answer(&ask, &mut |event| match event {
            Answering::Text { tokens: new, .. } => {
                tokens.extend(new);
                if kills == 0 {
                    kills += 1;
                    kill(engine.worker_pid().unwrap());
                }
            }
            Answering::Resuming(_) if kills == 1 => {
                kills += 1;
                // The next worker is not there yet: it is killed as soon as it is, while it loads.
                let engine = engine.clone();
                std::thread::spawn(move || {
                    let pid = std::iter::repeat_with(|| engine.worker_pid()).flatten().next().unwrap();
                    kill(pid);
                });
            }
            _ => {}
        })
        .unwrap();
    assert_eq!(receipt.restarts, 2);
    assert_eq!(tokens, whole.tokens);
}

#[test]
fn a_text_that_no_context_could_hold_is_refused_at_once() {
    let engine = loaded(&ladder("smollm2"), fast());
    // Larger than the largest frame.
    let problem = engine.answer(&ask(&"a".repeat(70 << 20), 4, &greedy(), true), &mut |_| {}).unwrap_err();
    assert_eq!((problem.code, problem.details["context"].as_str()), (Code::TextTooLong, "2048"));
    assert_eq!(answer(&engine, &ask("Hello", 4, &greedy(), true)).receipt.restarts, 0, "nothing was lost");
}
