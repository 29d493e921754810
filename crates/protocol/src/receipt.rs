use serde::{Deserialize, Serialize};
use specta::Type;

/// What a rung is in its ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The model whose answer the user gets.
    Target,
    /// A smaller model that proposes tokens.
    Draft,
    /// The statistical drafter at the bottom.
    MaxGram,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The target said that it was done.
    End,
    /// The asked number of tokens was reached.
    Length,
    /// The user pressed Stop.
    Stopped,
    /// It went round in a circle.
    Repeats,
    /// The model's context is full.
    ContextFull,
    /// Nothing that the asked format allows can come next, not even the end.
    NothingAllowed,
}

/// Why the cascade did not draft (for part of the answer or all of it).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum StoodAside {
    /// Switched off by the user.
    SwitchedOff,
    /// Drafting would have cost more time than it saved on this machine.
    NotWorthIt,
    /// Nothing in the text so far could be copied and no draft model is in the ladder.
    NothingToCopy,
    /// Every draft rung failed and was left out.
    RungsFailed,
    /// The target cannot take tokens back, so that nothing can be tried on it.
    CannotRollBack,
}

/// One rung's share of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
pub struct RungReceipt {
    /// Display name, for example `SmolLM2 135M`.
    pub name: String,
    /// What the rung is in its ladder.
    pub role: Role,
    /// Tokens it put before the target (for the target: tokens it wrote itself).
    pub proposed: u32,
    /// Of these, how many stand in the answer.
    pub accepted: u32,
    /// Forward passes it made, reading the prompt not counted.
    pub passes: u32,
    /// Seconds spent in it, reading the prompt not counted.
    pub seconds: f64,
}

/// What one answer cost and saved. Every figure is measured unless its comment says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
pub struct Receipt {
    /// From the request to the last token, prompt included.
    pub seconds: f64,
    /// From the request to the first token.
    pub first_token_seconds: f64,
    /// Tokens in the answer (the end-of-generation token is not counted).
    pub tokens: u32,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Of these, how many were still in memory from the last request.
    pub reused_tokens: u32,
    /// Forward passes of the target that produced the answer (reading the prompt not counted).
    pub target_passes: u32,
    /// `tokens / target_passes`.
    pub tokens_per_pass: f64,
    /// Rungs from the target down.
    pub rungs: Vec<RungReceipt>,
    /// *Estimate* of `seconds` with the target alone: its measured single-token time × tokens. None before it is known.
    pub alone_seconds: Option<f64>,
    /// `alone_seconds / seconds`, an estimate like it.
    pub speed_up: Option<f64>,
    /// Whether the cascade was on.
    pub cascade: bool,
    /// Why the cascade did not draft, if it did not.
    pub stood_aside: Option<StoodAside>,
    /// Whether every logit was bit-identical to single-token decoding (exact mode).
    pub exact: bool,
    /// The seed that reproduces the answer.
    pub seed: u32,
    /// Why the answer ended.
    pub finish: FinishReason,
    /// How often the worker had to be restarted during the answer.
    pub restarts: u32,
    /// Display names of rungs left out during this answer because they failed.
    pub left_out: Vec<String>,
    /// Whether it was written in several goes: where one ends, the text is split into tokens anew.
    #[serde(default)]
    pub continued: bool,
    /// Proposed tokens that a draft had said while the target looked at the text before them.
    #[serde(default)]
    pub ahead: u32,
    /// Who wrote what, in order: places in `rungs`, each with how many characters (Unicode scalar values) of the answer's
    /// text are its own before the next one's. Empty where it is not known.
    #[serde(default)]
    pub written: Vec<(u8, u32)>,
}
