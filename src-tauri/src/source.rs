//! Where models come from. Lists do not wait for a folder on a network share that hangs.

use std::fs;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use catalog::SourceChoice;

use crate::app::App;

/// How long a folder may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The folder that models come from, asked whether it is there.
#[derive(Default)]
pub(crate) struct SourceFolder {
    /// The one that has not answered in time, and what it will answer.
    late: Mutex<Option<(String, Receiver<Option<SourceChoice>>)>>,
}

impl SourceFolder {
    /// What `look` finds of a folder; None if that takes too long, and at once as long as it still does.
    fn ask<L>(&self, folder: &str, look: L) -> Option<SourceChoice>
    where
        L: FnOnce(&str) -> Option<SourceChoice> + Send + 'static,
    {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        if late
            .as_ref()
            .is_some_and(|(other, answer)| other == folder && matches!(answer.try_recv(), Err(TryRecvError::Empty)))
        {
            return None;
        }
        let (tell, answer) = channel();
        let asked = folder.to_owned();
        thread::spawn(move || tell.send(look(&asked)));
        let found = answer.recv_timeout(PATIENCE);
        *late = found.is_err().then(|| (folder.to_owned(), answer));
        found.ok().flatten()
    }
}

impl App {
    /// Where files may come from, as environment and settings have it.
    pub(crate) fn source(&self) -> SourceChoice {
        let folder = self.settings().source.clone();
        of(&folder, &self.locked())
    }

    /// The same for lists: a folder that is not there, or does not answer, may have anything.
    pub(crate) fn source_now(&self) -> SourceChoice {
        self.source_if_there().unwrap_or_default()
    }

    /// Whether the folder that files come from is not there, or does not answer.
    pub(crate) fn source_missing(&self) -> bool {
        self.source_if_there().is_none()
    }

    fn source_if_there(&self) -> Option<SourceChoice> {
        let folder = self.settings().source.clone();
        let locked = self.locked();
        self.source_folder.ask(&folder, move |folder| look(folder, &locked))
    }
}

/// Where files may come from if this folder is chosen; what is wrong with it is said when something is to be fetched.
fn of(folder: &str, locked: &[String]) -> SourceChoice {
    SourceChoice::chosen(folder, locked).unwrap_or_default()
}

/// Where files may come from if this folder is chosen and there.
fn look(folder: &str, locked: &[String]) -> Option<SourceChoice> {
    let source = of(folder, locked);
    if let SourceChoice::Folder(folder) = &source {
        // That it is there the system may remember of one that is gone; what is in it has to be asked for.
        let _ = fs::read_dir(folder);
    }
    source.there().is_ok().then_some(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_hangs_is_waited_for_once_and_asked_again_when_it_has_answered() {
        let folder = SourceFolder::default();
        let (go, wait) = channel::<()>();
        let hangs = move |_: &str| {
            let _ = wait.recv();
            None
        };
        let there = |_: &str| Some(SourceChoice::PythonPackages);
        assert_eq!(folder.ask("/share", hangs), None);
        assert_eq!(folder.ask("/share", there), None, "not asked while it hangs");
        drop(go);
        let answers = |_| {
            thread::sleep(Duration::from_millis(10));
            folder.ask("/share", there) == there("")
        };
        assert!((0..3000).any(answers), "it is never asked again");
    }

    #[test]
    fn nobody_waits_for_a_folder_that_is_not_chosen_any_more() {
        let folder = SourceFolder::default();
        let (_go, wait) = channel::<()>();
        let hangs = move |_: &str| wait.recv().ok().map(|()| SourceChoice::Any);
        assert_eq!(folder.ask("/share", hangs), None);
        assert_eq!(folder.ask("/stick", |_| Some(SourceChoice::HuggingFace)), Some(SourceChoice::HuggingFace));
    }

    #[test]
    fn what_is_there_is_told_and_what_is_not_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let named = |path: &std::path::Path| look(path.to_str().unwrap(), &[]);
        assert_eq!(named(folder.path()), Some(SourceChoice::Folder(folder.path().into())));
        assert_eq!(named(&folder.path().join("gone")), None);
    }
}
