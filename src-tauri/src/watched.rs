use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tauri::ipc::Channel;

/// Something that changes, and the page that wants to know.
pub(crate) struct Watched<T> {
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    value: T,
    watcher: Option<Channel<T>>,
}

impl<T: Clone + Serialize> Watched<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { inner: Mutex::new(Inner { value, watcher: None }) }
    }

    /// What it is now.
    pub(crate) fn now(&self) -> T {
        self.inner().value.clone()
    }

    /// Changes it and tells the page.
    pub(crate) fn set(&self, value: T) {
        let mut inner = self.inner();
        inner.value = value;
        inner.tell();
    }

    /// Changes it to what `change` makes of it, if that is something, and tells the page.
    pub(crate) fn change(&self, change: impl FnOnce(&T) -> Option<T>) {
        let mut inner = self.inner();
        if let Some(value) = change(&inner.value) {
            inner.value = value;
            inner.tell();
        }
    }

    /// Tells `watcher` what it is now and at every change, instead of the page before it: there is one window.
    pub(crate) fn watch(&self, watcher: Channel<T>) {
        let mut inner = self.inner();
        inner.watcher = Some(watcher);
        inner.tell();
    }

    fn inner(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone + Serialize> Inner<T> {
    /// A page that is gone misses it.
    fn tell(&self) {
        if let Some(watcher) = &self.watcher
            && let Err(error) = watcher.send(self.value.clone())
        {
            tracing::debug!(%error, "the window is gone");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_changes_only_to_what_is_made_of_it() {
        let watched = Watched::new(3);
        watched.change(|now| (*now > 5).then_some(9));
        assert_eq!(watched.now(), 3);
        watched.change(|now| Some(now + 1));
        assert_eq!(watched.now(), 4);
    }
}
