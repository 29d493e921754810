//! What the cascade may cost, held against the target alone.

use super::Reviewed;

/// What the cascade may cost above the target alone, as a share of the time the target alone takes: while nothing is known, or drafts bring
/// much, and while they bring nothing.
const BUDGET: [f64; 2] = [0.02, 0.01];

/// What an answer may cost on top of that, in one-token passes of the target, likewise.
const SLACK: [f64; 2] = [1.5, 0.5];

/// By how much copies may make the target's pass longer, in one-token passes, times the chance that one of them is wrong. Longer copies pay
/// on average too, but one that fails costs a short answer more than it may lose.
const RISK: f64 = 0.25;

/// What of that which an answer has won comes on top: where it says again what stood before, longer copies pay for those that fail.
const WON: f64 = 0.1;

/// By how much copies in the last review before the target works alone may go beyond what an answer may cost, in the same, and what models
/// draft: less, as they are asked token by token, and enough for a first one where little may be lost.
const LAST: [f64; 2] = [1.0, 0.3];

/// How soon the least becomes the most with what drafts bring: with a gain of a half it is the most.
const HOPE: f64 = 2.0;

/// After so many tokens of drafts that the target has judged, something is known.
pub(super) const KNOWN: usize = 40;

/// What may be spent on trying what seems not to pay, as a share of the same.
const TRIES: f64 = 0.003;

/// Gains of an answer that are remembered against later losses in it, in one-token passes of the target, and losses that are remembered:
/// one review that another program held up for a minute says nothing of the next hundreds of tokens.
const SAVINGS: f64 = 8.0;
const LOSSES: f64 = 4.0;

/// After so many reviews the target works alone for one token: what that takes is what everything is held against.
const SINGLE_AFTER: usize = 64;

/// What one-token passes take now and then, in such passes, with nobody at work beside them.
const NOISE: f64 = 1.1;

/// A pass that takes more than this many times what it should is somebody else's doing beyond that.
const OUTLIER: f64 = 2.0;

/// So many copies in a row that would have been right end the target's working alone: the text has begun to repeat another. Where that lost
/// again, twice as many are wanted the next time, and so on.
const RIGHT: usize = 12;

/// So many times at most.
const TWICE: u32 = 5;

/// What there has to be room for before drafting begins again.
const ROOM: f64 = 0.25;

/// Reviews of a single token that tell it again.
const SINGLES: usize = 4;

/// Books what reviews cost. All in one-token passes of the target, as they are at the time.
///
/// What an answer has lost is `behind`, and `owed` what of it is not booked yet; `debt` is what returns from working alone have lost and
/// what was won since has not made good.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Guard {
    /// Tokens of drafts that the target has judged, as far as that matters.
    judged: usize,
    /// What this answer may cost, as a share.
    budget: f64,
    /// How far behind the target alone, budget taken off, in its one-token passes; negative is ahead.
    behind: f64,
    aside: bool,
    /// Reviews by the target since one of a single token.
    since_single: usize,
    /// How many such reviews are wanted before anything is drafted.
    singles: usize,
    /// Copies in a row that would have been right while the target worked alone.
    right: usize,
    /// How often such copies ended its working alone in this answer without making good what was lost before.
    returns: u32,
    /// What it was behind when such copies ended its working alone, less what it may lose then: not made good yet.
    debt: f64,
    /// What a draft is about to spend on its first reading of the text, what of that is not booked yet, and how much of it each review is to bear.
    entering: f64,
    owed: f64,
    share: f64,
    /// Time that may be spent on trying what seems not to pay, in the same.
    credit: f64,
}

/// Whether copies may be reviewed that make the target's pass longer by `wider`, one of which is wrong with probability `failing`, where `room` may be
/// lost. With what was drafted before them they cost `all`.
pub(super) fn lets_copy(wider: f64, all: f64, failing: f64, room: f64) -> bool {
    let won = (room - SLACK[0]).max(0.0);
    wider * failing <= RISK + WON * won && all <= room + LAST[0]
}

/// Whether a model may draft where that and its review cost `cost` together with what was drafted for it already, and `room` may be lost.
pub(super) fn lets_draft(cost: f64, room: f64) -> bool {
    cost <= room + LAST[1]
}

impl Guard {
    /// Nothing is known yet.
    pub(super) fn new() -> Self {
        Self {
            judged: 0,
            budget: BUDGET[0],
            behind: -SLACK[0],
            aside: false,
            since_single: 0,
            singles: 0,
            right: 0,
            returns: 0,
            debt: 0.0,
            entering: 0.0,
            owed: 0.0,
            share: 0.0,
            credit: 0.0,
        }
    }

    /// The target has judged so many tokens of drafts earlier.
    pub(super) fn knowing(judged: usize) -> Self {
        Self { judged: judged.min(KNOWN), ..Self::new() }
    }

    /// Tokens of drafts that the target has judged, as far as that matters.
    pub(super) fn judged(self) -> usize {
        self.judged
    }

    /// Another answer begins, where drafts lately brought so many times the target's own speed: it may lose as little as the first,
    /// whatever the last one won.
    pub(super) fn begin(&mut self, speed_up: Option<f64>) {
        let hope = match speed_up {
            Some(speed_up) if self.judged >= KNOWN => (HOPE * (speed_up - 1.0)).clamp(0.0, 1.0),
            _ => 1.0,
        };
        let between = |[most, least]: [f64; 2]| least + hope * (most - least);
        let slack = between(SLACK);
        self.budget = between(BUDGET);
        self.behind = (self.behind + std::mem::take(&mut self.owed)).clamp(-slack, LOSSES);
        // What an answer that was stopped was about to read is not this one's.
        (self.share, self.entering) = (0.0, 0.0);
        (self.right, self.returns) = (0, 0);
        // There is never more room than that at the start: short answers would wait for ever.
        self.aside = self.behind > if self.aside { -slack } else { 0.0 };
    }

    #[cfg(test)]
    pub(super) fn since_single(self) -> usize {
        self.since_single
    }

    /// Whether the target works alone until what was lost is made good.
    pub(super) fn is_aside(self) -> bool {
        self.aside
    }

    /// Whether a review of a single token is due, of which so many are needed to tell what one takes.
    pub(super) fn wants_single(self, needed: usize) -> bool {
        self.singles > 0 || self.since_single >= SINGLE_AFTER * needed
    }

    /// What may still be lost.
    pub(super) fn room(self) -> f64 {
        (-self.behind).max(0.0)
    }

    /// Whether something may be tried that is expected to lose `loss`: it costs `cost` if nothing comes of it, and `entrance` in any case. If so it is
    /// paid.
    pub(super) fn lets_try(&mut self, loss: f64, cost: f64, entrance: f64) -> bool {
        let lets = loss.max(entrance) <= self.credit;
        if lets {
            self.credit -= loss.max(cost) + entrance;
        }
        lets
    }

    /// A draft is about to spend `cost` on reading a text that it will draft for in so many `reviews`.
    pub(super) fn enter(&mut self, cost: f64, reviews: f64) {
        self.entering += cost;
        self.share += cost / reviews;
    }

    /// Takes what the first reading of a text cost out of a review's loss, and spreads it.
    fn spread(&mut self, loss: f64) -> f64 {
        let entered = std::mem::take(&mut self.entering).min(loss.max(0.0));
        self.owed += entered;
        let paid = self.share.min(self.owed);
        self.owed -= paid;
        if self.owed <= 0.0 {
            self.share = 0.0;
        }
        loss - entered + paid
    }

    /// The target has made a pass over `width` tokens, which was `sudden`ly much shorter than such passes were, or not, and which tells what such passes
    /// take, or not.
    pub(super) fn noticed(&mut self, width: usize, sudden: bool, tells: bool) {
        if width == 1 {
            self.singles = self.singles.saturating_sub(1);
            self.since_single = if tells { 0 } else { self.since_single + 1 };
            return;
        }
        self.since_single += 1;
        if sudden {
            self.singles = SINGLES;
        }
    }

    /// Books what the target's review cost against what its tokens would have cost without proposals, at `single` seconds each; its pass was
    /// `expected` to take so many.
    /// `caused`: it took what it took because of an earlier review.
    pub(super) fn book(&mut self, reviewed: &Reviewed<'_>, single: f64, expected: Option<f64>, caused: bool) {
        self.judged = KNOWN.min(self.judged + reviewed.proposals.len());
        let alone = reviewed.tokens() as f64;
        // A review for which nothing was drafted, and beside which nobody drafts ahead, is the target alone: its noise is nobody's loss.
        let strange = expected.map_or(0.0, |expected| (reviewed.time.as_secs_f64() - OUTLIER * expected).max(0.0));
        let round = reviewed.round.as_secs_f64();
        let loss = if reviewed.drafted || caused {
            (round - strange) / single - alone
        } else if reviewed.ahead {
            // What the draft was waited for, or what it held up beyond all noise.
            (round - reviewed.time.as_secs_f64()).max(round - strange - NOISE * single) / single
        } else {
            0.0
        };
        let loss = self.spread(loss);
        self.behind = (self.behind + loss - self.budget * alone).clamp(-SAVINGS, LOSSES);
        self.credit = (self.credit + TRIES * alone).min(SAVINGS);
        if self.aside {
            self.right = match reviewed.foreseen {
                Some(foreseen) if foreseen.right => self.right + 1,
                Some(_) => 0,
                None => self.right,
            };
            if self.right >= RIGHT << self.returns {
                self.debt += (self.behind + SLACK[1]).max(0.0);
                (self.behind, self.aside, self.right) = (-SLACK[1], false, 0);
                self.returns = TWICE.min(self.returns + 1);
            }
        }
        // What the copies win pays what was lost before them.
        let paid = (-SLACK[0] - self.behind).max(0.0).min(self.debt);
        (self.behind, self.debt) = (self.behind + paid, self.debt - paid);
        if self.debt <= 0.0 && self.behind <= -SLACK[0] {
            self.returns = 0;
        }
        // Once behind, it waits until there is room for another try.
        let falls = self.behind > 0.0 && !self.aside;
        self.aside = self.behind > if self.aside { -ROOM } else { 0.0 };
        if falls {
            self.behind = (self.behind + std::mem::take(&mut self.debt)).min(LOSSES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maxgram::Match;
    use crate::policy::Foreseen;

    #[test]
    fn an_answer_may_lose_little_where_drafts_bring_nothing_and_more_where_they_bring_much() {
        let room = |guard: Guard, speed_up| {
            let mut guard = Guard { behind: -SAVINGS, ..guard };
            guard.begin(speed_up);
            guard.room()
        };
        let [most, least] = SLACK;
        for (guard, speed_up, expected) in [
            (Guard::new(), Some(1.0), most),
            (Guard::knowing(KNOWN), None, most),
            (Guard::knowing(KNOWN), Some(1.0), least),
            (Guard::knowing(KNOWN), Some(0.5), least),
            (Guard::knowing(KNOWN), Some(1.1), least + 0.1 * HOPE * (most - least)),
            (Guard::knowing(KNOWN), Some(3.0), most),
        ] {
            assert!((room(guard, speed_up) - expected).abs() < 1e-9, "{speed_up:?}: {expected}");
        }
    }

    #[test]
    fn in_short_answers_too_drafts_have_another_chance() {
        let mut guard = Guard { behind: 2.0, aside: true, ..Guard::knowing(KNOWN) };
        let mut answers = 0;
        while guard.is_aside() && answers < 100 {
            guard.begin(Some(1.0));
            (0..10).for_each(|_| guard.book(&Reviewed::lone(1.0), 1.0, None, false));
            answers += 1;
        }
        assert_eq!(answers, 23, "2.25 passes at a tenth an answer");
    }

    #[test]
    fn copies_that_would_have_been_right_end_its_working_alone_and_forgive_nothing() {
        let mut guard = Guard { behind: LOSSES, aside: true, ..Guard::knowing(KNOWN) };
        let found = Match::of_length(9);
        let right = Reviewed { foreseen: Some(Foreseen { found, right: true }), ..Reviewed::lone(1.0) };
        (0..RIGHT).for_each(|_| guard.book(&right, 1.0, None, false));
        assert!(!guard.is_aside() && guard.debt > 4.0, "{guard:?}");
        let lost = Reviewed { round: std::time::Duration::from_secs(2), drafted: true, ..Reviewed::lone(1.0) };
        guard.book(&lost, 1.0, Some(2.0), false);
        assert!(guard.is_aside() && guard.debt == 0.0 && guard.behind > 3.9, "{guard:?}");
        // What has lost again has to be twice as sure.
        (1..2 * RIGHT).for_each(|_| guard.book(&right, 1.0, None, false));
        assert!(guard.is_aside(), "{guard:?}");
        guard.book(&right, 1.0, None, false);
        assert!(!guard.is_aside() && guard.returns == 2, "{guard:?}");
        guard.begin(None);
        assert_eq!(guard.returns, 0, "another answer, another text");
    }

    #[test]
    fn a_text_that_is_right_twelve_times_and_wrong_once_costs_no_more_than_an_answer_may() {
        // What copies of three cost and win on two cores, whatever the policy believes of them.
        let (found, mut spent, mut place) = (Match::of_length(9), 0.0, 0_usize);
        let mut guard = Guard { behind: LOSSES, aside: true, ..Guard::knowing(KNOWN) };
        while place < 600 {
            let right = (0..3).take_while(|ahead| (place + ahead) % 13 != 12).count();
            let drafted = !guard.is_aside();
            let (seconds, kept) = if drafted { (2.8, right) } else { (1.0, 0) };
            let time = std::time::Duration::from_secs_f64(seconds);
            guard.book(
                &Reviewed {
                    time,
                    round: time,
                    drafted,
                    kept,
                    foreseen: Some(Foreseen { found, right: right > 0 }),
                    ..Reviewed::lone(1.0)
                },
                1.0,
                None,
                false,
            );
            spent += seconds;
            place += kept + 1;
        }
        assert!(place as f64 / spent > 0.97, "{place} tokens in {spent}");
    }

    #[test]
    fn copies_cost_no_more_than_may_be_lost_and_a_little() {
        assert!(lets_copy(2.4, 2.4, 0.01, 1.5) && !lets_copy(0.4, 2.6, 0.01, 1.5), "however likely they are right");
        assert!(lets_copy(0.5, 0.5, 0.5, 0.0) && !lets_copy(0.7, 0.7, 0.5, 0.0));
        assert!(
            !lets_copy(0.7, 0.7, 0.5, SLACK[0]) && lets_copy(0.7, 0.7, 0.5, SLACK[0] + 1.0),
            "what was won may be risked"
        );
        assert!(lets_draft(1.7, 1.5) && !lets_draft(1.9, 1.5), "what a model has drafted is spent");
    }

    #[test]
    fn what_a_draft_reads_first_is_borne_by_the_reviews_that_it_drafts_for() {
        let costly = Reviewed { round: std::time::Duration::from_secs(9), drafted: true, ..Reviewed::lone(1.0) };
        let entered = || {
            let mut guard = Guard::knowing(KNOWN);
            guard.enter(8.0, 16.0);
            guard.book(&costly, 1.0, Some(1.0), false);
            guard
        };
        let mut guard = entered();
        assert!(!guard.is_aside(), "{guard:?}");
        let level = Reviewed { drafted: true, ..Reviewed::lone(1.0) };
        (0..30).for_each(|_| guard.book(&level, 1.0, Some(1.0), false));
        assert!(guard.is_aside() && guard.owed == 0.0 && guard.behind > 3.5, "it has brought nothing: {guard:?}");
        let mut short = entered();
        short.begin(Some(1.0));
        assert!(short.behind > 3.5, "a short answer leaves what is owed to the next: {short:?}");
    }

    #[test]
    fn a_reading_that_never_came_is_no_later_answers() {
        let mut guard = Guard::new();
        guard.enter(8.0, 16.0);
        guard.begin(None);
        assert!(guard.entering == 0.0 && guard.share == 0.0, "{guard:?}");
    }

    #[test]
    fn tries_are_paid_and_no_more_than_is_there() {
        let mut guard = Guard { credit: 1.0, ..Guard::new() };
        assert!(!guard.lets_try(1.1, 0.0, 0.0) && !guard.lets_try(0.0, 0.0, 1.1), "too dear");
        assert!(guard.lets_try(0.2, 0.5, 0.1) && (guard.credit - 0.4).abs() < 1e-9);
    }

    #[test]
    fn passes_that_are_suddenly_short_want_the_single_one_again() {
        let mut guard = Guard::new();
        guard.noticed(4, false, true);
        assert!(!guard.wants_single(1));
        guard.noticed(4, true, true);
        (0..SINGLES).for_each(|_| {
            assert!(guard.wants_single(1));
            guard.noticed(1, false, true);
        });
        assert!(!guard.wants_single(1));
        (0..SINGLE_AFTER).for_each(|_| guard.noticed(2, false, true));
        assert!(guard.wants_single(1) && !guard.wants_single(3));
        guard.noticed(1, false, false);
        assert!(guard.wants_single(1), "it told nothing");
    }
}
