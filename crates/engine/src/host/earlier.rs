//! Calls that tell the worker of earlier chats, and have it forget.

use protocol::worker::{Anew, Command};

use super::call::Call;

impl Call<'_> {
    /// From now on drafts may copy from `texts`, oldest first, instead of those given before: what was said in earlier chats.
    /// Only what is new is sent to the worker. Where some of what was given is missing, drafts begin anew; with `deleted` the
    /// worker forgets everything it saw of texts, what its models have read too. Answers stay the same.
    pub fn earlier(&mut self, texts: Vec<String>, deleted: bool) {
        let before = &self.work.earlier;
        let same = before.iter().zip(&texts).take_while(|(old, new)| old == new).count();
        let gone = before.len() > texts.len() || before.iter().zip(&texts).any(|(old, new)| !new.starts_with(old));
        // An answer that was continued is told once more, with its end.
        self.work.told = self.work.told.min(same);
        self.work.earlier = texts;
        let anew = if deleted { Anew::All } else { Anew::Drafts };
        self.forget(if gone || deleted { anew } else { Anew::Nothing });
    }

    /// Lets the worker forget what it saw of texts, as far as `anew` says; earlier chats are given to it again. Answers stay the same.
    pub fn forget(&mut self, anew: Anew) {
        if anew != Anew::Nothing {
            (self.work.told, self.work.anew) = (0, self.work.anew.max(anew));
        }
        if self.holds() {
            self.tell_earlier();
        }
    }

    /// Gives the worker what it lacks of earlier chats.
    pub(super) fn tell_earlier(&mut self) {
        let (told, anew, all) = (self.work.told, self.work.anew, self.work.earlier.len());
        let Some(process) = &self.work.process else { return };
        if told == all && anew == Anew::Nothing {
            return;
        }
        let texts = self.work.earlier[told..].to_vec();
        // Without it answers are the same, only later.
        if let Err(problem) = process.line().ask(&Command::Earlier { texts, anew }) {
            tracing::warn!(code = %problem.code, "earlier chats could not be given to the worker");
        }
        (self.work.told, self.work.anew) = (all, Anew::Nothing);
    }
}
