//! The target's look at second choices beside the line of proposals: a tree of depth one.

use crate::model::{Branch, LanguageModel};
use crate::policy::View;
use crate::run::Run;

impl<M: LanguageModel> Run<'_, M> {
    /// Chooses the second choices that the target will look at too; the first `ahead` proposals cost nothing.
    pub(crate) fn branch(&mut self, room: usize, ahead: usize) {
        let target = &self.ladder.rungs[0];
        let free = target.model.capacity().saturating_sub(self.ladder.text.len());
        let most = target.model.branches().min(free);
        if !self.may_branch || self.proposals.is_empty() || most == 0 {
            return;
        }
        let bench = std::mem::take(&mut self.ladder.rungs[0].bench);
        let view = View {
            reviewer: 0,
            pending: &self.proposals,
            ahead: ahead.min(self.proposals.len()),
            room: room - self.proposals.len(),
            available: &bench.available,
            behind: &bench.behind,
            reviews: &bench.reviews,
            max_gram: None,
            answered: self.committed - self.request.prompt.len(),
            held: self.committed,
        };
        let mut chosen = std::mem::take(&mut self.chosen);
        chosen.clear();
        self.policy.branches(&view, most, &mut chosen);
        for &index in chosen.iter().take(most) {
            let second = self.proposals.get(index).and_then(|proposal| proposal.second);
            // An end wins nothing: there is no token behind it.
            if let Some(second) = second.filter(|second| !self.ends(second.token)) {
                let branch = Branch { at: self.committed + index, token: second.token };
                if !self.branches.contains(&branch) {
                    self.branches.push(branch);
                }
            }
        }
        self.chosen = chosen;
        self.ladder.rungs[0].bench = bench;
    }
}
