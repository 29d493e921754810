use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::chat::EngineState;
use tauri::ipc::Channel;

/// What the engine is doing, and the page that wants to know.
#[derive(Default)]
pub(crate) struct EngineWatch {
    inner: Mutex<Inner>,
}

struct Inner {
    state: EngineState,
    watcher: Option<Channel<EngineState>>,
}

impl Default for Inner {
    fn default() -> Self {
        Self { state: EngineState::Empty, watcher: None }
    }
}

impl EngineWatch {
    /// The state now.
    pub(crate) fn state(&self) -> EngineState {
        self.inner().state.clone()
    }

    /// Changes the state and tells the page.
    pub(crate) fn set(&self, state: EngineState) {
        let mut inner = self.inner();
        inner.state = state;
        inner.tell();
    }

    /// Tells `watcher` the state now and at every change, instead of the page before it: there is one window.
    pub(crate) fn watch(&self, watcher: Channel<EngineState>) {
        let mut inner = self.inner();
        inner.watcher = Some(watcher);
        inner.tell();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// A page that is gone misses it.
    fn tell(&self) {
        if let Some(watcher) = &self.watcher
            && let Err(error) = watcher.send(self.state.clone())
        {
            tracing::debug!(%error, "the window is gone");
        }
    }
}
