//! A model of a ladder at work.

use cascade::{Branch, LanguageModel, Logits, Meanwhile, Token, VocabId};

use crate::by_text::{Alignment, ByText};
use crate::llama::{LlamaError, LlamaRung, Weights};

/// One model of a ladder.
pub(crate) enum Member<'m> {
    /// It thinks in the target's tokens, or nearly.
    Sharing(Box<LlamaRung<'m>>),
    /// It thinks in tokens of its own.
    ByText(Box<ByText<'m, LlamaRung<'m>, Weights>>),
}

impl<'m> Member<'m> {
    /// A model that thinks in the target's tokens.
    pub(crate) fn sharing(model: LlamaRung<'m>) -> Self {
        Self::Sharing(Box::new(model))
    }

    /// A model that drafts by text for `target`.
    pub(crate) fn by_text(model: LlamaRung<'m>, target: &'m Weights) -> Self {
        let weights = model.weights();
        let alignment = Alignment::new(target, weights, weights.specials_for(target));
        Self::ByText(Box::new(ByText::new(model, alignment, target.vocab().clone())))
    }

    /// The model itself.
    pub(crate) fn llama(&self) -> &LlamaRung<'m> {
        match self {
            Self::Sharing(model) => model,
            Self::ByText(member) => member.model(),
        }
    }

    /// The model itself; what it holds must stay.
    pub(crate) fn llama_mut(&mut self) -> &mut LlamaRung<'m> {
        match self {
            Self::Sharing(model) => model,
            Self::ByText(member) => member.model_mut(),
        }
    }

    /// The model itself if it thinks in the target's tokens: what it holds is the target's text then.
    pub(crate) fn sharing_mut(&mut self) -> Option<&mut LlamaRung<'m>> {
        match self {
            Self::Sharing(model) => Some(model),
            Self::ByText(_) => None,
        }
    }

    fn of(&self) -> &dyn LanguageModel<Error = LlamaError> {
        match self {
            Self::Sharing(model) => model.as_ref(),
            Self::ByText(member) => member.as_ref(),
        }
    }

    fn of_mut(&mut self) -> &mut (dyn LanguageModel<Error = LlamaError> + 'm) {
        match self {
            Self::Sharing(model) => model.as_mut(),
            Self::ByText(member) => member.as_mut(),
        }
    }
}

impl LanguageModel for Member<'_> {
    type Error = LlamaError;

    fn vocab(&self) -> &VocabId {
        self.of().vocab()
    }

    fn capacity(&self) -> usize {
        self.of().capacity()
    }

    fn len(&self) -> usize {
        self.of().len()
    }

    fn truncate(&mut self, len: usize) -> Result<(), LlamaError> {
        self.of_mut().truncate(len)
    }

    fn wipe(&mut self) -> Result<(), LlamaError> {
        self.of_mut().wipe()
    }

    fn extend(&mut self, tokens: &[Token], rows: usize) -> Result<Logits<'_>, LlamaError> {
        self.of_mut().extend(tokens, rows)
    }

    fn reviews(&self) -> bool {
        self.of().reviews()
    }

    fn branches(&self) -> usize {
        self.of().branches()
    }

    fn extend_with(&mut self, tokens: &[Token], rows: usize, branches: &[Branch]) -> Result<Logits<'_>, LlamaError> {
        self.of_mut().extend_with(tokens, rows, branches)
    }

    fn computes_beside(&self) -> bool {
        self.of().computes_beside()
    }

    fn extend_beside(
        &mut self,
        tokens: &[Token],
        rows: usize,
        branches: &[Branch],
        meanwhile: &mut Meanwhile<'_>,
    ) -> Result<Logits<'_>, LlamaError> {
        self.of_mut().extend_beside(tokens, rows, branches, meanwhile)
    }

    fn take(&mut self, index: usize) -> Result<(), LlamaError> {
        self.of_mut().take(index)
    }
}

#[cfg(test)]
mod tests {
    use protocol::ladder::CacheType;
    use protocol::learned::Threads;

    use super::*;
    use crate::llama::Mode;
    use crate::template::Piece;

    const TEXTS: [&str; 4] = [
        "<|im_start|>user\nWrite a sentence about rivers.<|im_end|>\n<|im_start|>assistant\n",
        "The quick brown fox jumps over the lazy dog. The quick brown fox jumps",
        "def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n    return",
        "日本の山。日本の川。日本の",
    ];

    /// What a member says behind `text`, token by token.
    fn says(
        member: &mut Member<'_>,
        text: &[Token],
        most: usize,
        mut between: impl FnMut(&mut Member<'_>),
    ) -> Vec<Token> {
        let mut said = Vec::new();
        let mut next = text.to_vec();
        while said.len() < most {
            let logits = member.extend(&next, 1).unwrap();
            let row = logits.row(0).unwrap();
            let best =
                (0..row.len()).filter(|token| row[*token].is_finite()).max_by(|a, b| row[*a].total_cmp(&row[*b]));
            let Some(best) = best else { break };
            said.push(best as Token);
            next = vec![best as Token];
            between(member);
        }
        said
    }

    #[test]
    fn by_text_a_model_says_for_itself_what_it_says() {
        let (llama, weights) = crate::llama::for_tests();
        let threads = |count| Threads { single: count, wide: count };
        let mode = Mode { exact: true, cache: CacheType::F16 };
        let open = || weights.context(llama, 256, threads(2), mode).unwrap();
        let (mut same, mut all) = (0, 0);
        for text in TEXTS {
            let tokens = weights.tokenize(&[Piece::Markup(text.to_owned())]);
            let own = says(&mut Member::sharing(open()), &tokens, 16, |_| {});
            let by_text = says(&mut Member::by_text(open(), &weights), &tokens, 16, |_| {});
            // In the middle of it the context is copied into another one.
            let mut count = 0;
            let moved = says(&mut Member::by_text(open(), &weights), &tokens, 16, |member| {
                count += 1;
                member.llama_mut().reopen(llama, threads(1 + count % 2)).unwrap();
            });
            assert_eq!(by_text, moved, "{text:?}");
            all += by_text.len();
            same += by_text.iter().zip(&own).take_while(|(a, b)| a == b).count();
            println!("{text:?}: {} of {}", by_text.len(), own.len());
        }
        // A token that would have grown is said too early now and then.
        assert!(all >= 32 && same * 10 >= all * 8, "{same} of {all}");
    }

    #[test]
    fn nothing_of_a_text_is_kept_by_a_member_that_is_wiped() {
        let (llama, weights) = crate::llama::for_tests();
        let mode = Mode { exact: true, cache: CacheType::F16 };
        let model = weights.context(llama, 64, Threads { single: 2, wide: 2 }, mode).unwrap();
        let mut member = Member::by_text(model, &weights);
        member.extend(&[504, 8212], 1).unwrap();
        assert!(member.len() == 2 && !member.llama().is_empty() && !member.reviews());
        member.wipe().unwrap();
        assert!(member.is_empty() && member.llama().is_empty());
    }
}
