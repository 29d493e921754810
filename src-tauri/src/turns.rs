//! Who may use the engine next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::{Code, Problem};

/// One answer at a time, none while a chosen ladder is on its way, and of several choices only the latest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    answering: bool,
    /// The answer was asked to stop, perhaps before it had the engine.
    stopped: bool,
    /// The latest choice, and the last one that has led to something.
    latest: u32,
    settled: u32,
}

/// A choice of a ladder, held until it is loaded or cannot be.
#[derive(Debug)]
pub(crate) struct Choice {
    turns: Turns,
    number: u32,
}

/// Held until an answer is over and kept.
#[derive(Debug)]
pub(crate) struct Answering(Turns);

impl Turns {
    /// A choice, which takes the place of every earlier one.
    ///
    /// # Errors
    /// [`Code::Busy`] while an answer is written.
    pub(crate) fn choose(&self) -> Result<Choice, Problem> {
        let mut inner = self.inner();
        if inner.answering {
            return Err(Problem::new(Code::Busy));
        }
        inner.latest += 1;
        Ok(Choice { turns: self.clone(), number: inner.latest })
    }

    /// The right to write an answer.
    ///
    /// # Errors
    /// [`Code::Busy`] while another is written, [`Code::NothingLoaded`] while a ladder is on its way.
    pub(crate) fn answer(&self) -> Result<Answering, Problem> {
        let mut inner = self.inner();
        if inner.answering {
            return Err(Problem::new(Code::Busy));
        }
        if inner.settled != inner.latest {
            return Err(Problem::new(Code::NothingLoaded));
        }
        (inner.answering, inner.stopped) = (true, false);
        Ok(Answering(self.clone()))
    }

    pub(crate) fn is_answering(&self) -> bool {
        self.inner().answering
    }

    /// Asks the answer in progress to stop; false if there is none.
    pub(crate) fn stop(&self) -> bool {
        let mut inner = self.inner();
        inner.stopped = inner.answering;
        inner.answering
    }

    /// Whether the answer in progress was asked to stop.
    pub(crate) fn is_stopped(&self) -> bool {
        self.inner().stopped
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Choice {
    /// Whether nothing else was chosen since.
    pub(crate) fn is_latest(&self) -> bool {
        self.turns.inner().latest == self.number
    }

    /// Does `work` unless something else was chosen, and keeps choices away until it is done.
    pub(crate) fn if_latest(&self, work: impl FnOnce()) {
        let inner = self.turns.inner();
        if inner.latest == self.number {
            work();
        }
    }
}

impl Drop for Choice {
    fn drop(&mut self) {
        let mut inner = self.turns.inner();
        if inner.latest == self.number {
            inner.settled = self.number;
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.inner().answering = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_choices_only_the_latest_counts() {
        let turns = Turns::default();
        let (first, second) = (turns.choose().unwrap(), turns.choose().unwrap());
        assert!(!first.is_latest() && second.is_latest());
        drop(first);
        assert_eq!(turns.answer().unwrap_err().code, Code::NothingLoaded, "the second is still on its way");
        drop(second);
        drop(turns.answer().unwrap());
    }

    #[test]
    fn an_answer_keeps_out_choices_and_other_answers() {
        let turns = Turns::default();
        let answering = turns.answer().unwrap();
        assert_eq!(turns.choose().unwrap_err().code, Code::Busy);
        assert_eq!(turns.answer().unwrap_err().code, Code::Busy);
        assert!(turns.stop() && turns.is_stopped());
        drop(answering);
        assert!(!turns.stop(), "there is nothing to stop");
        let next = turns.answer().unwrap();
        assert!(!turns.is_stopped(), "a stop was for the one before");
        drop(next);
        assert!(turns.choose().unwrap().is_latest());
        turns.answer().unwrap();
    }
}
