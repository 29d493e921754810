//! Talking to a llama-server on this computer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use protocol::Sampling;
use serde::Deserialize;
use serde_json::json;
use ureq::Agent;

use crate::bench::sample::Measured;

/// Longest reply that is read: 100,000 tokens with their text fit.
const LONGEST_REPLY: u64 = 16 << 20;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fault {
    /// It said so; it may well answer the next question.
    Refused(String),
    /// It is gone, silent, or says what no llama-server says.
    Lost(String),
}

/// A way to reach one server.
#[derive(Debug)]
pub(super) struct Line {
    agent: Agent,
    address: SocketAddr,
}

#[derive(Deserialize)]
struct Completion {
    tokens: Vec<u32>,
    tokens_evaluated: usize,
    timings: Timings,
}

#[derive(Deserialize)]
struct Timings {
    predicted_n: u32,
    predicted_ms: f64,
    #[serde(default)]
    draft_n: u32,
    #[serde(default)]
    draft_n_accepted: u32,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Tokens of the prompt.
    pub(crate) prompt: &'a [u32],
    /// Most tokens of the answer.
    pub(crate) max_tokens: u32,
    /// How they are drawn.
    pub(crate) sampling: &'a Sampling,
    /// Tokens that end an answer and are no part of it.
    pub(crate) end_tokens: &'a [u32],
    /// Whether what the last prompt began with need not be read again.
    pub(crate) keeps: bool,
}

impl Line {
    /// To a server at `address`, whose replies may take as long as `patience`.
    ///
    /// Nothing that is measured may leave this computer: any address but its own is refused, and so is a proxy.
    pub(super) fn new(address: SocketAddr, patience: Duration) -> Result<Self, Fault> {
        if !address.ip().is_loopback() {
            return Err(Fault::Lost(format!("{address} is not on this computer")));
        }
        let config = Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(patience));
        Ok(Self { agent: config.build().into(), address })
    }

    /// Whether it has read its model and waits for questions.
    pub(super) fn ready(&self) -> bool {
        self.agent.get(format!("http://{}/health", self.address)).call().is_ok_and(|reply| reply.status() == 200)
    }

    /// Asks for an answer and takes the time from the request to the whole reply.
    pub(super) fn answer(&self, wanted: Wanted<'_>) -> Result<Measured, Fault> {
        let sampling = wanted.sampling;
        let ask = json!({
            "prompt": wanted.prompt, "n_predict": wanted.max_tokens, "cache_prompt": wanted.keeps, "return_tokens": true,
            "stream": false, "seed": sampling.seed, "temperature": sampling.temperature, "top_k": sampling.top_k,
            "top_p": sampling.top_p, "min_p": sampling.min_p, "repeat_last_n": sampling.penalty_last_n,
            "repeat_penalty": sampling.repeat_penalty, "frequency_penalty": sampling.frequency_penalty,
            "presence_penalty": sampling.presence_penalty,
        })
        .to_string();
        let lost = |error: ureq::Error| Fault::Lost(error.to_string());
        let url = format!("http://{}/completion", self.address);
        let began = Instant::now();
        let mut reply = self.agent.post(url).content_type("application/json").send(ask).map_err(lost)?;
        let text = reply.body_mut().with_config().limit(LONGEST_REPLY).read_to_string().map_err(lost)?;
        let seconds = began.elapsed().as_secs_f64();
        if reply.status() != 200 {
            return Err(Fault::Refused(format!("{} {}", reply.status(), beginning(&text))));
        }
        let completion: Completion = serde_json::from_str(&text)
            .map_err(|error| Fault::Lost(format!("its reply makes no sense: {error}: {}", beginning(&text))))?;
        if completion.tokens_evaluated != wanted.prompt.len() {
            let (read, sent) = (completion.tokens_evaluated, wanted.prompt.len());
            return Err(Fault::Refused(format!("it read {read} tokens of a prompt of {sent}")));
        }
        Ok(measured(completion, wanted.end_tokens, seconds))
    }
}

fn measured(completion: Completion, end_tokens: &[u32], seconds: f64) -> Measured {
    let Completion { mut tokens, timings, .. } = completion;
    // It counts the token that ends an answer, we do not.
    tokens.pop_if(|last| end_tokens.contains(last));
    Measured {
        seconds,
        writing: (timings.predicted_ms / 1000.0).min(seconds),
        tokens,
        // Every pass adds one token of its own to those it keeps.
        target_passes: timings.predicted_n.saturating_sub(timings.draft_n_accepted),
        proposed: timings.draft_n,
        draft_passes: None,
    }
}

/// Enough of a text to recognise it.
fn beginning(text: &str) -> String {
    text.chars().take(200).collect()
}
