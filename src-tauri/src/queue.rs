//! Which ladders are to be fetched, in which order, and how far each is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::chat::{Download, DownloadState, FetchShare};
use protocol::{Code, Problem};
use store::Wanted;

/// The ladders that are to be fetched, first come, first served; one comes in at a time.
#[derive(Default)]
pub(crate) struct Queue {
    items: Vec<Item>,
}

struct Item {
    told: Download,
    then_use: bool,
    /// The ladder that was chosen when this one was asked for.
    before: String,
    /// Ends its fetching.
    stop: Arc<AtomicBool>,
}

/// A ladder whose turn it is.
pub(crate) struct Turn {
    pub(crate) ladder: String,
    pub(crate) stop: Arc<AtomicBool>,
}

/// What is to be done with a ladder that is whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Nothing,
    /// It is used, unless another one than this was chosen meanwhile.
    Use {
        before: String,
    },
    /// What came in of it is deleted: it was taken out meanwhile.
    Discard,
}

impl Queue {
    /// Puts a ladder at the end, of which so much is here; one that is in the queue already goes on.
    pub(crate) fn add(&mut self, wanted: &Wanted, name: &str, before: &str, begun: Option<FetchShare>) {
        if let Some(item) = self.item(&wanted.ladder) {
            item.then_use |= wanted.then_use;
            before.clone_into(&mut item.before);
            self.resume(&wanted.ladder);
            return;
        }
        let state = match &wanted.problem {
            Some(problem) => DownloadState::Failed { problem: problem.clone() },
            None if wanted.paused => DownloadState::Paused,
            None => DownloadState::Waiting,
        };
        let told = Download {
            ladder: wanted.ladder.clone(),
            name: name.to_owned(),
            state,
            progress: begun,
            left_out: Vec::new(),
            anew: false,
        };
        let before = if wanted.before.is_empty() { before.to_owned() } else { wanted.before.clone() };
        self.items.push(Item { told, then_use: wanted.then_use, before, stop: Arc::default() });
    }

    /// Lets one wait until it is resumed.
    pub(crate) fn pause(&mut self, ladder: &str) {
        if let Some(item) = self.item(ladder).filter(|item| item.told.state != DownloadState::Ready) {
            item.stop.store(true, Ordering::Release);
            item.told.state = DownloadState::Paused;
            // What was foretold held while it came in.
            item.told.progress = item.told.progress.map(|share| FetchShare { seconds_left: None, ..share });
        }
    }

    /// Lets one go on that was paused or has failed.
    pub(crate) fn resume(&mut self, ladder: &str) {
        if let Some(item) = self.item(ladder).filter(|item| rests(&item.told.state)) {
            // The fetching before may not have noticed its end yet: it keeps the old flag.
            item.stop = Arc::default();
            item.told.state = DownloadState::Waiting;
        }
    }

    /// Takes one out. False if it was not there.
    pub(crate) fn remove(&mut self, ladder: &str) -> bool {
        let Some(at) = self.items.iter().position(|item| item.told.ladder == ladder) else { return false };
        self.items.remove(at).stop.store(true, Ordering::Release);
        true
    }

    /// Whether a ladder is to be fetched.
    pub(crate) fn has(&self, ladder: &str) -> bool {
        self.items.iter().any(|item| item.told.ladder == ladder)
    }

    /// Notes why a ladder that is whole cannot be used.
    pub(crate) fn fail(&mut self, turn: &Turn, problem: Problem) {
        if let Some(item) = self.at_work(turn) {
            item.told.state = DownloadState::Failed { problem };
        }
    }

    /// Puts a ladder before all others; what comes in now waits for it.
    pub(crate) fn put_first(&mut self, ladder: &str) {
        let Some(at) = self.items.iter().position(|item| item.told.ladder == ladder) else { return };
        for item in self.items.iter_mut().filter(|item| item.told.ladder != ladder && is_moving(&item.told.state)) {
            item.stop.store(true, Ordering::Release);
            item.stop = Arc::default();
            item.told.state = DownloadState::Waiting;
        }
        let item = self.items.remove(at);
        self.items.insert(0, item);
    }

    /// The ladder of `turn` answers in the place of `before`, and leaves the queue. Those that were asked for later take over from
    /// it: what the queue itself has chosen is nobody's other choice.
    pub(crate) fn used(&mut self, turn: &Turn, before: &str) {
        let Some(at) = self.items.iter().position(|item| item.told.ladder == turn.ladder) else { return };
        for item in self.items[at..].iter_mut().filter(|item| item.before == before) {
            item.before.clone_from(&turn.ladder);
        }
        self.remove(&turn.ladder);
    }

    /// The other ladders that are to be fetched.
    pub(crate) fn others(&self, ladder: &str) -> Vec<String> {
        self.items.iter().map(|item| item.told.ladder.clone()).filter(|other| other != ladder).collect()
    }

    /// Ends what comes in, for now.
    pub(crate) fn stop(&self) {
        for item in &self.items {
            item.stop.store(true, Ordering::Release);
        }
    }

    /// The next one whose turn it is.
    pub(crate) fn next(&mut self) -> Option<Turn> {
        let item = self.items.iter_mut().find(|item| item.told.state == DownloadState::Waiting)?;
        item.told.state = DownloadState::Asking;
        Some(Turn { ladder: item.told.ladder.clone(), stop: Arc::clone(&item.stop) })
    }

    /// Notes how far the fetching of `turn` is and what is done, and whether a file of it had to be begun `anew`. False if that is not wanted
    /// any more.
    pub(crate) fn goes_on(&mut self, turn: &Turn, share: FetchShare, state: DownloadState, anew: bool) -> bool {
        let told = self.tell(turn, state, share);
        if let Some(item) = self.at_work(turn) {
            item.told.anew |= anew;
        }
        told
    }

    /// Notes how far the making of what the ladder of `turn` still lacks is. False if that is not wanted any more.
    pub(crate) fn makes(&mut self, turn: &Turn, share: FetchShare) -> bool {
        self.tell(turn, DownloadState::Making, share)
    }

    fn tell(&mut self, turn: &Turn, state: DownloadState, share: FetchShare) -> bool {
        let Some(item) = self.at_work(turn) else { return false };
        (item.told.state, item.told.progress) = (state, Some(share));
        true
    }

    /// Notes why drafts of the ladder of `turn` are not fetched: they do not go with its target after all.
    pub(crate) fn leave_out(&mut self, turn: &Turn, left_out: Vec<Problem>) {
        if let Some(item) = self.item(&turn.ladder).filter(|_| !left_out.is_empty()) {
            item.told.left_out = left_out;
        }
    }

    /// Notes how the fetching of `turn` has ended, and says what is to be done then.
    pub(crate) fn ended(&mut self, turn: &Turn, result: Result<(), Problem>) -> Then {
        let Some(item) = self.at_work(turn) else {
            let is_there = self.item(&turn.ladder).is_some();
            return if is_there { Then::Nothing } else { Then::Discard };
        };
        match result {
            Ok(()) if item.then_use => {
                item.told.state = DownloadState::Ready;
                Then::Use { before: item.before.clone() }
            }
            Ok(()) => {
                self.remove(&turn.ladder);
                Then::Nothing
            }
            Err(problem) => {
                item.told.state = match problem.code {
                    // The program ends: it goes on with the next start.
                    Code::Cancelled => DownloadState::Waiting,
                    _ => DownloadState::Failed { problem },
                };
                Then::Nothing
            }
        }
    }

    /// What the page is told.
    pub(crate) fn told(&self) -> Vec<Download> {
        self.items.iter().map(|item| item.told.clone()).collect()
    }

    /// What is kept for the next start. What has failed is tried again when somebody wants it.
    pub(crate) fn kept(&self) -> Vec<Wanted> {
        let one = |item: &Item| Wanted {
            ladder: item.told.ladder.clone(),
            then_use: item.then_use,
            paused: rests(&item.told.state),
            before: item.before.clone(),
            problem: match &item.told.state {
                DownloadState::Failed { problem } => Some(problem.clone()),
                _ => None,
            },
        };
        self.items.iter().map(one).collect()
    }

    fn item(&mut self, ladder: &str) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.told.ladder == ladder)
    }

    /// The one that `turn` fetches, unless it was paused or taken out since, or is another by now.
    fn at_work(&mut self, turn: &Turn) -> Option<&mut Item> {
        let item = self.item(&turn.ladder)?;
        (Arc::ptr_eq(&item.stop, &turn.stop) && !rests(&item.told.state)).then_some(item)
    }
}

/// Whether something is being done with it.
fn is_moving(state: &DownloadState) -> bool {
    matches!(
        state,
        DownloadState::Asking
            | DownloadState::Running
            | DownloadState::Interrupted { .. }
            | DownloadState::Checking
            | DownloadState::Making
    )
}

/// Whether it waits for somebody.
fn rests(state: &DownloadState) -> bool {
    matches!(state, DownloadState::Paused | DownloadState::Failed { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(ladder: &str) -> Wanted {
        Wanted { ladder: ladder.to_owned(), then_use: false, paused: false, before: String::new(), problem: None }
    }

    fn queue(ladders: &[&str]) -> Queue {
        let mut queue = Queue::default();
        for ladder in ladders {
            queue.add(&wanted(ladder), ladder, "old", None);
        }
        queue
    }

    fn states(queue: &Queue) -> Vec<DownloadState> {
        queue.told().into_iter().map(|told| told.state).collect()
    }

    const SHARE: FetchShare = FetchShare { done_bytes: 1.0, total_bytes: 2.0, seconds_left: Some(3.0) };

    #[test]
    fn one_comes_in_after_the_other() {
        let mut queue = queue(&["a", "b"]);
        queue.add(&wanted("a"), "a", "old", None);
        assert_eq!(queue.told().len(), 2, "asked for twice it comes once");
        let turn = queue.next().unwrap();
        assert!(queue.goes_on(&turn, SHARE, DownloadState::Running, false));
        assert_eq!(states(&queue), [DownloadState::Running, DownloadState::Waiting]);
        assert!(queue.makes(&turn, SHARE));
        assert_eq!(states(&queue)[0], DownloadState::Making);
        assert_eq!(queue.ended(&turn, Ok(())), Then::Nothing);
        assert_eq!(queue.next().unwrap().ladder, "b");
        assert!(queue.next().is_none());
    }

    #[test]
    fn what_is_paused_waits_and_what_comes_behind_goes_first() {
        let mut queue = queue(&["a", "b"]);
        let turn = queue.next().unwrap();
        queue.goes_on(&turn, SHARE, DownloadState::Running, false);
        queue.pause("a");
        assert!(turn.stop.load(Ordering::Acquire));
        assert!(!queue.goes_on(&turn, SHARE, DownloadState::Running, false), "news of before change nothing");
        assert_eq!(queue.told()[0].progress, Some(FetchShare { seconds_left: None, ..SHARE }));
        assert_eq!(queue.ended(&turn, Err(Problem::new(Code::Cancelled))), Then::Nothing);
        assert_eq!(states(&queue)[0], DownloadState::Paused);
        assert_eq!(queue.next().unwrap().ladder, "b");
        queue.resume("a");
        let again = queue.next().unwrap();
        assert!(again.ladder == "a" && !again.stop.load(Ordering::Acquire));
        // The end of the fetching before, which comes late, is not its own.
        queue.ended(&turn, Ok(()));
        assert_eq!(states(&queue)[0], DownloadState::Asking);
    }

    #[test]
    fn what_is_left_out_is_told_as_long_as_the_ladder_is_in_the_queue() {
        let mut queue = queue(&["a"]);
        let turn = queue.next().unwrap();
        let problem = Problem::new(Code::TokenizersDiffer).with("rung", "B");
        queue.leave_out(&turn, vec![problem.clone()]);
        queue.pause("a");
        queue.resume("a");
        // What is known by now is not asked once more, and leaves nothing out.
        let again = queue.next().unwrap();
        queue.leave_out(&again, Vec::new());
        assert_eq!(queue.told()[0].left_out, [problem]);
    }

    #[test]
    fn that_a_file_was_begun_anew_is_told_as_long_as_the_ladder_is_in_the_queue() {
        let mut queue = queue(&["a"]);
        let turn = queue.next().unwrap();
        let mut goes_on = |anew| (queue.goes_on(&turn, SHARE, DownloadState::Running, anew), queue.told()[0].anew);
        assert_eq!([goes_on(false), goes_on(true), goes_on(false)], [(true, false), (true, true), (true, true)]);
        queue.pause("a");
        assert!(queue.told()[0].anew);
    }

    #[test]
    fn what_fails_lets_others_go_on_and_can_be_tried_again() {
        let mut queue = queue(&["a", "b"]);
        let turn = queue.next().unwrap();
        let problem = Problem::new(Code::DownloadFailed);
        queue.ended(&turn, Err(problem.clone()));
        assert_eq!(states(&queue)[0], DownloadState::Failed { problem });
        assert_eq!(queue.next().unwrap().ladder, "b");
        assert!(queue.next().is_none());
        queue.add(&wanted("a"), "a", "new", None);
        assert_eq!(queue.next().unwrap().ladder, "a");
        assert_eq!((queue.remove("a"), queue.remove("a")), (true, false));
    }

    #[test]
    fn what_is_taken_out_is_deleted_when_nobody_writes_it_any_more() {
        let mut queue = queue(&["a", "b"]);
        assert!(queue.remove("b") && !queue.has("b") && queue.has("a"));
        let turn = queue.next().unwrap();
        assert_eq!(queue.others("x"), ["a"]);
        assert!(queue.remove("a"));
        assert!(turn.stop.load(Ordering::Acquire));
        assert_eq!(queue.ended(&turn, Err(Problem::new(Code::Cancelled))), Then::Discard);
        // Paused, but not noticed yet.
        queue.add(&wanted("a"), "a", "old", None);
        let turn = queue.next().unwrap();
        queue.pause("a");
        assert!(queue.remove("a"));
        // Wanted again before its end is noticed: what is there is of use.
        queue.add(&wanted("a"), "a", "old", None);
        assert_eq!(queue.ended(&turn, Err(Problem::new(Code::Cancelled))), Then::Nothing);
    }

    #[test]
    fn a_ladder_that_cannot_be_used_says_why_and_the_choice_before_it_is_kept() {
        let mut queue = Queue::default();
        queue.add(&Wanted { then_use: true, before: "kept".to_owned(), ..wanted("a") }, "A", "now", None);
        let turn = queue.next().unwrap();
        assert_eq!(queue.kept()[0].before, "kept");
        assert_eq!(queue.ended(&turn, Ok(())), Then::Use { before: "kept".to_owned() });
        queue.fail(&turn, Problem::new(Code::MemoryShort));
        assert!(matches!(&states(&queue)[0], DownloadState::Failed { .. }));
    }

    #[test]
    fn of_two_that_are_to_be_used_the_one_asked_for_later_stays() {
        let mut queue = Queue::default();
        for ladder in ["early", "small", "large"] {
            queue.add(&Wanted { then_use: true, ..wanted(ladder) }, ladder, "chosen", None);
        }
        queue.pause("early");
        let small = queue.next().unwrap();
        assert_eq!(queue.ended(&small, Ok(())), Then::Use { before: "chosen".to_owned() });
        queue.used(&small, "chosen");
        let large = queue.next().unwrap();
        assert_eq!(queue.ended(&large, Ok(())), Then::Use { before: "small".to_owned() });
        queue.used(&large, "small");
        queue.resume("early");
        let early = queue.next().unwrap();
        assert_eq!(queue.ended(&early, Ok(())), Then::Use { before: "chosen".to_owned() }, "what came after it stays");
    }

    #[test]
    fn one_that_is_put_first_comes_in_at_once_and_the_others_take_over_from_it() {
        let mut queue = Queue::default();
        queue.add(&Wanted { then_use: true, ..wanted("large") }, "large", "chosen", None);
        let large = queue.next().unwrap();
        queue.goes_on(&large, SHARE, DownloadState::Running, false);
        queue.add(&Wanted { then_use: true, ..wanted("small") }, "small", "chosen", None);
        queue.put_first("small");
        assert!(large.stop.load(Ordering::Acquire) && !queue.goes_on(&large, SHARE, DownloadState::Running, false));
        assert_eq!(queue.ended(&large, Err(Problem::new(Code::Cancelled))), Then::Nothing);
        let small = queue.next().unwrap();
        assert_eq!(small.ladder, "small");
        assert_eq!(queue.ended(&small, Ok(())), Then::Use { before: "chosen".to_owned() });
        queue.used(&small, "chosen");
        let large = queue.next().unwrap();
        assert_eq!(queue.ended(&large, Ok(())), Then::Use { before: "small".to_owned() });
    }

    #[test]
    fn what_is_to_be_used_is_ready_when_it_is_whole() {
        let mut queue = Queue::default();
        queue.add(&Wanted { then_use: true, ..wanted("a") }, "A", "old", None);
        let turn = queue.next().unwrap();
        assert_eq!(queue.ended(&turn, Ok(())), Then::Use { before: "old".to_owned() });
        queue.pause("a");
        assert_eq!(states(&queue), [DownloadState::Ready], "there is nothing to pause");
        assert_eq!(queue.kept().len(), 1, "until it answers the wish is one");
    }

    #[test]
    fn the_next_start_goes_on_where_this_one_ended() {
        let mut queue = queue(&["d", "a", "b", "c"]);
        let turn = queue.next().unwrap();
        let full = Problem::new(Code::DiskFull).with("free", "7 bytes");
        queue.ended(&turn, Err(full.clone()));
        queue.pause("b");
        let turn = queue.next().unwrap();
        queue.ended(&turn, Err(Problem::new(Code::Cancelled)));
        let kept = queue.kept();
        assert_eq!(kept.iter().map(|wanted| wanted.paused).collect::<Vec<_>>(), [true, false, true, false]);
        let mut next = Queue::default();
        for wanted in &kept {
            next.add(wanted, &wanted.ladder, "old", None);
        }
        let failed = DownloadState::Failed { problem: full };
        let [paused, waiting] = [DownloadState::Paused, DownloadState::Waiting];
        assert_eq!(states(&next), [failed, waiting.clone(), paused, waiting], "with the reason of what has failed");
    }
}
