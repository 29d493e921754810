//! What was measured, and the figures over several questions.

/// One answer to one question.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Measured {
    /// From the request to the last token.
    pub(super) seconds: f64,
    /// Of these, behind the first token.
    pub(super) writing: f64,
    /// The answer, without the token that ends it.
    pub(super) tokens: Vec<u32>,
    /// Passes of the target that drew them.
    pub(super) target_passes: u32,
    /// Tokens that others had proposed to it.
    pub(super) proposed: u32,
    /// Passes that draft models made; None where that is not known.
    pub(super) draft_passes: Option<u32>,
}

impl Measured {
    /// Tokens per second, the time to read the prompt included.
    pub(super) fn rate(&self) -> f64 {
        self.tokens.len() as f64 / self.seconds
    }
}

/// One question answered in one way, as often as it was asked.
pub(super) type Answers = Vec<Measured>;

/// All answers: for each question, in the order of the suite, those of each way.
#[derive(Debug, Clone)]
pub(super) struct Table {
    questions: Vec<Vec<Answers>>,
}

impl Table {
    pub(super) fn new(questions: usize, ways: usize) -> Self {
        Self { questions: vec![vec![Vec::new(); ways]; questions] }
    }

    pub(super) fn add(&mut self, question: usize, way: usize, measured: Measured) {
        self.questions[question][way].push(measured);
    }

    /// The answer whose time is in the middle; of an even number the faster of the two.
    pub(super) fn typical(&self, question: usize, way: usize) -> Option<&Measured> {
        let answers = &self.questions[question][way];
        let middle = answers.len().saturating_sub(1) / 2;
        let earlier = |(index, answer): (usize, &Measured), (other, against): (usize, &Measured)| {
            against.seconds.total_cmp(&answer.seconds).then(other.cmp(&index)).is_lt()
        };
        // Few repeats and many resamples: counting is cheaper than sorting a copy.
        let rank = |of| answers.iter().enumerate().filter(|against| earlier(of, *against)).count();
        answers.iter().enumerate().find(|of| rank(*of) == middle).map(|(_, answer)| answer)
    }

    /// Of `questions` those that each of `ways` answered with at least one token.
    pub(super) fn answered(&self, questions: &[usize], ways: &[usize]) -> Vec<usize> {
        let by = |question, way| self.typical(question, way).is_some_and(|answer| !answer.tokens.is_empty());
        questions.iter().copied().filter(|question| ways.iter().all(|way| by(*question, *way))).collect()
    }

    /// Sum over typical answers.
    fn sum(&self, questions: &[usize], way: usize, of: impl Fn(&Measured) -> f64) -> f64 {
        questions.iter().filter_map(|question| self.typical(*question, way)).map(of).sum()
    }

    pub(super) fn tokens(&self, questions: &[usize], way: usize) -> u32 {
        self.sum(questions, way, |answer| answer.tokens.len() as f64) as u32
    }

    pub(super) fn target_passes(&self, questions: &[usize], way: usize) -> u32 {
        self.sum(questions, way, |answer| f64::from(answer.target_passes)) as u32
    }

    pub(super) fn proposed(&self, questions: &[usize], way: usize) -> u32 {
        self.sum(questions, way, |answer| f64::from(answer.proposed)) as u32
    }

    /// None where that is not known of each.
    pub(super) fn draft_passes(&self, questions: &[usize], way: usize) -> Option<u32> {
        questions.iter().filter_map(|question| self.typical(*question, way)).map(|answer| answer.draft_passes).sum()
    }

    /// Tokens per second, the time to read the prompt included.
    pub(super) fn rate(&self, questions: &[usize], way: usize) -> f64 {
        f64::from(self.tokens(questions, way)) / self.sum(questions, way, |answer| answer.seconds)
    }

    /// Tokens per second of `way` over those of `other`: the question in the middle.
    pub(super) fn median_ratio(&self, questions: &[usize], way: usize, other: usize) -> f64 {
        let ratio =
            |question: &usize| Some(self.typical(*question, way)?.rate() / self.typical(*question, other)?.rate());
        lab::median(questions.iter().filter_map(ratio).collect())
    }

    /// Tokens per second behind the first token; None if there were none.
    pub(super) fn pace(&self, questions: &[usize], way: usize) -> Option<f64> {
        let later = self.sum(questions, way, |answer| answer.tokens.len().saturating_sub(1) as f64);
        let seconds = self.sum(questions, way, |answer| answer.writing);
        (later > 0.0 && seconds > 0.0).then(|| later / seconds)
    }

    /// Share of the answers of `way` that have the very tokens of the first answer of way `other`.
    pub(super) fn same(&self, questions: &[usize], way: usize, other: usize) -> f64 {
        let pairs = || {
            let of = |question: &usize| self.questions[*question][other].first().map(|first| (*question, first));
            let all = questions.iter().filter_map(of);
            all.flat_map(|(question, first)| self.questions[question][way].iter().map(move |each| (each, first)))
        };
        pairs().filter(|(each, first)| each.tokens == first.tokens).count() as f64 / pairs().count() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(seconds: f64, tokens: &[u32]) -> Measured {
        let target_passes = tokens.len() as u32;
        Measured { seconds, writing: seconds / 2.0, tokens: tokens.to_vec(), target_passes, ..Measured::default() }
    }

    fn near(have: f64, want: f64) {
        assert!((have - want).abs() < 1e-9, "{have}, not {want}");
    }

    #[test]
    fn the_answer_in_the_middle_counts_whole() {
        let mut table = Table::new(1, 2);
        for (seconds, count) in [(9.0, 9), (1.0, 1), (2.0, 5)] {
            table.add(0, 0, measured(seconds, &vec![7; count]));
        }
        near(table.rate(&[0], 0), 2.5);
        near(table.pace(&[0], 0).unwrap(), 4.0);
        assert_eq!((table.tokens(&[0], 0), table.target_passes(&[0], 0)), (5, 5));
        assert!(table.rate(&[0], 1).is_nan() && table.pace(&[0], 1).is_none());
    }

    #[test]
    fn what_was_proposed_is_of_the_answers_that_count_and_passes_that_are_not_known_have_no_sum() {
        let mut table = Table::new(2, 2);
        for (question, proposed) in [(0, 7), (1, 2)] {
            let drafted =
                |seconds, proposed, draft_passes| Measured { proposed, draft_passes, ..measured(seconds, &[1]) };
            table.add(question, 0, drafted(1.0, proposed, Some(3)));
            table.add(question, 0, drafted(2.0, 100, Some(100)));
            table.add(question, 1, drafted(1.0, proposed, (question == 0).then_some(0)));
        }
        assert_eq!((table.proposed(&[0, 1], 0), table.draft_passes(&[0, 1], 0)), (9, Some(6)));
        assert_eq!((table.proposed(&[1], 1), table.draft_passes(&[0, 1], 1)), (2, None));
        assert_eq!(table.draft_passes(&[0], 1), Some(0));
    }

    #[test]
    fn only_questions_that_all_answered_are_compared() {
        let mut table = Table::new(3, 2);
        for question in 0..3 {
            table.add(question, 0, measured(1.0, &[1, 2]));
        }
        table.add(0, 1, measured(1.0, &[1, 2]));
        table.add(2, 1, measured(1.0, &[]));
        assert_eq!(table.answered(&[0, 1, 2], &[0, 1]), [0]);
        assert_eq!(table.answered(&[0, 1, 2], &[0]), [0, 1, 2]);
    }

    #[test]
    fn every_repeat_counts_for_the_share_of_same_answers() {
        let mut table = Table::new(1, 2);
        table.add(0, 0, measured(1.0, &[1, 2]));
        for tokens in [&[1, 2][..], &[1, 3], &[1, 2], &[1]] {
            table.add(0, 1, measured(1.0, tokens));
        }
        near(table.same(&[0], 1, 0), 0.5);
        near(table.same(&[0], 0, 0), 1.0);
    }
}
