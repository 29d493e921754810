//! Reading the files of a ladder.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use cascade::FixedPolicy;
use protocol::ladder::{Ladder, Rung};
use protocol::worker::{Event, LeftOut, Placed, Translated, Translation};
use protocol::{Code, Problem};

use super::answer::Answerer;
use super::inbox::Inbox;
use super::kept::Kept;
use super::memory::Memory;
use super::outbox::Outbox;
use super::placing::Placing;
use crate::llama::{Llama, LlamaRung, Weights};
use crate::member::Member;
use crate::place::Place;

/// Share of loading that is reading files; the rest is trying out how they run here.
pub(super) const READING: f32 = 0.5;

/// Smallest step of progress that is worth a frame.
const STEP: f32 = 0.01;

/// The weights of a ladder, as far as they could be used.
pub(super) struct Shelf {
    pub(super) target: Rc<Weights>,
    pub(super) drafts: Vec<Draft>,
    pub(super) left_out: Vec<LeftOut>,
    /// The ladder's K matrix without what was left out.
    pub(super) policy: FixedPolicy,
    pub(super) placing: Placing,
    /// Bytes of files that were read for it: what was here already was not.
    pub(super) read_bytes: u64,
}

/// A model that can draft for the target.
pub(super) struct Draft {
    pub(super) rung: Rung,
    pub(super) weights: Rc<Weights>,
    pub(super) tokens: Tokens,
}

/// How a draft's tokens go with the target's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tokens {
    /// They are the same.
    Same,
    /// The first so many are.
    Nearly(usize),
    /// They are others: it drafts by text.
    Others,
}

impl Tokens {
    /// Has `model` understand those of `target`'s tokens that it nearly shares.
    pub(super) fn translate(self, model: &mut LlamaRung<'_>, target: &Weights) {
        if let Self::Nearly(shared) = self {
            model.translate(target.vocab().clone(), shared);
        }
    }

    /// The model as one that drafts for `target`.
    pub(super) fn member<'w>(self, model: LlamaRung<'w>, target: &'w Weights) -> Member<'w> {
        match self {
            Self::Others => Member::by_text(model, target),
            Self::Same | Self::Nearly(_) => Member::sharing(model),
        }
    }

    fn translation(self) -> Option<Translation> {
        match self {
            Self::Same => None,
            Self::Nearly(_) => Some(Translation::Nearly),
            Self::Others => Some(Translation::ByText),
        }
    }
}

impl Shelf {
    /// Lets the largest draft go ahead while the target looks, if they compute on different devices.
    pub(super) fn let_go_ahead(&self, ladder: &Ladder, answerer: &mut Answerer<'_>) {
        // One that drafts by text knows no more than the next token.
        let used = |draft: &&Draft| answerer.names.get(1) == Some(&draft.rung.name) && draft.tokens != Tokens::Others;
        let Some(largest) = self.drafts.iter().find(used) else { return };
        let place = ladder.rungs.iter().position(|rung| *rung == largest.rung).unwrap_or(usize::MAX);
        if answerer.rolls_back && self.placing.are_apart([0, place], [&self.target, &largest.weights]) {
            answerer.cascade.target_mut().llama_mut().compute_beside();
        }
    }

    /// Drafts, of those with these names, whose tokens are not quite the target's.
    pub(super) fn translated(&self, names: &[String]) -> Vec<Translated> {
        let there = self.drafts.iter().filter(|draft| names.contains(&draft.rung.name));
        let told = there.map(|draft| (draft.rung.name.clone(), draft.tokens.translation()));
        told.filter_map(|(rung, how)| Some(Translated { rung, how: how? })).collect()
    }

    /// Where the models with these names are, the target first.
    pub(super) fn placed(&self, ladder: &Ladder, names: &[String]) -> Vec<Placed> {
        let target = ladder.rungs.first().map(|rung| self.placing.told(0, &rung.name, &self.target));
        let drafts = self.drafts.iter().filter(|draft| names.contains(&draft.rung.name));
        let place = |draft: &Draft| ladder.rungs.iter().position(|rung| *rung == draft.rung).unwrap_or(usize::MAX);
        let drafts = drafts.map(|draft| self.placing.told(place(draft), &draft.rung.name, &draft.weights));
        target.into_iter().chain(drafts).collect()
    }

    /// Reads the models of `ladder` that are not among the `kept`; those it can use are among them then.
    pub(super) fn read(
        llama: &Llama,
        ladder: &Ladder,
        placing: Placing,
        (memory, kept): (&mut Memory, &mut Kept),
        inbox: &Inbox,
        outbox: &Outbox,
    ) -> Result<Self, Problem> {
        let invalid = |reason: String| Problem::new(Code::LadderInvalid).with("reason", reason);
        let mut policy = FixedPolicy::new(&ladder.k).map_err(|error| invalid(error.to_string()))?;
        let Some((first, rest)) = ladder.rungs.split_first() else {
            return Err(invalid("it has no target".to_owned()));
        };
        let bottom = usize::from(ladder.max_gram);
        if ladder.k.len() != rest.len() + bottom {
            return Err(invalid(format!(
                "its K matrix has {} rows for {} drafters",
                ladder.k.len(),
                rest.len() + bottom
            )));
        }
        let mut meter = Meter::new(ladder, outbox);
        let remote = placing.left_out();
        let get = |meter: &mut Meter<'_>, memory: &mut Memory, kept: &Kept, at: usize, rung: &Rung| {
            let place = placing.place(at);
            match meter.kept(rung, &place, kept) {
                Some(weights) => Ok(weights),
                None => take(memory, &placing, at, rung).and_then(|()| meter.read(llama, rung, &place, inbox)),
            }
        };
        let target = get(&mut meter, memory, kept, 0, first)?;
        if placing.may_stay(0) {
            kept.keep(&first.path, placing.place(0), &target);
        }
        let (mut drafts, mut left_out) = (Vec::new(), remote);
        let (mut above, mut gone) = (target.bytes(), 0);
        for (index, rung) in rest.iter().enumerate() {
            let mut place = placing.place(index + 1);
            let mut weights = get(&mut meter, memory, kept, index + 1, rung);
            let is_refused = weights.as_ref().is_err_and(|problem| problem.code == Code::ModelRefused);
            if is_refused && place.layers() > 0 {
                // A device that has less than it said.
                place = Place::default();
                weights = memory.take_file(&rung.path).and_then(|()| meter.read(llama, rung, &place, inbox));
            }
            let read =
                weights.and_then(|weights| Ok((fits(&weights, (&target, above), rung, ladder.by_text)?, weights)));
            match read {
                Ok((tokens, weights)) => {
                    if place.layers() == 0 || placing.may_stay(index + 1) {
                        kept.keep(&rung.path, place, &weights);
                    }
                    above = weights.bytes();
                    drafts.push(Draft { rung: rung.clone(), weights, tokens });
                }
                Err(problem) if problem.code == Code::Cancelled => return Err(problem),
                Err(problem) => {
                    // A draft costs speed at most: the ladder goes on without it.
                    kept.drop_unused(&rung.path);
                    policy = policy.without(index + 1 - gone);
                    gone += 1;
                    left_out.push(LeftOut { rung: rung.name.clone(), problem });
                }
            }
        }
        Ok(Self { target, drafts, left_out, policy, placing, read_bytes: meter.read_bytes })
    }
}

/// Takes what the model in this place of the ladder needs of the processor's memory; keys and values only of one that is partly on devices.
fn take(memory: &mut Memory, placing: &Placing, place: usize, rung: &Rung) -> Result<(), Problem> {
    match placing.on_processor(place) {
        Some(bytes) => memory.take(bytes),
        None => memory.take_file(&rung.path),
    }
}

pub(super) fn tokenizers_differ(rung: &Rung) -> Problem {
    Problem::new(Code::TokenizersDiffer).with("rung", &rung.name)
}

/// Whether a draft can work for this target at all, perhaps by text; the rung above it has `above` bytes of weights.
fn fits(weights: &Weights, (target, above): (&Weights, u64), rung: &Rung, by_text: bool) -> Result<Tokens, Problem> {
    let tokens = if weights.vocab() == target.vocab() {
        Tokens::Same
    } else {
        match weights.shared_with(target) {
            Some(shared) => Tokens::Nearly(shared),
            None if by_text => Tokens::Others,
            None => return Err(tokenizers_differ(rung)),
        }
    };
    if weights.bytes() >= above {
        return Err(Problem::new(Code::DraftTooLarge).with("rung", &rung.name));
    }
    if tokens == Tokens::Others && !(weights.is_faithful() && target.is_faithful()) {
        let refused = Problem::new(Code::ModelRefused).with("path", rung.path.display());
        return Err(refused.with("reason", "one of the two tokenizers changes the text that they would share"));
    }
    Ok(tokens)
}

/// Tells how much of the whole ladder is read.
struct Meter<'a> {
    outbox: &'a Outbox,
    /// Bytes of the files that are here so far, and of all.
    done: u64,
    total: u64,
    /// Bytes of those that were read now.
    read_bytes: u64,
}

impl<'a> Meter<'a> {
    fn new(ladder: &Ladder, outbox: &'a Outbox) -> Self {
        let total = ladder.rungs.iter().map(|rung| size_of(&rung.path)).sum::<u64>().max(1);
        Self { outbox, done: 0, total, read_bytes: 0 }
    }

    /// The model of `rung` in this place if it is here still.
    fn kept(&mut self, rung: &Rung, place: &Place, kept: &Kept) -> Option<Rc<Weights>> {
        let weights = kept.get(&rung.path, place)?;
        let start = self.done as f32 / self.total as f32;
        self.outbox.send(&Event::Loading { rung: rung.name.clone(), fraction: READING * start.min(1.0) });
        self.done += size_of(&rung.path);
        Some(weights)
    }

    fn read(&mut self, llama: &Llama, rung: &Rung, place: &Place, inbox: &Inbox) -> Result<Rc<Weights>, Problem> {
        let bytes = size_of(&rung.path);
        let (start, share) = (self.done as f32 / self.total as f32, bytes as f32 / self.total as f32);
        let (outbox, cancel, name) = (self.outbox.clone(), inbox.cancel_flag(), rung.name.clone());
        let last = Rc::new(Cell::new(f32::NEG_INFINITY));
        let progress = move |fraction: f32| {
            let fraction = READING * (start + share * fraction).clamp(0.0, 1.0);
            if fraction - last.get() >= STEP {
                last.set(fraction);
                outbox.send(&Event::Loading { rung: name.clone(), fraction });
            }
            !cancel.load(Ordering::Acquire)
        };
        // Even a file that is refused at once was begun: the parent must know which one ended the worker.
        self.outbox.send(&Event::Loading { rung: rung.name.clone(), fraction: READING * start.min(1.0) });
        let weights = llama.read(&rung.path, place, progress);
        self.done += bytes;
        self.read_bytes += bytes;
        weights.map(Rc::new)
    }
}

/// Bytes of a file; none if it is not there.
pub(super) fn size_of(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |about| about.len())
}
