use crate::maxgram::MaxGram;
use crate::model::{LanguageModel, Token};
use crate::policy::Policy;
use crate::request::{Outcome, Request, RunError, Sink};
use crate::run::Run;
use crate::rung::Rung;
use crate::sampler::Sampler;
use crate::{Clock, VocabId};

/// Why a model cannot be a draft in this ladder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Its token ids mean something else.
    #[error("its vocabulary of {draft} tokens is not the target's of {target}")]
    TokenizersDiffer {
        /// Size of the draft's vocabulary.
        draft: usize,
        /// Size of the target's.
        target: usize,
    },
}

/// A ladder ready to answer: the target, its drafts in falling size, Max-Gram.
///
/// The models may hold text from earlier runs; what a new prompt shares with it is not read again.
#[derive(Debug)]
pub struct Cascade<M> {
    pub(crate) rungs: Vec<Rung<M>>,
    pub(crate) max_gram: Option<MaxGram>,
    /// What the models were last given: prompt, answer and, during a review, proposals.
    pub(crate) text: Vec<Token>,
    pub(crate) sampler: Sampler,
}

impl<M: LanguageModel> Cascade<M> {
    /// A ladder of the target alone with Max-Gram below it.
    pub fn new(target: M) -> Self {
        Self {
            rungs: vec![Rung::new(target, 1.0)],
            max_gram: Some(MaxGram::default()),
            text: Vec::new(),
            sampler: Sampler::default(),
        }
    }

    /// Adds a smaller model below the ones there. `lenience` is what its own reviews may let pass, 1 is nothing;
    /// it counts under coupled sampling only.
    ///
    /// # Errors
    /// The draft's tokens mean something else than the target's; the draft is dropped.
    pub fn add_draft(&mut self, draft: M, lenience: f32) -> Result<(), Rejected> {
        let (own, target): (&VocabId, &VocabId) = (draft.vocab(), self.rungs[0].model.vocab());
        if own != target {
            return Err(Rejected::TokenizersDiffer { draft: own.size, target: target.size });
        }
        self.rungs.push(Rung::new(draft, lenience.max(1.0)));
        Ok(())
    }

    /// Puts Max-Gram at the bottom or takes it away.
    pub fn set_max_gram(&mut self, on: bool) {
        self.max_gram = on.then(MaxGram::default);
    }

    /// Max-Gram, if it is at the bottom.
    pub fn max_gram_mut(&mut self) -> Option<&mut MaxGram> {
        self.max_gram.as_mut()
    }

    /// The target.
    pub fn target(&self) -> &M {
        &self.rungs[0].model
    }

    /// The target, for measuring it between runs. What it holds afterwards is not trusted.
    pub fn target_mut(&mut self) -> &mut M {
        self.rungs[0].forget();
        &mut self.rungs[0].model
    }

    /// Draft model `index` (0 is the largest), for looking at it between runs. What it holds afterwards is not trusted.
    pub fn draft_mut(&mut self, index: usize) -> Option<&mut M> {
        let rung = self.rungs.get_mut(index + 1)?;
        rung.forget();
        Some(&mut rung.model)
    }

    /// Lets `change` work on each model between runs, the target first. What a model holds must stay.
    pub fn change_models(&mut self, mut change: impl FnMut(&mut M)) {
        self.rungs.iter_mut().for_each(|rung| change(&mut rung.model));
    }

    /// Number of draft models.
    pub fn draft_count(&self) -> usize {
        self.rungs.len() - 1
    }

    /// Forgets every text: nothing of what was read or said stays in the models, in Max-Gram (but its table of the language)
    /// or here.
    pub fn forget_texts(&mut self) {
        self.text = Vec::new();
        self.sampler = Sampler::default();
        if let Some(max_gram) = &mut self.max_gram {
            max_gram.forget_all();
        }
        for rung in &mut self.rungs {
            rung.forget();
            // One that refuses is cut before it is next used.
            let _ = rung.model.wipe();
        }
    }

    /// Produces one answer, handing it to `sink` review by review.
    ///
    /// The tokens are those of the target alone, whatever the drafts, the policy and the clock do; under another rule than
    /// coupled sampling their distribution is ([`ReviewRule`](crate::ReviewRule)). Models stay usable however the run ends.
    ///
    /// # Errors
    /// The request cannot be answered, or the target failed; drafts that fail are left out instead.
    pub fn run(
        &mut self,
        request: &Request<'_>,
        policy: &mut dyn Policy,
        clock: &dyn Clock,
        sink: &mut dyn Sink,
    ) -> Result<Outcome, RunError<M::Error>> {
        Run::prepare(self, request, policy, clock)?.answer(sink)
    }
}
