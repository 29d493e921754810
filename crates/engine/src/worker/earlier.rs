//! What was said in earlier chats, as tokens of the target.

use cascade::{LanguageModel, Personal};

use super::answer::Answerer;

impl Answerer<'_> {
    /// Lets drafts copy from `texts` too; with `anew` from nothing else that was said before.
    pub(super) fn earlier(&mut self, texts: &[String], anew: bool) {
        let size = self.cascade.target().vocab().size;
        let Some(max_gram) = self.cascade.max_gram_mut() else { return };
        if anew {
            // Successors and phrases are pieces of texts too: of one that is gone none may stay.
            max_gram.forget_all();
            max_gram.set_personal(Personal::new(Personal::MOST), size);
        }
        for text in texts {
            max_gram.add_personal(&self.weights.tokens_of(text.as_bytes()));
        }
    }
}
