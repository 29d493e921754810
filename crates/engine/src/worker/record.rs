//! What every model of the ladder says to one question, for playing it through later.

use std::ops::ControlFlow;

use cascade::{Finish, LanguageModel, Request, ReviewRule, SamplerSettings, Sink, Step, Token};
use protocol::worker::{Event, Generate, Record};
use protocol::{Code, Problem};

use super::answer::{Answerer, CHUNK};
use super::inbox::Inbox;
use super::outbox::Outbox;
use crate::best::best;

/// Collects the answer.
struct Collector<'a> {
    id: u32,
    outbox: &'a Outbox,
    answer: Vec<Token>,
}

impl Sink for Collector<'_> {
    fn reading(&mut self, done: usize, total: usize) -> ControlFlow<()> {
        self.outbox.send(&Event::Reading { id: self.id, done: done as u32, total: total as u32 });
        ControlFlow::Continue(())
    }

    fn step(&mut self, step: &Step<'_>) -> ControlFlow<()> {
        self.answer.extend_from_slice(step.tokens);
        ControlFlow::Continue(())
    }
}

impl Answerer<'_> {
    /// Records what is said to `ask`, the target drawing greedily.
    pub(super) fn record(&mut self, ask: &Generate, inbox: &Inbox, outbox: &Outbox) {
        outbox.send(&match self.try_record(ask, inbox, outbox) {
            Ok(record) => Event::Recorded { id: ask.id, record: Box::new(record) },
            Err(problem) => Event::Failed { id: Some(ask.id), problem },
        });
    }

    fn try_record(&mut self, ask: &Generate, inbox: &Inbox, outbox: &Outbox) -> Result<Record, Problem> {
        let prompt = self.weights.tokenize(&self.weights.template().render(&ask.messages)?);
        let end_tokens = self.weights.end_tokens();
        if ask.max_tokens == Some(0) {
            return Ok(Record { prompt, end_tokens, ..Record::default() });
        }
        let request = Request {
            prompt: &prompt,
            shown: &[],
            max_tokens: ask.max_tokens.map_or(usize::MAX, |most| most as usize),
            sampler: &SamplerSettings::greedy(),
            rule: ReviewRule::Coupled,
            end_tokens: &end_tokens,
            constraint: None,
            cascade: false,
            drafts_wait: false,
            fresh: self.widths.is_some(),
            chunk: CHUNK,
            widths: self.widths.as_deref(),
            cancelled: &|| inbox.cancelled(),
        };
        let mut collector = Collector { id: ask.id, outbox, answer: Vec::new() };
        let outcome = self
            .cascade
            .run(&request, &mut self.policy, &self.watch, &mut collector)
            .map_err(|error| self.problem(&error))?;
        if outcome.finish == Finish::Stopped {
            return Err(Problem::new(Code::Cancelled));
        }
        let answer = collector.answer;
        let text: Vec<Token> = prompt.iter().chain(&answer).copied().collect();
        let mut drafts = Vec::new();
        for index in 0..self.cascade.draft_count() {
            let Some(draft) = self.cascade.draft_mut(index) else { break };
            let rows = said(draft, &text, prompt.len() - 1, inbox)?;
            drafts.push(rows);
        }
        Ok(Record { prompt, answer, ended: outcome.finish == Finish::End, end_tokens, drafts })
    }
}

/// The best tokens of `model` after each token of `text` from index `from` on.
fn said<M: LanguageModel>(
    model: &mut M,
    text: &[Token],
    from: usize,
    inbox: &Inbox,
) -> Result<Vec<Vec<(Token, f32)>>, Problem> {
    let failed = |error: &dyn std::fmt::Display| Problem::new(Code::Internal).with("reason", error);
    model.truncate(0).map_err(|error| failed(&error))?;
    let mut said = Vec::new();
    for (index, chunk) in text.chunks(CHUNK).enumerate() {
        if inbox.cancelled() {
            return Err(Problem::new(Code::Cancelled));
        }
        let rows = (index * CHUNK + chunk.len()).saturating_sub(from).min(chunk.len());
        let logits = model.extend(chunk, rows).map_err(|error| failed(&error))?;
        said.extend((0..rows).map(|row| best(logits.row(row).unwrap_or_default())));
    }
    Ok(said)
}
