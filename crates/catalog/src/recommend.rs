//! Which ladder suits a computer, before anything of it is fetched.

/// Share of the memory that a ladder may take with room for everything else, and the most it may take at all.
const WELL: f64 = 0.7;
const AT_ALL: f64 = 0.9;

/// Slowest target that is suggested, in tokens per second: about how fast people read.
pub const READING: f64 = 8.0;

/// Largest target that is suggested where nothing was measured yet, in bytes: most computers of the last years write fast enough with it.
const UNMEASURED: u64 = 3_000_000_000;

/// Speed in tokens per second from which on a larger model would be worth the wait.
const PLENTY: f64 = 25.0;

/// What is known of a computer.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Machine {
    /// Its memory in bytes, if it tells.
    pub memory: Option<u64>,
    /// Bytes that graphics cards have free beside it, as far as they were asked: layers may lie there.
    pub cards: u64,
    /// Bytes of weights that a target's one-token passes read in a second here, if any was measured.
    pub reads: Option<f64>,
    /// Whether who sits at it reads Japanese.
    pub japanese: bool,
}

/// How something fits into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// With room for everything else.
    Well,
    /// With little beside it.
    Tight,
    /// Not at all.
    Not,
}

/// What a ladder takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Bytes of memory while it answers.
    pub memory: u64,
    /// Bytes of its target's weights that a token reads.
    pub target: u64,
    /// Whether it is for everybody and every purpose.
    pub general: bool,
    /// Whether it writes Japanese well.
    pub japanese: bool,
    /// Drafts that go with the target.
    pub drafts: usize,
}

impl Machine {
    /// How something that takes so many bytes fits. A computer that does not tell its memory refuses nothing.
    pub fn room(&self, bytes: u64) -> Room {
        match self.memory.map(|memory| memory.saturating_add(self.cards)) {
            Some(memory) if bytes as f64 > AT_ALL * memory as f64 => Room::Not,
            Some(memory) if bytes as f64 > WELL * memory as f64 => Room::Tight,
            _ => Room::Well,
        }
    }

    /// About how many tokens a second a target of so many bytes writes: a token reads every weight once, and waits for memory.
    pub fn pace(&self, target: u64) -> Option<f64> {
        self.reads.filter(|_| target > 0).map(|reads| reads / target as f64)
    }

    /// Which of the ladders to suggest: of those that fit well and write no slower than people read the largest, for the larger a model the better
    /// its answers. Where none is fast enough it is the smallest that fits. Who reads Japanese gets one that writes it, if any fits.
    pub fn suggest(&self, ladders: &[Candidate]) -> Option<usize> {
        let fitting = || ladders.iter().enumerate().filter(|(_, ladder)| self.room(ladder.memory) == Room::Well);
        let fast = |ladder: &Candidate| match self.pace(ladder.target) {
            Some(pace) => pace >= READING,
            None => ladder.target <= UNMEASURED,
        };
        let japanese = self.japanese && fitting().any(|(_, ladder)| ladder.japanese);
        let meant = |ladder: &Candidate| if japanese { ladder.japanese } else { ladder.general };
        let best = fitting().filter(|(_, ladder)| meant(ladder) && fast(ladder));
        let best = best.max_by_key(|(at, ladder)| (ladder.target, ladder.drafts, std::cmp::Reverse(*at)));
        let small = || fitting().filter(|(_, ladder)| meant(ladder)).min_by_key(|(at, ladder)| (ladder.target, *at));
        best.or_else(small).map(|(at, _)| at)
    }

    /// Which ladder would be better than number `now`, of which a trial found that it writes `pace` tokens a second: a smaller one where that is
    /// slower than people read, a larger one where it is much faster and that would still be fast enough.
    pub fn better(&self, ladders: &[Candidate], now: usize, pace: f64) -> Option<usize> {
        let own = ladders.get(now)?;
        if (READING..PLENTY).contains(&pace) || pace <= 0.0 {
            return None;
        }
        let measured = Self { reads: Some(pace * own.target as f64), ..*self };
        let found = measured.suggest(ladders)?;
        let (target, size) = (ladders[found].target, own.target);
        let is_better = if pace < READING { target < size } else { target > size };
        is_better.then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;

    fn ladder(target: u64) -> Candidate {
        Candidate { memory: target + target / 2, target, general: true, japanese: false, drafts: 1 }
    }

    fn ladders() -> Vec<Candidate> {
        let coder = Candidate { general: false, ..ladder(5 * GB) };
        vec![ladder(GB / 10), ladder(GB), ladder(3 * GB), ladder(5 * GB), coder, ladder(20 * GB)]
    }

    #[test]
    fn who_reads_japanese_gets_one_that_writes_it_if_any_fits() {
        let mut all = ladders();
        all.push(Candidate { general: false, japanese: true, ..ladder(2 * GB) });
        let suggest = |memory, japanese| Machine { memory: Some(memory), japanese, ..Machine::default() }.suggest(&all);
        assert_eq!((suggest(8 * GB, false), suggest(8 * GB, true)), (Some(2), Some(6)));
        assert_eq!(suggest(2 * GB, true), Some(0), "better any than none");
    }

    #[test]
    fn the_largest_that_fits_and_is_fast_enough_is_suggested() {
        let suggest = |memory, reads| Machine { memory, reads, ..Machine::default() }.suggest(&ladders());
        assert_eq!(suggest(Some(8 * GB), Some(100e9)), Some(2), "4.5 of 8 GB");
        assert_eq!(suggest(Some(16 * GB), Some(100e9)), Some(3), "not the one that is for programs only");
        assert_eq!(suggest(Some(64 * GB), Some(400e9)), Some(5));
        assert_eq!(suggest(Some(64 * GB), Some(20e9)), Some(1), "20 GB/s read 1 GB 20 times a second, 3 GB 7 times");
        assert_eq!(suggest(Some(64 * GB), None), Some(2), "nothing was measured yet");
        assert_eq!(suggest(Some(64 * GB), Some(0.1e9)), Some(0), "nothing is fast: the smallest");
        assert_eq!(suggest(Some(GB / 8), Some(100e9)), None, "nothing fits");
        assert_eq!(suggest(None, Some(1000e9)), Some(5), "a computer that does not tell refuses nothing");
    }

    #[test]
    fn something_better_is_smaller_where_it_is_slow_and_larger_where_it_is_fast() {
        let better =
            |memory, now, pace| Machine { memory: Some(memory), ..Machine::default() }.better(&ladders(), now, pace);
        assert_eq!(better(16 * GB, 3, 4.0), Some(1), "5 GB at 4 tokens/s are 20 GB/s");
        assert_eq!(better(16 * GB, 1, 12.0), None, "fast enough");
        assert_eq!(better(16 * GB, 1, 60.0), Some(3), "60 GB/s would read 5 GB 12 times a second");
        assert_eq!(better(2 * GB, 1, 60.0), None, "nothing larger fits");
        assert_eq!(better(16 * GB, 0, 3.0), None, "nothing smaller is there");
        assert_eq!((better(16 * GB, 9, 3.0), better(16 * GB, 1, 0.0)), (None, None));
    }

    #[test]
    fn room_is_told_by_shares_of_the_memory() {
        let machine = Machine { memory: Some(10 * GB), reads: Some(30e9), ..Machine::default() };
        assert_eq!(
            [6 * GB, 8 * GB, 95 * GB / 10].map(|bytes| machine.room(bytes)),
            [Room::Well, Room::Tight, Room::Not]
        );
        assert_eq!((machine.pace(3 * GB), machine.pace(0)), (Some(10.0), None));
    }

    #[test]
    fn what_lies_on_graphics_cards_fits_as_well() {
        let machine = |cards| Machine { memory: Some(16 * GB), cards, reads: Some(400e9), japanese: false };
        let found = |cards| (machine(cards).room(20 * GB), machine(cards).suggest(&ladders()));
        assert_eq!(found(0), (Room::Not, Some(3)));
        assert_eq!(found(8 * GB), (Room::Tight, Some(3)), "20 of 24 GB");
        assert_eq!(found(30 * GB), (Room::Well, Some(5)), "30 of 46 GB");
        let untold = Machine { memory: None, ..machine(u64::MAX) };
        assert_eq!((untold.room(u64::MAX), machine(u64::MAX).room(20 * GB)), (Room::Well, Room::Well));
    }
}
