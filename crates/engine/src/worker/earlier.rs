//! What was said in earlier chats, as tokens of the target.

use cascade::{LanguageModel, Personal};
use protocol::worker::Anew;

use super::answer::Answerer;

impl Answerer<'_> {
    /// Lets drafts copy from `texts` too, after forgetting what `anew` says.
    pub(super) fn earlier(&mut self, texts: &[String], anew: Anew) {
        let size = self.cascade.target().vocab().size;
        if anew == Anew::All {
            self.cascade.forget_texts();
        }
        let Some(max_gram) = self.cascade.max_gram_mut() else { return };
        if anew != Anew::Nothing {
            // Successors and phrases are pieces of texts too: of one that is gone none may stay.
            max_gram.forget_all();
            max_gram.set_personal(Personal::new(Personal::MOST), size);
        }
        for text in texts {
            max_gram.add_personal(&self.weights.tokens_of(text.as_bytes()));
        }
    }
}
