//! Files that the system has Taki open: a model or a recipe that somebody chose in a file manager. The page learns that there are some, not
//! where they lie.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::watched::Watched;

/// What was to be opened and is not taken in yet.
pub(crate) struct Opened {
    paths: Mutex<Vec<PathBuf>>,
    /// How many there are.
    pub(crate) waiting: Watched<u32>,
    /// What stops whoever waits for the right to take them in, as long as somebody does.
    turn: Mutex<Weak<AtomicBool>>,
}

impl Default for Opened {
    fn default() -> Self {
        Self { paths: Mutex::default(), waiting: Watched::new(0), turn: Mutex::default() }
    }
}

impl Opened {
    /// Puts files behind those that wait.
    pub(crate) fn add(&self, files: impl IntoIterator<Item = PathBuf>) {
        let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        let before = paths.len();
        paths.extend(files);
        if paths.len() > before {
            self.waiting.set(paths.len() as u32);
        }
    }

    /// All that wait, in order.
    pub(crate) fn take(&self) -> Vec<PathBuf> {
        let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.set(0);
        std::mem::take(&mut *paths)
    }

    /// What becomes true when nobody wants them any more before it is their turn. Held as long as that is waited for.
    pub(crate) fn wait(&self) -> Arc<AtomicBool> {
        let stop = Arc::default();
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&stop);
        stop
    }

    /// Stops whoever waits for their turn. False if nobody does.
    pub(crate) fn stop(&self) -> bool {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        turn.inspect(|stop| stop.store(true, Ordering::Release)).is_some()
    }
}

/// The models and recipes among a program's arguments, which it was given in `folder`. Anything else is no file for Taki.
pub(crate) fn files(arguments: impl IntoIterator<Item = impl Into<OsString>>, folder: &Path) -> Vec<PathBuf> {
    // The first is the program itself.
    let paths = arguments.into_iter().skip(1).map(|argument| folder.join(argument.into()));
    let is_ours = |path: &PathBuf| {
        let ending = path.extension().unwrap_or_default();
        ["gguf", "toml"].iter().any(|known| ending.eq_ignore_ascii_case(known))
    };
    paths.filter(is_ours).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_models_and_recipes_are_opened_and_from_where_they_were_named() {
        let named = ["taki-app", "a.GGUF", "/models/b.gguf", "--flag", "notes.txt", "c.taki.toml", "", "gguf"];
        let found = files(named, Path::new("/home/me"));
        assert_eq!(found, ["/home/me/a.GGUF", "/models/b.gguf", "/home/me/c.taki.toml"].map(PathBuf::from));
    }

    #[test]
    fn what_waits_is_taken_once_and_in_order() {
        let opened = Opened::default();
        opened.add([]);
        assert_eq!(opened.waiting.now(), 0);
        opened.add([PathBuf::from("a"), PathBuf::from("b")]);
        opened.add([PathBuf::from("c")]);
        assert_eq!(opened.waiting.now(), 3);
        assert_eq!(opened.take(), ["a", "b", "c"].map(PathBuf::from));
        assert_eq!((opened.waiting.now(), opened.take().len()), (0, 0));
    }

    #[test]
    fn only_who_waits_for_their_turn_is_stopped() {
        let opened = Opened::default();
        assert!(!opened.stop(), "nobody waits");
        let stop = opened.wait();
        assert!(!stop.load(Ordering::Acquire) && opened.stop() && stop.load(Ordering::Acquire));
        drop(stop);
        assert!(!opened.stop(), "it is their turn: a stop is for what goes on");
    }
}
