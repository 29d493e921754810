//! A conversation in the terminal.

use std::io::{self, BufRead, IsTerminal, Read};

use engine::{Answering, Ask, Engine};
use protocol::chat::{EarlierChats as EarlierSize, Policy, Settings};
use protocol::ladder::EngineSettings;
use protocol::worker::{Message, Speaker};
use protocol::{Code, FinishReason, Problem, Receipt};
use serde_json::{Value, json};
use store::Rules;

use crate::args::{Chat, counts};
use crate::earlier::EarlierChats;
use crate::interrupt::{self, Told, stoppable};
use crate::lines::{self, LONGEST, Lines};
use crate::models;
use crate::output::Output;
use crate::setup::{self, Setup};

/// What can be typed.
fn help(output: &Output) -> &'static str {
    output.either(
        "Type a question and press Enter. Ctrl+C stops an answer. /new begins a new conversation, /quit ends.",
        "質問を入力して Enter を押してください。Ctrl+C で回答を停止、/new で新しい会話、/quit で終了します。",
    )
}

pub(crate) fn run(args: &Chat, output: &Output) -> Result<(), Problem> {
    let mut setup = Setup::new()?;
    let chosen = setup::settings(&setup.places, output);
    let (ask, settings) = request(args, &chosen, &setup.places.rules)?;
    let no_earlier = args.no_earlier_chats.then_some(false);
    let names = ("earlierChats", "--no-earlier-chats");
    let earlier_chats = counts(&setup.places.rules, names, no_earlier, chosen.earlier_chats)?;
    let id = setup.chosen(args.running.ladder.as_deref(), output);
    if args.running.ladder.is_some() {
        counts(&setup.places.rules, ("ladder", "--ladder"), Some(&id), &chosen.ladder)?;
    }
    let once = args.once.as_deref().map(|once| question(once, output)).transpose()?;
    let ladder = match setup.ladder_as(&id, &args.running) {
        Err(problem) if problem.code == Code::NotInstalled && once.is_none() && io::stdin().is_terminal() => {
            offer_to_fetch(&mut setup, &id, problem, output)?;
            setup.ladder_as(&id, &args.running)?
        }
        found => found?,
    };
    let learned = setup.learned();
    let known = learned.recall(&engine::conditions(&ladder, settings));
    // What is typed while the ladder is loading is kept, too.
    let wanted = once.map_or_else(|| Wanted::Talk(Lines::open()), Wanted::Answer);
    let (engine, loaded) = match setup::engine_knowing(&ladder, settings, known, output) {
        Err(problem) if output.wants_json() && was_stopped(&problem) => {
            output.json(&uncounted(""));
            return Ok(());
        }
        loaded => loaded?,
    };
    let mut earlier = setup.earlier(earlier_chats, output);
    let talked = match wanted {
        Wanted::Answer(question) => answer_once(&engine, &mut earlier, ask, question, output),
        Wanted::Talk(lines) => {
            let (rungs, help) = (loaded.rungs.join(" ← "), help(output));
            output.note(output.either(format_args!("{rungs}. {help}"), format_args!("{rungs} が回答します。{help}")));
            talk(&engine, &mut earlier, ask, lines, output)
        }
    };
    // It can be learned anew: a disk that refuses is no reason to fail.
    if let Some(Err(problem)) = engine.learned().map(|lessons| learned.keep(&lessons)) {
        output.warning(&problem);
    }
    talked
}

/// What every answer is asked for with, and how the engine runs for it: as the command line says, or else the settings.
fn request(args: &Chat, settings: &Settings, rules: &Rules) -> Result<(Ask, EngineSettings), Problem> {
    let running = args.running.chatting(args.exact, settings, rules)?;
    let cascade = args.no_cascade.map(|alone| !alone);
    let ask = Ask {
        max_tokens: args.max_tokens()?,
        sampling: args.drawing.sampling()?,
        review_rule: args.review_rule(running.exact)?,
        format: args.shape.format()?,
        cascade: counts(rules, ("speedUp", "--no-cascade"), cascade, settings.speed_up)?,
        matrix: settings.policy == Policy::Matrix,
        ends_repeats: true,
        ..Ask::plain(Vec::new())
    };
    Ok((ask, running))
}

/// What the person came for.
enum Wanted {
    /// The answer to one question.
    Answer(String),
    /// A conversation.
    Talk(Lines),
}

fn question(once: &str, output: &Output) -> Result<String, Problem> {
    let mut text = once.to_owned();
    if once == "-" {
        let mut bytes = Vec::new();
        let read = io::stdin().take(LONGEST).read_to_end(&mut bytes);
        read.map_err(|error| Problem::new(Code::Internal).with("reason", error))?;
        text = lines::text(bytes, output);
    }
    if text.trim().is_empty() { Err(Problem::new(Code::MessageEmpty)) } else { Ok(text) }
}

fn offer_to_fetch(setup: &mut Setup, id: &str, problem: Problem, output: &Output) -> Result<(), Problem> {
    let size = protocol::bytes_in_words(setup.models.ready(&setup.catalog, id)?);
    let sentence = problem.sentence(output.language);
    output.note(output.either(
        format_args!("{sentence} Download it now ({size})? [y/N]"),
        format_args!("{sentence}今すぐダウンロードしますか（{size}）？ [y/N]"),
    ));
    let mut answer = String::new();
    let _ = io::stdin().lock().read_line(&mut answer);
    if answer.trim().eq_ignore_ascii_case("y") { models::fetch(setup, id, output) } else { Err(problem) }
}

fn answer_once(
    engine: &Engine,
    earlier: &mut EarlierChats,
    mut ask: Ask,
    question: String,
    output: &Output,
) -> Result<(), Problem> {
    ask.messages.push(said(Speaker::User, question));
    let texts = earlier.texts();
    let (text, receipt) = answer(engine, texts.clone(), &ask, output);
    match receipt {
        Ok(receipt) => {
            let earlier = EarlierSize::of(&texts);
            output.json(&json!({ "answer": text, "receipt": shape(&receipt), "earlier_chats": earlier }));
        }
        Err(problem) if was_stopped(&problem) => output.json(&uncounted(&text)),
        Err(problem) => return Err(problem),
    }
    Ok(())
}

/// Whether it is no more than what the person wanted.
fn was_stopped(problem: &Problem) -> bool {
    problem.code == Code::Cancelled && interrupt::told().is_some()
}

/// What there is of an answer whose worker had to be ended: nobody counted. The names are those of every receipt.
fn uncounted(text: &str) -> Value {
    let receipt = json!({
        "seconds": null, "tokens": null, "target_passes": null, "tokens_per_pass": null, "rungs": [], "finish": FinishReason::Stopped
    });
    json!({ "answer": text, "receipt": receipt })
}

/// The receipt with the share of every rung spelled out: for the target `accepted` is what it wrote itself.
fn shape(receipt: &Receipt) -> Value {
    let mut value = json!(receipt);
    if let Some(rungs) = value["rungs"].as_array_mut() {
        for rung in rungs {
            rung["tokens"] = rung["accepted"].clone();
        }
    }
    value
}

fn talk(
    engine: &Engine,
    earlier: &mut EarlierChats,
    mut ask: Ask,
    mut lines: Lines,
    output: &Output,
) -> Result<(), Problem> {
    while let Some(line) = lines.next(output) {
        let question = match line.trim() {
            "" => continue,
            "/quit" | "/exit" => break,
            "/help" => {
                output.note(help(output));
                continue;
            }
            "/new" => {
                ask.messages.clear();
                output.note(output.either("A new conversation.", "新しい会話を始めます。"));
                continue;
            }
            text => text.to_owned(),
        };
        ask.messages.push(said(Speaker::User, question.clone()));
        let (text, receipt) = answer(engine, earlier.texts(), &ask, output);
        let failed = match receipt {
            Err(problem) if !was_stopped(&problem) => Some(problem),
            _ => None,
        };
        match failed {
            // Stopped before the first word: the question was never answered.
            None if text.is_empty() => drop(ask.messages.pop()),
            None => {
                earlier.add(question, text.clone());
                ask.messages.push(said(Speaker::Assistant, text));
            }
            // The question can be asked again, shorter or after the next step.
            Some(problem) if lines.are_typed() => {
                output.problem(&problem);
                ask.messages.pop();
            }
            Some(problem) => return Err(problem),
        }
        match interrupt::told() {
            Some(Told::Stop) => interrupt::forget(),
            Some(Told::End | Told::HungUp) => break,
            None => {}
        }
        if output.reader_gone() {
            break;
        }
    }
    Ok(())
}

/// The text that came, whatever became of the answer. Drafts may copy from `texts` too.
fn answer(engine: &Engine, texts: Vec<String>, ask: &Ask, output: &Output) -> (String, Result<Receipt, Problem>) {
    let mut text = String::new();
    let mut on = |event| match event {
        Answering::Text { text: more, tokens, .. } => {
            tracing::debug!(tokens = tokens.len(), "the answer goes on");
            output.text(&more);
            text.push_str(&more);
            if output.reader_gone() {
                engine.cancel();
            }
        }
        Answering::Reading { done, total } if total > 512 && done < total => {
            output.progress(output.either(
                format_args!("Reading … {done} of {total} tokens"),
                format_args!("メッセージを読んでいます… {total} トークンのうち {done}"),
            ));
        }
        Answering::Reading { done, .. } if done > 512 => output.progress_done(),
        Answering::Reading { .. } => {}
        Answering::Resuming(problem) => {
            output.note("");
            output.warning(&problem);
        }
    };
    let stop = engine.clone();
    // The right to the engine comes first: a stop is for this answer from then on.
    let receipt = engine.begin().and_then(|mut call| {
        stoppable(
            move || stop.cancel(),
            || {
                call.earlier(texts, false);
                call.answer(ask, &mut on)
            },
        )
    });
    if !text.is_empty() {
        output.text("\n");
    }
    if let Ok(receipt) = &receipt
        && !output.wants_json()
        && !output.reader_gone()
    {
        output.receipt(receipt);
    }
    (text, receipt)
}

fn said(speaker: Speaker, text: String) -> Message {
    Message { speaker, text }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command};

    #[test]
    fn a_chat_is_sped_up_and_reviewed_as_the_settings_have_it_unless_something_else_is_said() {
        let asked = |more: &[&str], settings: &Settings| {
            let args = ["taki", "chat"].iter().chain(more);
            let Command::Chat(args) = Args::try_parse_from(args).unwrap().command else { unreachable!() };
            request(&args, settings, &Rules::default())
        };
        let usual = asked(&[], &Settings::default()).unwrap().0;
        assert_eq!((usual.cascade, usual.matrix), (true, false));
        let chosen =
            Settings { speed_up: false, policy: Policy::Matrix, exact: true, threads: Some(3), ..Settings::default() };
        let (ask, running) = asked(&[], &chosen).unwrap();
        assert_eq!((ask.cascade, ask.matrix, running), (false, true, chosen.running()));
        let (ask, running) = asked(&["--no-cascade=false", "--exact=false", "--threads", "1"], &chosen).unwrap();
        assert_eq!((ask.cascade, running.exact, running.threads), (true, false, Some(1)));
        let both = asked(&["--no-cascade", "--exact", "--once", "Hi"], &Settings::default()).unwrap();
        assert_eq!((both.0.cascade, both.1.exact), (false, true));
        let refused = asked(&["--review-rule", "block"], &chosen).unwrap_err();
        assert_eq!(refused.code, Code::SettingInvalid, "the settings say exact");
    }
}
