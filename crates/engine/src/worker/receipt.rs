//! What an answer cost and saved, in the words of the protocol.

use std::time::Duration;

use cascade::{Finish, Outcome, StoodAside, Tally};
use protocol::worker::Generate;
use protocol::{FinishReason, Receipt, RungReceipt, RungRole};

use super::hold::MAX_GRAM;

/// `shown` are the tokens that were there before, `names` are the ladder's from the target down, `single` is the time of a one-token pass, `extra` what was spent
/// outside the run.
pub(super) fn of(
    outcome: &Outcome,
    ask: &Generate,
    shown: usize,
    names: &[String],
    single: Option<Duration>,
    extra: Duration,
    exact: bool,
) -> Receipt {
    let seconds = (outcome.total + extra).as_secs_f64();
    let first = outcome.first_token.map_or(seconds, |first| (first + extra).as_secs_f64());
    let fresh = outcome.tokens - shown.min(outcome.tokens);
    let passes = outcome.target_passes;
    let later = fresh.saturating_sub(1) as f64;
    // Where no draft was kept the target alone would have been no slower, whatever its single pass was measured at.
    let helped = outcome.rungs.iter().skip(1).any(|tally| tally.accepted > 0);
    let at_most = if helped { f64::INFINITY } else { seconds };
    let alone = single.filter(|_| fresh > 0).map(|pass| (first + pass.as_secs_f64() * later).min(at_most));
    Receipt {
        seconds,
        first_token_seconds: first,
        tokens: outcome.tokens as u32,
        prompt_tokens: outcome.prompt_tokens as u32,
        reused_tokens: outcome.reused_tokens as u32,
        target_passes: passes as u32,
        tokens_per_pass: if passes == 0 { 0.0 } else { fresh as f64 / passes as f64 },
        rungs: names
            .iter()
            .zip(&outcome.rungs)
            .enumerate()
            .map(|(index, (name, tally))| rung(index, name, tally))
            .collect(),
        alone_seconds: alone,
        speed_up: alone.filter(|_| seconds > 0.0).map(|alone| alone / seconds),
        cascade: ask.cascade,
        // Before the first pass nothing was tried.
        stood_aside: outcome
            .stood_aside
            .filter(|why| passes > 0 || *why == StoodAside::SwitchedOff)
            .map(|why| stood_aside(why, ask.cascade)),
        exact,
        seed: ask.sampling.seed,
        finish: finish(outcome.finish),
        restarts: 0,
        left_out: outcome.left_out.iter().filter_map(|(index, _)| names.get(*index).cloned()).collect(),
        continued: false,
        ahead: outcome.ahead as u32,
        written: Vec::new(),
    }
}

fn rung(index: usize, name: &str, tally: &Tally) -> RungReceipt {
    let role = match (index, name) {
        (0, _) => RungRole::Target,
        (_, MAX_GRAM) => RungRole::MaxGram,
        _ => RungRole::Draft,
    };
    RungReceipt {
        name: name.to_owned(),
        role,
        proposed: tally.proposed as u32,
        accepted: tally.accepted as u32,
        passes: tally.passes as u32,
        seconds: tally.time.as_secs_f64(),
    }
}

fn finish(finish: Finish) -> FinishReason {
    match finish {
        Finish::End => FinishReason::End,
        Finish::Length => FinishReason::Length,
        Finish::Stopped => FinishReason::Stopped,
        Finish::ContextFull => FinishReason::ContextFull,
        Finish::NothingAllowed => FinishReason::NothingAllowed,
    }
}

/// Whoever `asked` for the cascade did not switch it off: the target alone does not let it.
fn stood_aside(why: StoodAside, asked: bool) -> protocol::StoodAside {
    match why {
        StoodAside::SwitchedOff if asked => protocol::StoodAside::CannotRollBack,
        StoodAside::SwitchedOff => protocol::StoodAside::SwitchedOff,
        StoodAside::NotWorthIt => protocol::StoodAside::NotWorthIt,
        StoodAside::NothingToCopy => protocol::StoodAside::NothingToCopy,
        StoodAside::RungsFailed => protocol::StoodAside::RungsFailed,
    }
}
