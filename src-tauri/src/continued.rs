//! The receipt of an answer that was written in several goes.

use std::collections::BTreeSet;

use protocol::{Receipt, RungReceipt};

/// What the whole answer cost: times, passes and shares of rungs are added up. The prompt is the one of the first go, the
/// end that of the last. Estimates are kept only if both have one.
pub(crate) fn together(first: Receipt, last: Receipt) -> Receipt {
    let seconds = first.seconds + last.seconds;
    let target_passes = first.target_passes + last.target_passes;
    let alone_seconds = first.alone_seconds.zip(last.alone_seconds).map(|(first, last)| first + last);
    let mut rungs = first.rungs;
    // Where the last go's rungs stand now.
    let mut places = Vec::new();
    for rung in last.rungs {
        let place = rungs.iter().position(|known| known.name == rung.name).unwrap_or(rungs.len());
        match rungs.get_mut(place) {
            Some(known) => add(known, &rung),
            None => rungs.push(rung),
        }
        places.push(place as u8);
    }
    let mut written = first.written;
    let place = |rung: u8| places.get(usize::from(rung)).copied().unwrap_or(rung);
    written.extend(last.written.into_iter().map(|(rung, characters)| (place(rung), characters)));
    // Named once, however often it was.
    let left_out: BTreeSet<String> = first.left_out.into_iter().chain(last.left_out).collect();
    Receipt {
        seconds,
        first_token_seconds: first.first_token_seconds,
        tokens: last.tokens,
        prompt_tokens: first.prompt_tokens,
        reused_tokens: first.reused_tokens,
        target_passes,
        tokens_per_pass: if target_passes == 0 { 0.0 } else { f64::from(last.tokens) / f64::from(target_passes) },
        rungs,
        alone_seconds,
        speed_up: alone_seconds.filter(|_| seconds > 0.0).map(|alone| alone / seconds),
        cascade: first.cascade || last.cascade,
        stood_aside: last.stood_aside,
        exact: first.exact && last.exact,
        seed: last.seed,
        finish: last.finish,
        restarts: first.restarts + last.restarts,
        left_out: left_out.into_iter().collect(),
        continued: true,
        ahead: first.ahead + last.ahead,
        written,
    }
}

fn add(known: &mut RungReceipt, more: &RungReceipt) {
    known.proposed += more.proposed;
    known.accepted += more.accepted;
    known.passes += more.passes;
    known.seconds += more.seconds;
}

#[cfg(test)]
mod tests {
    use protocol::{FinishReason, RungRole};

    use super::*;

    fn rung(name: &str) -> RungReceipt {
        let role = RungRole::Draft;
        RungReceipt { name: name.to_owned(), role, proposed: 10, accepted: 5, passes: 3, seconds: 0.5 }
    }

    fn go(tokens: u32, alone_seconds: Option<f64>, draft: &str, finish: FinishReason) -> Receipt {
        Receipt {
            seconds: 2.0,
            first_token_seconds: 0.5,
            tokens,
            prompt_tokens: 100,
            reused_tokens: tokens,
            target_passes: 10,
            tokens_per_pass: 1.0,
            rungs: vec![rung("target"), rung(draft)],
            alone_seconds,
            speed_up: None,
            cascade: true,
            stood_aside: None,
            exact: false,
            seed: 7,
            finish,
            restarts: 1,
            left_out: vec!["broken".to_owned()],
            continued: false,
            ahead: 0,
            written: vec![(0, 4), (1, tokens)],
        }
    }

    #[test]
    fn two_goes_add_up_to_one_answer() {
        let (first, last) = (go(20, Some(6.0), "a", FinishReason::Stopped), go(50, Some(10.0), "b", FinishReason::End));
        let both = together(first.clone(), last);
        assert_eq!((both.seconds, both.tokens, both.target_passes, both.tokens_per_pass), (4.0, 50, 20, 2.5));
        assert_eq!((both.alone_seconds, both.speed_up), (Some(16.0), Some(4.0)));
        assert_eq!((both.prompt_tokens, both.reused_tokens, both.finish), (100, 20, FinishReason::End));
        let rungs: Vec<_> = both.rungs.iter().map(|rung| (rung.name.as_str(), rung.accepted, rung.seconds)).collect();
        assert_eq!(rungs, [("target", 10, 1.0), ("a", 5, 0.5), ("b", 5, 0.5)]);
        assert_eq!((both.restarts, both.left_out.len(), both.continued), (2, 1, true));
        assert_eq!(both.written, [(0, 4), (1, 20), (0, 4), (2, 50)], "another draft is another rung");
        let unknown = together(first, go(50, None, "a", FinishReason::End));
        assert_eq!((unknown.alone_seconds, unknown.speed_up), (None, None), "half an estimate is none");
    }
}
