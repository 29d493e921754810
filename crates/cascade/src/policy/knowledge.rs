//! What the adaptive policy has learned, as something that can be kept.

use serde::{Deserialize, Serialize};

use super::acceptance::{OfCopies, OfModel, OfSeconds};
use super::cost::CostCurve;
use super::speed::{Average, Speed};

/// Version of the shape of [`Knowledge`].
const VERSION: u32 = 2;

/// Why kept knowledge is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KnowledgeError {
    /// Another version of the program wrote it.
    #[error("it has version {0}, this program reads {VERSION}")]
    Version(u32),
    /// It belongs to a ladder of another length.
    #[error("it is about {found} models, the ladder has {models}")]
    OtherLadder {
        /// Models that it is about.
        found: usize,
        /// Models of the ladder.
        models: usize,
    },
    /// A figure in it cannot be right: negative, not a number, or out of proportion.
    #[error("a figure in it cannot be right")]
    Damaged,
}

/// What the adaptive policy has learned of a ladder on a machine: cost curves and acceptance, nothing of any text.
///
/// It says nothing about which models it is of: whoever keeps it files it under ladder, machine and build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Knowledge {
    version: u32,
    paces: Vec<Pace>,
    learned: Vec<Learned>,
    /// Tokens of drafts that the target has judged, as far as that matters.
    #[serde(default)]
    judged: usize,
    /// What drafts bring where they may.
    #[serde(default)]
    free: Speed,
}

impl Knowledge {
    pub(super) fn of(paces: &[Pace], learned: &[Learned], judged: usize, free: Speed) -> Self {
        Self { version: VERSION, paces: paces.to_vec(), learned: learned.to_vec(), judged, free }
    }

    /// Whether it can be used for a ladder of so many models.
    ///
    /// # Errors
    /// What speaks against it.
    pub fn check(&self, models: usize) -> Result<(), KnowledgeError> {
        if self.version != VERSION {
            return Err(KnowledgeError::Version(self.version));
        }
        let other =
            [self.paces.len(), self.learned.len()].into_iter().chain(self.learned.iter().map(|l| l.models.len()));
        if let Some(found) = other.into_iter().find(|found| *found != models) {
            return Err(KnowledgeError::OtherLadder { found, models });
        }
        let sound =
            self.paces.iter().all(Pace::is_sound) && self.learned.iter().all(Learned::is_sound) && self.free.is_sound();
        if sound { Ok(()) } else { Err(KnowledgeError::Damaged) }
    }

    /// What passes of model `rung` took, the target being 0.
    pub fn curve(&self, rung: usize) -> Option<&CostCurve> {
        self.paces.get(rung).map(|pace| &pace.cost)
    }

    /// How likely the target keeps a token that draft `rung` is sure of to `confidence` (0 to 1); None before anything was seen
    /// of it.
    pub fn kept(&self, rung: usize, confidence: f64) -> Option<f64> {
        let model = self.learned.first()?.models.get(rung)?;
        model.is_known().then(|| model.at(confidence))
    }

    /// How likely the target keeps a token that Max-Gram copies from prompt or answer behind `length` matching tokens; None before
    /// anything was seen of such copies.
    pub fn copied(&self, length: usize) -> Option<f64> {
        let now = self.learned.first()?.copies.behind(length);
        let guess = OfCopies::guess().behind(length);
        (now.to_bits() != guess.to_bits()).then_some(now)
    }

    /// Tokens of drafts that the target has judged, as far as that matters.
    pub(super) fn judged(&self) -> usize {
        self.judged
    }

    /// What drafts bring where they may.
    pub(super) fn free(&self) -> Speed {
        self.free
    }

    pub(super) fn paces(&self) -> &[Pace] {
        &self.paces
    }

    pub(super) fn learned(&self) -> &[Learned] {
        &self.learned
    }
}

/// What one reviewer kept, by who stands behind a proposal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Learned {
    /// By model of the ladder.
    pub(super) models: Vec<OfModel>,
    pub(super) copies: OfCopies,
    pub(super) seconds: OfSeconds,
}

impl Learned {
    fn is_sound(&self) -> bool {
        self.models.iter().all(OfModel::is_sound) && self.copies.is_sound() && self.seconds.is_sound()
    }
}

/// The least share of its passes that a draft is thought to end with a token.
const SPEAKS: f64 = 0.05;

/// How fast one model is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Pace {
    pub(super) cost: CostCurve,
    /// Of no use at another start.
    #[serde(skip)]
    pub(super) speed: Speed,
    /// How many times as long as the curve says one-token passes take on average. It follows what is shorter sooner than what is longer and stands
    /// below the mean: held against it all work would seem to lose.
    #[serde(skip)]
    pub(super) usual: Average,
    /// The share of its passes that ended with a token, in this answer: a draft may know none.
    #[serde(skip)]
    pub(super) speaks: Average,
}

impl Pace {
    pub(super) fn new(cost: CostCurve) -> Self {
        Self { cost, ..Self::default() }
    }

    /// Tokens per second it reaches, at least what it reaches alone.
    pub(super) fn rate(&self) -> Option<f64> {
        let alone = self.cost.at(1).map(|single| 1.0 / single)?;
        Some(alone * self.speed.up().unwrap_or(1.0))
    }

    /// Seconds for each token that it drafts.
    pub(super) fn each(&self) -> Option<f64> {
        Some(self.passes_for_a_token() / self.rate()?)
    }

    /// Passes that it takes to know one, where it drafts alone.
    pub(super) fn passes_for_a_token(&self) -> f64 {
        1.0 / self.speaks.is().max(SPEAKS)
    }

    fn is_sound(&self) -> bool {
        self.cost.is_sound()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::policy::{Action, Adaptive, Policy, Proposal, Reviewed, View};

    /// A policy that has seen a draft fail and a copy fit.
    fn learned() -> Adaptive {
        let mut policy = Adaptive::new(curves());
        for index in 0..200 {
            let confidence = 0.3 + 0.003 * index as f32;
            let draft = Proposal { asked: 1, writer: 1, backer: 1, confidence, copied: None, second: None };
            let time = Duration::from_millis(12);
            let (proposals, width) = ([draft, draft], 3);
            for reviewer in [0, 1] {
                let kept = usize::from(index % 3 == 0);
                policy.learn(&Reviewed {
                    reviewer,
                    proposals: &proposals,
                    kept,
                    own: Some(0),
                    branched: false,
                    width,
                    held: 0,
                    time,
                    round: time,
                    foreseen: None,
                    drafted: true,
                    ahead: false,
                    alone: false,
                });
            }
        }
        // None is due now.
        policy.learn(&Reviewed::lone(0.01));
        policy
    }

    fn curves() -> Vec<CostCurve> {
        [0.01, 0.002].map(curve).to_vec()
    }

    fn curve(single: f64) -> CostCurve {
        let mut curve = CostCurve::default();
        curve.measured(1, single);
        curve.measured(8, single * 1.2);
        curve
    }

    fn first_action(policy: &mut Adaptive) -> Action {
        let (available, behind) = ([false, true, false], [1, 1, 0]);
        let (pending, room, max_gram) = (&[], 20, None);
        let reviews = &[true, true];
        policy.next(&View {
            reviewer: 0,
            pending,
            ahead: 0,
            room,
            available: &available,
            behind: &behind,
            reviews,
            max_gram,
            answered: 0,
            held: 0,
        })
    }

    #[test]
    fn knowledge_comes_back_as_it_was_and_decides_the_same() {
        let mut policy = learned();
        let text = serde_json::to_string(&policy.knowledge(&[])).unwrap();
        let knowledge: Knowledge = serde_json::from_str(&text).unwrap();
        assert!(alike(&knowledge, &policy.knowledge(&[])));
        // Without curves of one's own the saved ones count.
        let mut again = Adaptive::with_knowledge(vec![CostCurve::default(); 2], &knowledge).unwrap();
        assert!(alike(&again.knowledge(&[]), &knowledge));
        assert_eq!(first_action(&mut again), first_action(&mut policy));
        let fresh = Adaptive::with_knowledge(curves(), &knowledge).unwrap().knowledge(&[]);
        assert!(fresh.learned == knowledge.learned);
        assert_eq!(fresh.paces[0].cost, curve(0.01), "what was just measured stands");
        let kept = [0.5, 0.9].map(|confidence| knowledge.kept(1, confidence).unwrap());
        assert!(kept[0] < kept[1] && kept[1] < 0.6, "a third was kept: {kept:?}");
        assert!(knowledge.kept(0, 0.9).is_none() && knowledge.kept(2, 0.9).is_none() && knowledge.copied(4).is_none());
    }

    #[test]
    fn another_ladders_or_versions_knowledge_is_refused() {
        let knowledge = learned().knowledge(&[]);
        let refused = |knowledge: &Knowledge, models| {
            Adaptive::with_knowledge(vec![CostCurve::default(); models], knowledge).map(|_| ()).unwrap_err()
        };
        assert_eq!(refused(&knowledge, 3), KnowledgeError::OtherLadder { found: 2, models: 3 });
        assert_eq!(refused(&Knowledge { version: 9, ..knowledge.clone() }, 2), KnowledgeError::Version(9));
        let mut short = knowledge;
        short.learned[1].models.pop();
        assert_eq!(refused(&short, 2), KnowledgeError::OtherLadder { found: 1, models: 2 });
    }

    #[test]
    fn no_figure_of_a_damaged_file_reaches_the_policy() {
        let whole = serde_json::to_value(learned().knowledge(&[])).unwrap();
        let mut places = Vec::new();
        numbers(&whole, String::new(), &mut places);
        assert!(places.len() > 100);
        let mut refused = 0;
        for place in &places {
            // NaN cannot stand in JSON: it comes as null, or as a figure too large.
            for wrong in [serde_json::json!(-1e300), serde_json::json!(1e300), serde_json::Value::Null] {
                let mut damaged = whole.clone();
                *damaged.pointer_mut(place).unwrap() = wrong;
                let Ok(knowledge) = serde_json::from_value::<Knowledge>(damaged) else {
                    refused += 1;
                    continue;
                };
                match Adaptive::with_knowledge(curves(), &knowledge) {
                    Err(_) => refused += 1,
                    Ok(mut policy) => drop(first_action(&mut policy)),
                }
            }
        }
        assert!(refused * 10 > places.len() * 3 * 9, "{refused} of {}", places.len() * 3);
    }

    /// The same figures up to the last digits, which JSON may lose.
    fn alike(one: &Knowledge, other: &Knowledge) -> bool {
        let [one, other] = [one, other].map(|knowledge| serde_json::to_value(knowledge).unwrap());
        let [mut here, mut there] = [Vec::new(), Vec::new()];
        numbers(&one, String::new(), &mut here);
        numbers(&other, String::new(), &mut there);
        let figure = |value: &serde_json::Value, at: &str| value.pointer(at).unwrap().as_f64().unwrap();
        here == there && here.iter().all(|at| (figure(&one, at) - figure(&other, at)).abs() < 1e-9)
    }

    /// JSON pointers of every number.
    fn numbers(value: &serde_json::Value, at: String, places: &mut Vec<String>) {
        match value {
            serde_json::Value::Number(_) => places.push(at),
            serde_json::Value::Array(all) => {
                all.iter().enumerate().for_each(|(index, value)| numbers(value, format!("{at}/{index}"), places));
            }
            serde_json::Value::Object(all) => {
                all.iter().for_each(|(name, value)| numbers(value, format!("{at}/{name}"), places));
            }
            _ => {}
        }
    }
}
