use crate::glance::Glance;
use crate::model::Token;

/// Successors that are remembered of one context.
const KEPT: usize = 4;

/// Most contexts that are remembered, a power of two.
const MOST: usize = 1 << 15;

/// Contexts that there is room for at first.
const FEWEST: usize = 1 << 8;

/// The latest successors of one context.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// The context; 0 for an empty slot.
    key: u64,
    /// Latest first.
    next: [Token; KEPT],
    kept: u8,
    /// How many times in a row the first one came again.
    streak: u8,
}

const EMPTY: Slot = Slot { key: 0, next: [0; KEPT], kept: 0, streak: 0 };

/// What came, or was thought of, after each token and each pair of tokens (token recycling, Luo et al., arXiv 2408.08696).
///
/// A table of bounded size, one place for each context: a newer context takes the place of an older one. It outlives answers.
#[derive(Debug, Default)]
pub(crate) struct Successors {
    slots: Vec<Slot>,
    used: usize,
}

/// The contexts at the end of `text`, the longer first.
fn contexts(text: &[Token]) -> impl Iterator<Item = (usize, u64)> {
    let last = text.last().map(|last| (1, 1 << 63 | u64::from(*last)));
    let pair = text.last_chunk().map(|[first, last]| (2, (u64::from(*first) + 1) << 32 ^ u64::from(*last)));
    pair.into_iter().chain(last)
}

impl Successors {
    fn place(&self, key: u64) -> usize {
        // Fibonacci hashing (Knuth, volume 3, 6.4).
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) as usize & (self.slots.len() - 1)
    }

    fn slot(&mut self, key: u64) -> &mut Slot {
        if self.used * 2 >= self.slots.len() && self.slots.len() < MOST {
            self.grow();
        }
        let place = self.place(key);
        if self.slots[place].key != key {
            self.used += usize::from(self.slots[place].key == 0);
            self.slots[place] = Slot { key, ..EMPTY };
        }
        &mut self.slots[place]
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).clamp(FEWEST, MOST);
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; size]);
        self.used = 0;
        for slot in old.into_iter().filter(|slot| slot.key != 0) {
            let place = self.place(slot.key);
            self.used += usize::from(self.slots[place].key == 0);
            self.slots[place] = slot;
        }
    }

    /// Takes in that `token` came behind `text`.
    pub(crate) fn saw(&mut self, text: &[Token], token: Token) {
        for (_, key) in contexts(text) {
            let slot = self.slot(key);
            if slot.kept > 0 && slot.next[0] == token {
                slot.streak = slot.streak.saturating_add(1);
            } else {
                slot.put(token);
                slot.streak = 0;
            }
        }
    }

    /// Takes in what a model thought of behind `text`.
    pub(crate) fn thought(&mut self, text: &[Token], glance: &Glance) {
        for (_, key) in contexts(text) {
            let slot = self.slot(key);
            let before = slot.next[0];
            glance.tokens().rev().for_each(|token| slot.put(token));
            if slot.next[0] != before {
                slot.streak = 0;
            }
        }
    }

    /// What most lately came behind the end of `text`: length of the context, times in a row, token.
    pub(crate) fn find(&self, text: &[Token]) -> Option<(usize, u32, Token)> {
        if self.slots.is_empty() {
            return None;
        }
        let known = |(length, key)| {
            let slot = &self.slots[self.place(key)];
            (slot.key == key && slot.kept > 0).then_some((length, u32::from(slot.streak) + 1, slot.next[0]))
        };
        contexts(text).find_map(known)
    }

    /// Bytes that it holds.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }
}

impl Slot {
    /// Puts `token` first.
    fn put(&mut self, token: Token) {
        let kept = self.kept as usize;
        let place = self.next[..kept].iter().position(|other| *other == token).unwrap_or(kept.min(KEPT - 1));
        self.next[..=place].rotate_right(1);
        self.next[0] = token;
        self.kept = self.kept.max(place as u8 + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_successor_of_the_longer_context_is_found() {
        let mut table = Successors::default();
        assert_eq!(table.find(&[1, 2]), None);
        for (text, token) in [(&[1, 2][..], 3), (&[7, 2], 4), (&[1, 2], 3), (&[7, 2], 5)] {
            table.saw(text, token);
        }
        assert_eq!(table.find(&[1, 2]), Some((2, 2, 3)), "twice in a row");
        assert_eq!(table.find(&[7, 2]), Some((2, 1, 5)));
        assert_eq!(table.find(&[9, 2]), Some((1, 1, 5)), "only the last token is known");
        assert_eq!(table.find(&[9]), None);
    }

    #[test]
    fn what_a_model_thought_of_comes_in_its_order_before_older_ones() {
        let mut table = Successors::default();
        table.saw(&[5], 1);
        table.thought(&[5], &Glance::at(&[0.0, 1.0, 3.0, 2.0], &mut Vec::new()));
        let slot = *table.slot(1 << 63 | 5);
        assert_eq!(slot.next, [2, 3, 1, 0]);
        table.saw(&[5], 1);
        assert_eq!(table.find(&[5]), Some((1, 1, 1)));
    }

    #[test]
    fn memory_stays_bounded_and_the_newest_are_kept() {
        let mut table = Successors::default();
        for token in 0..300_000 {
            table.saw(&[token, token + 1], token + 2);
        }
        assert!(table.bytes() <= MOST * size_of::<Slot>());
        let kept = (299_000..300_000).filter(|t| table.find(&[*t, t + 1]) == Some((2, 1, t + 2))).count();
        assert!(kept > 950, "{kept} of the last thousand");
    }
}
