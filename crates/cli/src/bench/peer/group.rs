//! Programs that were started for the time of a measurement and end with it.

use std::io;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Child processes. A clone is a handle on the same ones: one ends them while another waits for an answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group(Arc<Mutex<Members>>);

#[derive(Debug, Default)]
struct Members {
    /// A place stays with its child; an ended one leaves it empty.
    children: Vec<Option<Child>>,
    closed: bool,
}

/// The place of a child in its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(usize);

impl Group {
    fn members(&self) -> MutexGuard<'_, Members> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a program. `take` gets what it needs of the child before that belongs to the group.
    pub(super) fn start<T>(&self, command: &mut Command, take: impl FnOnce(&mut Child) -> T) -> io::Result<(Place, T)> {
        let mut members = self.members();
        if members.closed {
            return Err(io::Error::from(io::ErrorKind::Interrupted));
        }
        let mut child = command.spawn()?;
        let taken = take(&mut child);
        members.children.push(Some(child));
        Ok((Place(members.children.len() - 1), taken))
    }

    /// Whether the program at `place` still runs.
    pub(super) fn runs(&self, place: Place) -> bool {
        let mut members = self.members();
        let child = members.children.get_mut(place.0).and_then(Option::as_mut);
        child.is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Ends the program at `place`.
    pub(super) fn end(&self, place: Place) {
        let child = self.members().children.get_mut(place.0).and_then(Option::take);
        child.into_iter().for_each(kill);
    }

    /// Ends all of them and refuses to start more.
    pub(crate) fn close(&self) {
        let mut members = self.members();
        members.closed = true;
        let children = std::mem::take(&mut members.children);
        drop(members);
        children.into_iter().flatten().for_each(kill);
    }
}

fn kill(mut child: Child) {
    // One that ended by itself is only waited for.
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sleeper() -> Command {
        let mut command = Command::new("sleep");
        command.arg("1000");
        command
    }

    #[test]
    fn closing_ends_all_and_starts_no_more() {
        let group = Group::default();
        let places: Vec<_> = (0..2).map(|_| group.start(&mut sleeper(), |_| {}).unwrap().0).collect();
        assert!(places.iter().all(|place| group.runs(*place)));
        group.clone().close();
        assert!(!places.iter().any(|place| group.runs(*place)));
        assert!(group.start(&mut sleeper(), |_| {}).is_err());
    }

    #[test]
    fn ending_one_leaves_the_others() {
        let group = Group::default();
        let (first, number) = group.start(&mut sleeper(), |child| child.id()).unwrap();
        let (second, other) = group.start(&mut sleeper(), |child| child.id()).unwrap();
        assert_ne!(number, other);
        group.end(first);
        assert!(!group.runs(first) && group.runs(second));
        group.close();
    }
}
