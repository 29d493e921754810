//! A folder with a store, and short ways to fill it.

use protocol::{FinishReason, Receipt};
use store::{Places, Store};
use tempfile::TempDir;

/// A store in a folder of its own.
pub(crate) struct Home {
    pub(crate) folder: TempDir,
    pub(crate) places: Places,
    pub(crate) store: Store,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::below(folder.path());
        let store = open(&places);
        Self { folder, places, store }
    }

    /// Ends the program and starts it again.
    pub(crate) fn again(self) -> Self {
        let Self { folder, places, store } = self;
        drop(store);
        let store = open(&places);
        Self { folder, places, store }
    }

    /// The file itself.
    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.places.data.join("taki.sqlite3")
    }

    pub(crate) fn begin(&self) -> u32 {
        self.store.new_conversation(1.0).unwrap().id
    }

    pub(crate) fn ask(&self, conversation: u32, parent: Option<u32>, text: &str) -> u32 {
        self.store.add_question(conversation, parent, text, 2.0).unwrap()
    }

    pub(crate) fn answer(&self, question: u32, text: &str) -> u32 {
        let answer = self.store.begin_answer(question, 3.0).unwrap();
        self.store.finish_answer(answer, text, &receipt(), 4.0).unwrap();
        answer
    }

    /// Texts of the shown branch.
    pub(crate) fn texts(&self, conversation: u32) -> Vec<String> {
        self.store.conversation(conversation).unwrap().messages.into_iter().map(|message| message.text).collect()
    }
}

/// A store that nothing is wrong with.
pub(crate) fn open(places: &Places) -> Store {
    let (store, notices) = Store::open(places).unwrap();
    assert_eq!(notices, []);
    store
}

pub(crate) fn receipt() -> Receipt {
    Receipt {
        seconds: 1.5,
        first_token_seconds: 0.2,
        tokens: 9,
        prompt_tokens: 30,
        reused_tokens: 0,
        target_passes: 4,
        tokens_per_pass: 2.25,
        rungs: Vec::new(),
        alone_seconds: None,
        // Not every number of a receipt can be written down in a few digits.
        speed_up: Some(0.1 + 0.2),
        cascade: true,
        stood_aside: None,
        exact: false,
        seed: 0,
        finish: FinishReason::End,
        restarts: 0,
        left_out: Vec::new(),
        continued: false,
        ahead: 0,
        written: vec![(0, 3), (1, 2)],
    }
}
