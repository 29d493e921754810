//! Answers for which the real model looks at second choices: its own, as far as rounding lets them be.

use cascade::policy::{Action, Reviewed, View};
use cascade::toy::{Kept, Ticking};
use cascade::{Cascade, FixedPolicy, LanguageModel, Policy, Request, ReviewRule, SamplerSettings, Token};
use protocol::Mix;
use protocol::learned::Threads;
use protocol::worker::{Message, Speaker};

use crate::llama::{Llama, Mode, Weights};
use crate::member::Member;
use crate::place::Place;

const CAPACITY: u32 = 512;
const TOKENS: usize = 32;
const THREADS: Threads = Threads { single: 2, wide: 2 };

/// By how much two scores may differ between passes of different widths. Behind other tokens they differ by far more.
const TIE: f32 = 0.5;

const QUESTIONS: [&str; 5] = [
    "What is a waterfall?",
    "Write a short story about a river and a mill.",
    "List five animals and say what each of them eats.",
    "Explain why the sky is blue.",
    "How is bread made?",
];

/// A matrix that has the target look at every second choice, or at none, and counts those that were right.
struct Branching {
    policy: FixedPolicy,
    looks: bool,
    right: usize,
}

impl Branching {
    fn new(looks: bool) -> Self {
        Self { policy: FixedPolicy::new(&[vec![4]]).unwrap(), looks, right: 0 }
    }
}

impl Policy for Branching {
    fn next(&mut self, view: &View<'_>) -> Action {
        self.policy.next(view)
    }

    fn learn(&mut self, reviewed: &Reviewed<'_>) {
        self.right += usize::from(reviewed.branched);
    }

    fn branches(&mut self, view: &View<'_>, most: usize, chosen: &mut Vec<usize>) {
        chosen.extend(0..view.pending.len().min(most) * usize::from(self.looks));
    }
}

/// A greedy answer, the target alone without a policy, and in how many of its passes.
fn said(cascade: &mut Cascade<Member<'_>>, prompt: &[Token], policy: Option<&mut Branching>) -> (Vec<Token>, usize) {
    let request = Request {
        prompt,
        shown: &[],
        max_tokens: TOKENS,
        sampler: &SamplerSettings::greedy(),
        rule: ReviewRule::Coupled,
        // It goes on behind its end: all answers are of one length.
        end_tokens: &[],
        constraint: None,
        cascade: policy.is_some(),
        drafts_wait: false,
        fresh: false,
        chunk: 64,
        widths: None,
        cancelled: &|| false,
    };
    let mut none = Branching::new(false);
    let mut kept = Kept::default();
    let outcome = cascade.run(&request, policy.unwrap_or(&mut none), &Ticking::default(), &mut kept).unwrap();
    assert!(outcome.left_out.is_empty());
    (kept.0, outcome.target_passes)
}

/// How far apart the model's scores of two tokens are behind `text`.
fn apart(llama: &Llama, weights: &Weights, text: &[Token], tokens: [Token; 2]) -> f32 {
    let mut model = weights.context(llama, CAPACITY, THREADS, Mode::default()).unwrap();
    let (last, before) = text.split_last().unwrap();
    for piece in before.chunks(64) {
        model.extend(piece, 0).unwrap();
    }
    let logits = model.extend(&[*last], 1).unwrap();
    let [one, other] = tokens.map(|token| logits.row(0).unwrap()[token as usize]);
    (one - other).abs()
}

#[test]
fn a_real_model_answers_with_second_choices_as_alone_and_in_fewer_passes() {
    let (llama, weights) = crate::llama::for_tests();
    let folder = tempfile::tempdir().unwrap();
    let small = folder.path().join("small.gguf");
    let models = catalog::ModelStore::open(store::Places::find().unwrap().models).unwrap();
    let ladder = catalog::resolve(&catalog::Catalog::builtin(), &models, "smollm2").unwrap();
    llama.requantize(&ladder.rungs[0].path, &small, Mix::Q4_0, 2).unwrap();
    let draft = llama.read(&small, &Place::default(), |_| true).unwrap();
    let mut target = weights.context(llama, CAPACITY, THREADS, Mode::default()).unwrap();
    target.let_branch(true);
    let mut cascade = Cascade::new(Member::sharing(target));
    cascade.set_max_gram(false);
    let draft = draft.context(llama, CAPACITY, THREADS, Mode::default()).unwrap();
    cascade.add_draft(Member::sharing(draft), 1.0).unwrap();
    let (mut line, mut branching) = (Branching::new(false), Branching::new(true));
    let (mut passes, mut same) = ([0; 2], 0);
    for question in QUESTIONS {
        let message = Message { speaker: Speaker::User, text: question.to_owned() };
        let prompt = weights.tokenize(&weights.template().render(&[message]).unwrap());
        let (alone, _) = said(&mut cascade, &prompt, None);
        for (policy, passes) in [&mut line, &mut branching].into_iter().zip(&mut passes) {
            let (answer, needed) = said(&mut cascade, &prompt, Some(policy));
            *passes += needed;
            assert_eq!(answer.len(), alone.len());
            // Passes of other widths round otherwise: the two may part where two words are as likely, and nowhere else.
            let Some(at) = alone.iter().zip(&answer).position(|(a, b)| a != b) else {
                same += 1;
                continue;
            };
            let text: Vec<Token> = prompt.iter().chain(&alone[..at]).copied().collect();
            let apart = apart(llama, &weights, &text, [alone[at], answer[at]]);
            assert!(apart < TIE, "{question} parts at token {at}, where the scores are {apart} apart");
        }
    }
    assert!(same >= QUESTIONS.len(), "at least every other answer is the same to its end: {same}");
    assert_eq!(line.right, 0);
    assert!(branching.right > 0 && passes[1] < passes[0], "{} right, passes {passes:?}", branching.right);
}
