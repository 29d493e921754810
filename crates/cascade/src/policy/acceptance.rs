//! How likely a reviewer keeps a proposal.

use super::Proposal;

/// Every new observation leaves this much of what was known: about the latest hundred count.
const KEEP: f64 = 0.99;

/// How many observations the first guess is worth.
const PRIOR: f64 = 10.0;

/// Upper ends of the classes of a model's confidence (its best token against its second best).
const CONFIDENCE: [f32; 7] = [0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999];

/// Upper ends of the classes of Max-Gram's match length.
const MATCHED: [usize; 7] = [1, 2, 3, 4, 6, 9, 15];

/// First guesses: that a model's token of each class is kept.
const SURE: [f64; 8] = [0.4, 0.55, 0.65, 0.8, 0.9, 0.95, 0.985, 0.995];

/// First guesses: that a copied token of each class is kept.
const COPIED: [f64; 8] = [0.10, 0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.85];

/// What one reviewer kept of one writer's proposals, by class, with old observations forgotten exponentially.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Acceptance {
    classes: Vec<Class>,
    /// The same over all classes, for a proposal whose class is not known before it is drafted.
    all: Class,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Class {
    kept: f64,
    seen: f64,
}

impl Class {
    fn guess(share: f64) -> Self {
        Self { kept: share * PRIOR, seen: PRIOR }
    }

    fn saw(&mut self, kept: bool) {
        self.kept = self.kept * KEEP + f64::from(u8::from(kept));
        self.seen = self.seen * KEEP + 1.0;
    }

    fn share(self) -> f64 {
        self.kept / self.seen
    }
}

impl Acceptance {
    /// First guesses for a model.
    pub(super) fn of_model() -> Self {
        Self { classes: SURE.map(Class::guess).to_vec(), all: Class::guess(0.7) }
    }

    /// First guesses for Max-Gram.
    pub(super) fn of_max_gram() -> Self {
        Self { classes: COPIED.map(Class::guess).to_vec(), all: Class::guess(0.4) }
    }

    /// Probability that `proposal` is kept if everything before it is; `depth` tokens of the same copy stand before it.
    pub(super) fn of(&self, proposal: &Proposal, depth: usize) -> f64 {
        self.classes[class(proposal, depth)].share()
    }

    /// Probability that this writer's next token is kept, before it is known.
    pub(super) fn unseen(&self) -> f64 {
        self.all.share()
    }

    /// Takes in what became of `proposal`.
    pub(super) fn saw(&mut self, proposal: &Proposal, depth: usize, kept: bool) {
        self.classes[class(proposal, depth)].saw(kept);
        self.all.saw(kept);
    }
}

fn class(proposal: &Proposal, depth: usize) -> usize {
    if proposal.matched == 0 {
        CONFIDENCE.iter().take_while(|end| proposal.confidence > **end).count()
    } else {
        // A copied token that was kept makes the match longer by one.
        MATCHED.iter().take_while(|end| proposal.matched + depth > **end).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sure(confidence: f32) -> Proposal {
        Proposal { asked: 1, writer: 1, backer: 1, confidence, matched: 0 }
    }

    #[test]
    fn classes_are_learned_apart_and_forgotten() {
        let mut acceptance = Acceptance::of_model();
        for _ in 0..200 {
            acceptance.saw(&sure(0.55), 0, false);
            acceptance.saw(&sure(0.97), 0, true);
        }
        assert!(acceptance.of(&sure(0.51), 0) < 0.05 && acceptance.of(&sure(0.98), 0) > 0.95);
        assert!((acceptance.unseen() - 0.5).abs() < 0.1);
        (0..300).for_each(|_| acceptance.saw(&sure(0.55), 0, true));
        assert!(acceptance.of(&sure(0.51), 0) > 0.9, "the text has changed");
    }

    #[test]
    fn a_longer_match_is_surer_and_copying_lengthens_it() {
        let acceptance = Acceptance::of_max_gram();
        let copied = |matched| Proposal { asked: 1, writer: 1, backer: 1, confidence: 1.0, matched };
        assert!((1..30).all(|m| acceptance.of(&copied(m), 0) <= acceptance.of(&copied(m + 1), 0)));
        assert!((acceptance.of(&copied(2), 3) - acceptance.of(&copied(5), 0)).abs() < 1e-12);
    }
}
