//! What the models of a ladder had read when another one was wanted: those that both have need not read it again.

use cascade::{Cascade, LanguageModel, Reading, Token, VocabId};
use protocol::ladder::{CONTEXT, EngineSettings, Ladder};
use protocol::learned::Threads;

use super::kept::{Kept, Mark};
use super::memory::Memory;
use crate::llama::{Copied, Mode};
use crate::member::Member;

/// What models had read of a text.
pub(super) struct Heard {
    /// In tokens of this vocabulary.
    vocab: VocabId,
    text: Vec<Token>,
    models: Vec<Model>,
}

/// What a model had read.
struct Model {
    file: Mark,
    mode: Mode,
    threads: Threads,
    reading: Reading,
    held: Copied,
}

impl Heard {
    /// What the models of `cascade` that are among the `kept` and that `next` has too have read, as far as that is of use in `settings` and there is
    /// memory for a copy of it.
    pub(super) fn of(
        cascade: &mut Cascade<Member<'_>>,
        kept: &Kept,
        (next, settings): (&Ladder, EngineSettings),
    ) -> Option<Self> {
        let (mode, most) = (Mode::from(settings), settings.context.unwrap_or(CONTEXT) as usize);
        let wanted: Vec<Mark> = next.rungs.iter().filter_map(|rung| Mark::of(&rung.path)).collect();
        let mut memory = Memory::of_this_computer();
        let mut models = Vec::new();
        cascade.look_at_readings(|member, reading| {
            let Some(model) = member.sharing_mut().filter(|model| model.mode() == mode) else { return };
            if !(1..=most).contains(&reading.tokens()) {
                return;
            }
            let Some(file) = kept.file_of(model.weights()).filter(|file| wanted.contains(file)) else { return };
            if memory.take(model.copy_bytes() as u64).is_err() {
                return;
            }
            if let Ok(held) = model.copy_held() {
                let (file, mode, threads) = (file.clone(), model.mode(), model.threads());
                models.push(Model { file, mode, threads, reading, held });
            }
        });
        let (vocab, text) = (cascade.target().vocab().clone(), cascade.text().to_vec());
        (!models.is_empty()).then_some(Self { vocab, text, models })
    }

    /// Gives it to the models of `cascade` that it is of, if the text means the same to them.
    pub(super) fn tell(self, cascade: &mut Cascade<Member<'_>>, kept: &Kept) {
        if *cascade.target().vocab() != self.vocab {
            return;
        }
        cascade.take_over(self.text, |member| {
            let model = member.sharing_mut()?;
            let file = kept.file_of(model.weights())?;
            let known = |of: &&Model| of.file == *file && model.computes_as(of.mode, of.threads);
            let found = self.models.iter().find(known)?;
            match model.fill(&found.held, found.reading.tokens()) {
                Ok(()) => Some(found.reading),
                Err(error) => {
                    tracing::warn!(%error, "a model reads the conversation anew");
                    None
                }
            }
        });
    }
}
