//! What drafts may copy from of earlier chats: those of the window, and what was said in this terminal since.

use protocol::Problem;
use store::{ChatsFrom, Earlier, Places, Store};

/// Earlier chats, if they are wanted and there are any.
pub(crate) struct EarlierChats {
    store: Option<Store>,
    from: ChatsFrom,
    /// The message that the last look-up began with.
    first: Option<u32>,
    /// What was said here; it is kept nowhere else.
    here: Vec<String>,
    wanted: bool,
}

impl EarlierChats {
    /// Those of the window, which may be open. The second value says why they cannot be used.
    pub(crate) fn of(places: &Places, wanted: bool) -> (Self, Option<Problem>) {
        let from = ChatsFrom::of(places);
        let (store, problem) = match (wanted && from.any()).then(|| Store::open_beside(places)).transpose() {
            Ok(store) => (store, None),
            Err(problem) => (None, Some(problem)),
        };
        (Self { store, from, first: None, here: Vec::new(), wanted }, problem)
    }

    /// As they stand now, oldest first.
    pub(crate) fn texts(&mut self) -> Vec<String> {
        // What was deleted since the last answer is gone; one that cannot be read now is only later without.
        let read = self.store.as_ref().and_then(|store| store.earlier(self.first, self.from.get()).ok());
        let Earlier { mut texts, first } = read.unwrap_or_default();
        self.first = first;
        texts.extend_from_slice(&self.here);
        texts
    }

    /// Keeps a question and its answer as long as this program runs.
    pub(crate) fn add(&mut self, question: String, answer: String) {
        if self.wanted {
            self.here.extend([question, answer]);
        }
    }
}
