use super::{Action, Policy, Reviewed, View};

/// Tokens to stand aside for after a loss; doubles with every further loss.
const FIRST_REST: usize = 16;

/// Longest rest in tokens: text changes, so it is worth another try at times.
const LONGEST_REST: usize = 512;

/// How much a new time counts in the running mean.
const FRESH: f64 = 0.2;

/// What drafting may cost over the target alone, in single passes, before it counts as a loss.
const SLACK: f64 = 1.0;

/// Lets another policy draft only while that pays: after every review the time spent is compared with what the target
/// alone would have taken for the same tokens, and on a loss the target works alone for a while.
#[derive(Debug, Clone)]
pub struct Guarded<P> {
    inner: P,
    /// Mean seconds of the target's one-token pass.
    single: Option<f64>,
    /// Seconds spent above the target alone since the last rest; negative is gain.
    balance: f64,
    /// Tokens left to stand aside for, and the length of the next rest.
    aside: usize,
    rest: usize,
}

impl<P: Policy> Guarded<P> {
    /// Guards `inner`.
    pub fn new(inner: P) -> Self {
        Self { inner, single: None, balance: 0.0, aside: 0, rest: FIRST_REST }
    }

    fn judge(&mut self, reviewed: &Reviewed<'_>, single: f64) {
        self.balance += reviewed.round.as_secs_f64() - single * (reviewed.kept + 1) as f64;
        if self.balance > SLACK * single {
            (self.aside, self.rest) = (self.rest, (self.rest * 2).min(LONGEST_REST));
            self.balance = 0.0;
        } else if self.balance < -4.0 * single {
            // It has paid well: gains are not saved up against later losses, and the next loss is forgiven sooner.
            (self.balance, self.rest) = (0.0, FIRST_REST);
        }
    }
}

impl<P: Policy> Policy for Guarded<P> {
    fn next(&mut self, view: &View<'_>) -> Action {
        // Without a time to compare with, the target works alone until there is one.
        if view.reviewer == 0 && (self.aside > 0 || self.single.is_none()) {
            return Action::Review;
        }
        self.inner.next(view)
    }

    fn learn(&mut self, reviewed: &Reviewed<'_>) {
        self.inner.learn(reviewed);
        if reviewed.reviewer > 0 {
            return;
        }
        if reviewed.proposals.is_empty() {
            self.aside = self.aside.saturating_sub(1);
            if reviewed.width == 1 {
                let time = reviewed.time.as_secs_f64();
                self.single = Some(self.single.map_or(time, |mean| mean + FRESH * (time - mean)));
            }
        } else if let Some(single) = self.single {
            self.judge(reviewed, single);
        }
    }

    fn stands_aside(&self) -> bool {
        self.aside > 0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::policy::{FixedPolicy, Proposal};

    const MS: Duration = Duration::from_millis(1);

    fn view(available: &[bool]) -> View<'_> {
        View { reviewer: 0, pending: &[], room: 99, available, behind: &[0, 0], max_gram: None, answered: 5 }
    }

    /// One review: drafts if the policy does; a drafted one takes `cost` ms and keeps `kept` of 4, a single one 10 ms.
    fn round(policy: &mut Guarded<FixedPolicy>, cost: u32, kept: usize) -> bool {
        let drafts = policy.next(&view(&[false, true])) != Action::Review;
        let four = [Proposal { asked: 1, writer: 1, confidence: 1.0, matched: 3 }; 4];
        let (proposals, kept, cost) = if drafts { (&four[..], kept, cost) } else { (&[][..], 0, 10) };
        let width = proposals.len() + 1;
        policy.learn(&Reviewed { reviewer: 0, proposals, kept, width, time: MS * cost, round: MS * cost });
        drafts
    }

    fn guarded() -> Guarded<FixedPolicy> {
        Guarded::new(FixedPolicy::new(&[vec![4]]).unwrap())
    }

    #[test]
    fn drafting_that_pays_goes_on() {
        let mut policy = guarded();
        assert!(!round(&mut policy, 20, 3), "first the target's own pace is measured");
        assert!((0..500).all(|_| round(&mut policy, 20, 3)));
        assert!(!policy.stands_aside());
    }

    #[test]
    fn drafting_that_loses_is_tried_ever_more_rarely() {
        let mut policy = guarded();
        let tries = (0..1000).filter(|_| round(&mut policy, 40, 0)).count();
        assert!((5..=7).contains(&tries), "{tries} tries in 1000 tokens");
        assert!(policy.stands_aside());
    }

    #[test]
    fn text_that_becomes_easy_is_noticed() {
        let mut policy = guarded();
        (0..200).for_each(|_| {
            round(&mut policy, 40, 0);
        });
        let drafted = (0..400).filter(|_| round(&mut policy, 20, 4)).count();
        assert!(drafted > 200, "{drafted}");
    }
}
