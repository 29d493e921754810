//! What the laboratory says of each way, beside what was measured: whether a recorded answer and a cost curve are enough
//! to know beforehand what a way of drafting brings.

use engine::Engine;
use lab::{Costs, Plan, Played, play};
use protocol::{Code, Problem};
use serde::Serialize;

use super::config::{Config, Way};
use super::sample::Table;
use super::{Asking, Question};
use crate::output::Output;

/// One way, predicted and measured, in tokens per second behind the first token.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Prediction {
    config: String,
    predicted: f64,
    measured: f64,
    /// How far the prediction is off, as a share of what was measured; negative is too slow.
    off_by: f64,
}

/// What a bench asked and measured.
pub(super) struct Benched<'a> {
    pub(super) questions: &'a [Question],
    pub(super) configs: &'a [Config],
    pub(super) table: &'a Table,
    /// Draft models of the ladder and their inner lenience.
    pub(super) drafts: usize,
    pub(super) lenience: f32,
    /// What passes took when the ladder was loaded, and what longer texts add to it by what its answers taught.
    pub(super) costs: &'a Costs,
}

/// Records what every model says to the questions, then plays all of our ways on it at what passes took when the ladder was loaded.
pub(super) fn predict(
    asking: &Asking<'_>,
    engine: &Engine,
    benched: &Benched<'_>,
    output: &Output,
) -> Result<Vec<Prediction>, Problem> {
    if benched.costs.held.is_empty() {
        output.note(
            "What longer texts add to a pass is not known, so it is left out of what is predicted: adaptive answers teach it on a processor, but for --cold.",
        );
    }
    let mut recorded = Vec::new();
    for (index, question) in benched.questions.iter().enumerate() {
        // What the target alone did not answer was measured of nobody.
        if benched.table.typical(index, super::report::OFF).is_none() {
            continue;
        }
        output.progress(format_args!("Recording question {} of {}", index + 1, benched.questions.len()));
        let said = engine.record(&asking.ask(&question.text, index, asking.max_tokens))?;
        recorded.extend(crate::lab::recorded(question, &said));
    }
    output.progress_done();
    let all: Vec<usize> = (0..benched.questions.len()).collect();
    let mut predictions = Vec::new();
    for (way, config) in benched.configs.iter().enumerate() {
        let (Some(plan), Some(measured)) = (plan(&config.way, benched.lenience), benched.table.pace(&all, way)) else {
            continue;
        };
        let invalid = |error: lab::KError| Problem::new(Code::LadderInvalid).with("reason", error);
        let waits = matches!(config.way, Way::Ours { waits: true, .. });
        let costs = Costs { beside: benched.costs.beside && !waits, ..benched.costs.clone() };
        let played = play(&recorded, &costs, benched.drafts, &plan).map_err(invalid)?;
        let predicted = pace(&played);
        predictions.push(Prediction {
            config: config.name.clone(),
            predicted,
            measured,
            off_by: predicted / measured - 1.0,
        });
    }
    for each in &predictions {
        output.line(format_args!(
            "{:<22} predicted {:>6.1} tokens/s behind the first, measured {:>6.1}: off by {:+.0}%",
            each.config,
            each.predicted,
            each.measured,
            each.off_by * 100.0
        ));
    }
    Ok(predictions)
}

/// How the laboratory plays a way; None for another program's, and for what it does not play.
fn plan(way: &Way, lenience: f32) -> Option<Plan> {
    match way {
        // The laboratory plays the adaptive policy with its second choices.
        Way::Server(_) | Way::Ours { in_line: true, .. } => None,
        Way::Ours { cascade: false, .. } => Some(Plan::Off),
        Way::Ours { k: None, .. } => Some(Plan::Adaptive),
        Way::Ours { k: Some(k), .. } => Some(Plan::Fixed { k: k.clone(), lenience }),
    }
}

/// Tokens per second behind the first, which comes with the prompt.
fn pace(played: &[Played]) -> f64 {
    let tokens: usize = played.iter().map(|answer| answer.tokens.saturating_sub(1)).sum();
    tokens as f64 / played.iter().map(|answer| answer.cost).sum::<f64>()
}
