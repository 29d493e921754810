use std::sync::{Mutex, PoisonError};

use protocol::chat::EngineState;
use tauri::ipc::Channel;

/// What the engine is doing, and who wants to know.
#[derive(Default)]
pub(crate) struct EngineWatch {
    inner: Mutex<Inner>,
}

struct Inner {
    state: EngineState,
    watchers: Vec<Channel<EngineState>>,
}

impl Default for Inner {
    fn default() -> Self {
        Self { state: EngineState::Empty, watchers: Vec::new() }
    }
}

impl EngineWatch {
    /// The state now.
    pub(crate) fn state(&self) -> EngineState {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).state.clone()
    }

    /// Changes the state and tells everyone who still listens.
    pub(crate) fn set(&self, state: EngineState) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.watchers.retain(|watcher| watcher.send(state.clone()).is_ok());
        inner.state = state;
    }

    /// Tells `watcher` the state now and at every change.
    pub(crate) fn watch(&self, watcher: Channel<EngineState>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if watcher.send(inner.state.clone()).is_ok() {
            inner.watchers.push(watcher);
        }
    }
}
