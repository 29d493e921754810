//! What drafts may copy from of earlier chats: what stands in the conversations, given to the engine in memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use engine::Call;
use protocol::Problem;
use protocol::chat::EarlierChats;
use store::{ChatsFrom, Earlier, Store, now_ms};

use crate::app::App;

/// What was given last.
#[derive(Default)]
pub(crate) struct Given {
    /// The message that it began with.
    first: Mutex<Option<u32>>,
    /// Something of it was deleted since.
    gone: AtomicBool,
}

impl App {
    /// Gives the engine what was said in earlier chats as it stands on disk now; nothing if the user does not want that.
    pub(crate) fn tell_earlier(&self, call: &mut Call<'_>) {
        let gone = self.given.gone.swap(false, Ordering::AcqRel);
        let texts = if self.settings().earlier_chats { self.since_last(gone) } else { Vec::new() };
        call.earlier(texts, gone);
    }

    fn since_last(&self, gone: bool) -> Vec<String> {
        let mut first = self.given.first.lock().unwrap_or_else(PoisonError::into_inner);
        match self.look_up(first.filter(|_| !gone)) {
            Ok(earlier) => {
                *first = earlier.first;
                earlier.texts
            }
            // Answers are the same without.
            Err(problem) => {
                tracing::warn!(code = %problem.code, "earlier chats could not be read");
                Vec::new()
            }
        }
    }

    fn look_up(&self, first: Option<u32>) -> Result<Earlier, Problem> {
        let disk = self.disk()?;
        disk.store.earlier(first, ChatsFrom::of(&disk.places).get())
    }

    /// The same while the engine rests; if it is at work, its next answer begins with it.
    pub(crate) fn tell_earlier_now(&self) {
        let _counted = self.after_counting();
        // Nobody asked for a model to be loaded for this.
        if let Some(mut call) = self.engine.begin().ok().filter(Call::holds) {
            self.tell_earlier(&mut call);
        }
    }

    /// Deletes messages: the engine forgets all it saw of texts and is told anew.
    pub(crate) fn delete_chats<T>(&self, change: impl FnOnce(&Store) -> Result<T, Problem>) -> Result<T, Problem> {
        let changed = change(&self.disk()?.store)?;
        self.given.gone.store(true, Ordering::Release);
        self.tell_earlier_now();
        Ok(changed)
    }

    /// How much is copied from if the user wants it.
    pub(crate) fn earlier_chats(&self) -> Result<EarlierChats, Problem> {
        Ok(EarlierChats::of(&self.look_up(None)?.texts))
    }

    /// Copies from nothing any more that was written up to now. The conversations stay.
    pub(crate) fn erase_earlier_chats(&self) -> Result<EarlierChats, Problem> {
        let from = ChatsFrom::of(&self.disk()?.places);
        self.delete_chats(|store| from.begin_anew(store, now_ms()))?;
        self.earlier_chats()
    }
}
