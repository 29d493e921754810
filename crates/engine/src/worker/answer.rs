//! One answer: prompt, cascade, text.

use std::cell::OnceCell;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use cascade::policy::{Adaptive, CostCurve, Line};
use cascade::{
    Cascade, Clock, Constraint, FixedPolicy, LanguageModel, Policy, Request, ReviewRule, RunError, Sink, Step,
};
use protocol::ladder::Ladder;
use protocol::learned::{Lessons, Threads};
use protocol::worker::{Event, Format, Generate, LeftOut, Loaded, PassTime, Placed, Translated};
use protocol::{Code, Problem};

use super::inbox::Inbox;
use super::measure;
use super::outbox::Outbox;
use super::receipt;
use super::threads::{Patience, Usual};
use crate::llama::{Llama, LlamaError, Mode, Weights, processor_module};
use crate::member::Member;
use crate::shape::{self, Shape, Shapes};
use crate::utf8::Utf8Assembler;

/// Prompt tokens per pass where the computer is not too slow for it, and always in exact mode: small enough that a cancel
/// is obeyed soon, large enough for the matrix kernels.
pub(super) const CHUNK: usize = 64;

/// The time, from when the ladder was loaded.
#[derive(Debug)]
pub(super) struct StopWatch(Instant);

impl Default for StopWatch {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for StopWatch {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A loaded ladder.
pub(super) struct Answerer<'w> {
    pub(super) llama: &'w Llama,
    pub(super) weights: &'w Weights,
    pub(super) cascade: Cascade<Member<'w>>,
    pub(super) policy: Adaptive,
    /// What passes of each model took when they were measured, with little held.
    pub(super) curves: Vec<CostCurve>,
    /// The ladder's K matrix without what was left out.
    pub(super) matrix: Vec<Vec<u32>>,
    /// Display names from the target down, Max-Gram included.
    pub(super) names: Vec<String>,
    pub(super) left_out: Vec<LeftOut>,
    /// Drafts whose tokens are not quite the target's.
    pub(super) translated: Vec<Translated>,
    /// Where the models are.
    pub(super) placed: Vec<Placed>,
    /// Whether all of the ladder's models are there.
    pub(super) is_whole: bool,
    /// Bytes of files that were read for it.
    pub(super) read_bytes: u64,
    /// Context length in tokens.
    pub(super) context: u32,
    /// How it computes.
    pub(super) mode: Mode,
    /// In exact mode the widths that hold.
    pub(super) widths: Option<Vec<usize>>,
    /// Prompt tokens per pass.
    pub(super) chunk: usize,
    /// Whether the target can take tokens back; without that there is no cascade.
    pub(super) rolls_back: bool,
    pub(super) watch: StopWatch,
    /// On how many threads it runs, as they were chosen last.
    pub(super) threads: Threads,
    /// When more of them are tried again.
    pub(super) patience: Patience,
    /// What its passes usually take; None if threads must stay as they are: they were asked for, or bits count.
    pub(super) usual: Option<Usual>,
    /// The bytes of the vocabulary and what reads schemas and grammars for it, made when they are first needed.
    pub(super) spellings: OnceCell<Vec<Vec<u8>>>,
    pub(super) shapes: OnceCell<Shapes>,
}

impl Answerer<'_> {
    pub(super) fn loaded(&self, ladder: &Ladder) -> Loaded {
        Loaded {
            ladder: ladder.id.clone(),
            rungs: self.names.clone(),
            left_out: self.left_out.clone(),
            translated: self.translated.clone(),
            placed: self.placed.clone(),
            drafts_ahead: self.cascade.target().computes_beside(),
            computed_by: processor_module().map(Box::new),
            context: self.context,
            exact_widths: self.widths.iter().flatten().map(|width| *width as u32).collect(),
            k: self.matrix.clone(),
            seconds: 0.0,
            read_bytes: self.read_bytes as f64,
            pass_times: self.curves.iter().map(pass_times).collect(),
        }
    }

    /// Tells what is worth knowing at the next start. Nothing where a model was left out: what is known of the whole ladder is worth more.
    pub(super) fn tell_lessons(&self, outbox: &Outbox) {
        if self.is_whole {
            let on_devices = self.placed.iter().any(|placed| placed.layers > 0);
            let knowledge = self.policy.knowledge(&self.curves);
            let fastest = knowledge.curve(0).and_then(|curve| curve.at(1));
            let policy = serde_json::to_value(knowledge).unwrap_or_default();
            outbox.send(&Event::Learned(Box::new(Lessons { threads: self.threads, on_devices, fastest, policy })));
        }
    }

    /// Answers, sending everything that happens. Gives the median time of the target's one-token passes, if there were some.
    pub(super) fn answer(&mut self, ask: &Generate, inbox: &Inbox, outbox: &Outbox) -> Option<Duration> {
        self.try_answer(ask, inbox, outbox).unwrap_or_else(|problem| {
            outbox.send(&Event::Failed { id: Some(ask.id), problem });
            None
        })
    }

    fn try_answer(&mut self, ask: &Generate, inbox: &Inbox, outbox: &Outbox) -> Result<Option<Duration>, Problem> {
        let began = self.watch.now();
        let prompt = self.weights.tokenize(&self.weights.template().render(&ask.messages)?);
        // As plain text: the answer's own words are no markup either.
        let mut shown = if ask.begun.is_empty() { Vec::new() } else { self.weights.tokens_of(ask.begun.as_bytes()) };
        shown.extend_from_slice(&ask.shown);
        let end_tokens = self.weights.end_tokens();
        let settings = self.drawing(&ask.sampling)?;
        let rule = self.rule(ask.review_rule)?;
        let shape = ask.format.as_ref().map(|format| self.shape(format, &end_tokens)).transpose()?;
        let fresh = shape.as_ref().map(|shape| || shape.begin());
        let request = Request {
            prompt: &prompt,
            shown: &shown,
            max_tokens: ask.max_tokens.map_or(usize::MAX, |most| most as usize),
            sampler: &settings,
            rule,
            end_tokens: &end_tokens,
            constraint: fresh.as_ref().map(|fresh| fresh as &dyn Fn() -> Box<dyn Constraint>),
            cascade: ask.cascade && self.rolls_back,
            drafts_wait: ask.drafts_wait,
            // Passes over the prompt must be the same ones whatever was asked before.
            fresh: self.widths.is_some(),
            chunk: self.chunk,
            widths: self.widths.as_deref(),
            cancelled: &|| inbox.cancelled(),
        };
        let mut writer = Writer::new(ask, self.weights, outbox);
        if ask.unlearned {
            self.policy = Adaptive::new(self.curves.clone());
        }
        let mut fixed = self.fixed(ask)?;
        let policy: &mut dyn Policy = match &mut fixed {
            Some(fixed) => fixed,
            None => &mut self.policy,
        };
        let mut line = None;
        let policy: &mut dyn Policy = if ask.in_line { line.insert(Line::of(policy)) } else { policy };
        let outcome =
            self.cascade.run(&request, policy, &self.watch, &mut writer).map_err(|error| self.problem(&error))?;
        if self.widths.is_none()
            && let Some(first) = outcome.first_token
        {
            self.chunk = measure::chunk_after(
                outcome.prompt_tokens - outcome.reused_tokens,
                first,
                self.weights.is_on_devices(),
            )
            .unwrap_or(self.chunk);
        }
        let read_in = began_after(&self.watch, began, outcome.total);
        // Of this answer, or what it would take now.
        let single = outcome.single_pass.or_else(|| self.policy.single().map(Duration::from_secs_f64));
        let receipt = receipt::of(&outcome, ask, shown.len(), &self.names, single, read_in, self.widths.is_some());
        self.tell_lessons(outbox);
        outbox.send(&Event::Finished { id: ask.id, reason: receipt.finish, receipt: Box::new(receipt) });
        Ok(outcome.single_pass)
    }
}

impl Answerer<'_> {
    /// The rule that was asked for, if it goes with the mode.
    fn rule(&self, rule: protocol::ReviewRule) -> Result<ReviewRule, Problem> {
        let rule = match rule {
            protocol::ReviewRule::Coupled => return Ok(ReviewRule::Coupled),
            rule if self.widths.is_some() => {
                let reason = "exact mode gives the target's own answer, which only coupled does";
                let invalid = Problem::new(Code::SettingInvalid).with("name", "review_rule");
                return Err(invalid.with("value", rule.name()).with("reason", reason));
            }
            protocol::ReviewRule::Rejection => ReviewRule::Rejection,
            protocol::ReviewRule::Block => ReviewRule::Block,
        };
        Ok(rule)
    }

    pub(super) fn spellings(&self) -> &[Vec<u8>] {
        self.spellings.get_or_init(|| self.weights.spellings())
    }

    fn shape(&self, format: &Format, end_tokens: &[u32]) -> Result<Shape, Problem> {
        if self.shapes.get().is_none() {
            let made = Shapes::new(self.spellings(), end_tokens)?;
            // Nobody else can have set it: one thread answers.
            let _ = self.shapes.set(made);
        }
        self.shapes.get().ok_or_else(|| Problem::new(Code::NothingLoaded))?.read(format)
    }

    /// What is wrong where the cascade ended like this.
    pub(super) fn problem(&self, error: &RunError<LlamaError>) -> Problem {
        lost(error, &self.placed).unwrap_or_else(|| problem(error, &self.names[0]))
    }

    /// The K matrix that was asked for.
    fn fixed(&self, ask: &Generate) -> Result<Option<FixedPolicy>, Problem> {
        // After a restart the ladder may have lost a rung: its own matrix has lost it too.
        let Some(k) = ask.k.as_ref().or(ask.matrix.then_some(&self.matrix)) else { return Ok(None) };
        let invalid = |reason: String| Problem::new(Code::LadderInvalid).with("reason", reason);
        let needed = self.names.len() - 1;
        if k.len() != needed {
            return Err(invalid(format!("its K matrix has {} rows for {needed} drafters", k.len())));
        }
        FixedPolicy::new(k).map(Some).map_err(|error| invalid(error.to_string()))
    }
}

fn pass_times(curve: &CostCurve) -> Vec<PassTime> {
    curve.points().map(|(width, seconds)| PassTime { width: width as u32, seconds }).collect()
}

/// What was spent besides the run itself: rendering and tokenizing.
fn began_after(watch: &StopWatch, began: Duration, run: Duration) -> Duration {
    watch.now().saturating_sub(began).saturating_sub(run)
}

/// The target's devices, if one of them gave an error back in place of a pass: it computes nothing any more for this process.
fn lost(error: &RunError<LlamaError>, placed: &[Placed]) -> Option<Problem> {
    let RunError::Target(inner) = error else { return None };
    let target = placed.first().filter(|target| target.layers > 0 && inner.is_of_backend())?;
    tracing::warn!(error = %inner, devices = ?target.devices, "a device gave an error back");
    Some(Problem::new(Code::DeviceLost).with("device", target.devices.join(", ")))
}

fn problem(error: &RunError<LlamaError>, target: &str) -> Problem {
    match error {
        RunError::PromptTooLong { tokens, context } => {
            Problem::new(Code::PromptTooLong).with("tokens", tokens).with("context", context)
        }
        RunError::EmptyPrompt => Problem::new(Code::MessageEmpty),
        RunError::Constraint(reason) => shape::invalid(reason),
        RunError::Target(inner) => Problem::new(Code::Internal).with("reason", format!("{target}: {inner}")),
        // Only weights that are no weights give such scores.
        RunError::NoScores(what) => {
            let reason = format!("it is damaged: {what}");
            Problem::new(Code::ModelRefused).with("path", target).with("reason", reason)
        }
        RunError::UnknownToken { .. } => Problem::new(Code::Internal).with("reason", format!("{target}: {error}")),
    }
}

/// Turns steps into frames of whole characters.
struct Writer<'a> {
    id: u32,
    weights: &'a Weights,
    outbox: &'a Outbox,
    assembler: Utf8Assembler,
    bytes: Vec<u8>,
}

impl<'a> Writer<'a> {
    fn new(ask: &Generate, weights: &'a Weights, outbox: &'a Outbox) -> Self {
        let mut writer = Self { id: ask.id, weights, outbox, assembler: Utf8Assembler::default(), bytes: Vec::new() };
        // What was shown may end inside a character: its beginning is still owed.
        let mut shown = String::new();
        writer.put(&ask.shown, &mut shown);
        writer
    }

    /// Appends what `tokens` complete to `text`. Gives for each how many characters that were.
    fn put(&mut self, tokens: &[u32], text: &mut String) -> Vec<u32> {
        let mut put = |token: &u32| {
            self.bytes.clear();
            self.weights.bytes_of(*token, &mut self.bytes);
            let before = text.len();
            self.assembler.push(&self.bytes, text);
            text[before..].chars().count() as u32
        };
        tokens.iter().map(&mut put).collect()
    }
}

impl Sink for Writer<'_> {
    fn reading(&mut self, done: usize, total: usize) -> ControlFlow<()> {
        self.outbox.send(&Event::Reading { id: self.id, done: done as u32, total: total as u32 });
        ControlFlow::Continue(())
    }

    fn step(&mut self, step: &Step<'_>) -> ControlFlow<()> {
        if !step.tokens.is_empty() {
            let mut text = String::new();
            let lengths = self.put(step.tokens, &mut text);
            let (tokens, writers) = (step.tokens.to_vec(), step.writers.to_vec());
            self.outbox.send(&Event::Text { id: self.id, text, tokens, writers, lengths });
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_device_is_a_device_that_is_lost_and_any_other_is_not() {
        let on = |layers: u32, devices: &[&str]| {
            let devices = devices.iter().map(|name| (*name).to_owned()).collect();
            vec![Placed { rung: "Big".to_owned(), layers, of: 31, devices, remote: false }]
        };
        let (card, processor) = (on(31, &["A card", "Another"]), on(0, &[]));
        let failed = || RunError::Target(LlamaError::of_backend());
        let problem = lost(&failed(), &card).unwrap();
        assert_eq!((problem.code, problem.details["device"].as_str()), (Code::DeviceLost, "A card, Another"));
        assert_eq!(lost(&failed(), &processor), None, "another worker would meet it again");
        assert_eq!(lost(&RunError::Target(LlamaError::NoRollBack), &card), None);
        assert_eq!(lost(&RunError::EmptyPrompt, &card), None);
        assert_eq!(super::problem(&failed(), "Big").code, Code::Internal);
    }
}
