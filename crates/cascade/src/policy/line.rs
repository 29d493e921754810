//! A policy that leaves second choices alone, for measuring what they bring.

use std::time::Duration;

use super::{Action, Ahead, Policy, Reviewed, View};

/// Another policy with a single line of proposals before the target: it is never asked for second choices.
pub struct Line<'p>(&'p mut dyn Policy);

impl<'p> Line<'p> {
    /// `policy` without its second choices. It learns as before.
    pub fn of(policy: &'p mut dyn Policy) -> Self {
        Self(policy)
    }
}

impl Policy for Line<'_> {
    fn begin(&mut self) {
        self.0.begin();
    }

    fn next(&mut self, view: &View<'_>) -> Action {
        self.0.next(view)
    }

    fn learn(&mut self, reviewed: &Reviewed<'_>) {
        self.0.learn(reviewed);
    }

    fn ahead(&mut self, view: &View<'_>) -> Ahead {
        self.0.ahead(view)
    }

    fn went_ahead(&mut self, width: usize, time: Duration) {
        self.0.went_ahead(width, time);
    }

    fn keep_ahead(&mut self, view: &View<'_>) -> usize {
        self.0.keep_ahead(view)
    }

    fn stands_aside(&self) -> bool {
        self.0.stands_aside()
    }
}
