use std::collections::HashMap;

use crate::model::Token;

/// Where the end of the text occurred before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Earlier {
    /// How many tokens before the end also stand there.
    pub(crate) length: usize,
    /// How often this context has come back, at least 1.
    pub(crate) count: u32,
    /// Index of the token that followed it there last time; inside the text.
    pub(crate) source: usize,
}

/// Edges of one state. Nearly all states have one, the root has as many as the text has different tokens.
#[derive(Debug, Clone)]
enum Edges {
    None,
    One(Token, u32),
    // Boxed: the map is three times as large as an edge, and nearly no state has one.
    #[allow(clippy::box_collection)]
    Many(Box<HashMap<Token, u32>>),
}

impl Edges {
    fn get(&self, token: Token) -> Option<u32> {
        match self {
            Self::None => None,
            Self::One(have, to) => (*have == token).then_some(*to),
            Self::Many(map) => map.get(&token).copied(),
        }
    }

    fn set(&mut self, token: Token, to: u32) {
        match self {
            Self::None => *self = Self::One(token, to),
            Self::One(have, at) if *have == token => *at = to,
            Self::One(have, at) => *self = Self::Many(Box::new(HashMap::from([(*have, *at), (token, to)]))),
            Self::Many(map) => {
                map.insert(token, to);
            }
        }
    }
}

#[derive(Debug, Clone)]
struct State {
    edges: Edges,
    /// Length of the longest substring that ends here.
    length: u32,
    /// Suffix link; the root's is itself.
    link: u32,
    /// Index of the token behind the last known occurrence.
    behind: u32,
    /// How often the text's end was found here.
    visits: u32,
}

/// The longest suffix that occurs in the known text: the state it ends in and its length.
#[derive(Debug, Clone, Copy, Default)]
struct Suffix {
    state: u32,
    length: u32,
}

/// Finds the longest earlier match of the text's end.
///
/// A suffix automaton (Blumer et al. 1985) over all final tokens: amortised constant time and memory per token, longest
/// match of any length.
#[derive(Debug)]
pub(crate) struct SuffixAutomaton {
    states: Vec<State>,
    /// State of the whole known text.
    last: u32,
    /// The longest suffix of the known text that also occurs earlier in it.
    end: Suffix,
    /// Index of the token behind that earlier occurrence.
    source: u32,
    known: u32,
}

const ROOT: u32 = 0;

impl Default for SuffixAutomaton {
    fn default() -> Self {
        let root = State { edges: Edges::None, length: 0, link: ROOT, behind: 0, visits: 0 };
        Self { states: vec![root], last: ROOT, end: Suffix::default(), source: 0, known: 0 }
    }
}

impl SuffixAutomaton {
    fn state(&self, id: u32) -> &State {
        &self.states[id as usize]
    }

    fn state_mut(&mut self, id: u32) -> &mut State {
        &mut self.states[id as usize]
    }

    fn add(&mut self, state: State) -> u32 {
        self.states.push(state);
        self.states.len() as u32 - 1
    }

    /// The longest suffix of `from` followed by `token` that occurs in the known text.
    fn advance(&self, mut from: Suffix, token: Token) -> Suffix {
        loop {
            let state = self.state(from.state);
            if let Some(next) = state.edges.get(token) {
                return Suffix { state: next, length: from.length + 1 };
            }
            if from.state == ROOT {
                return Suffix::default();
            }
            from = Suffix { state: state.link, length: self.state(state.link).length };
        }
    }

    fn push(&mut self, token: Token) {
        // Looked up before the token is added: the match must end earlier than the text does.
        let mut end = self.advance(self.end, token);
        self.known += 1;
        let length = self.state(self.last).length + 1;
        let new = self.add(State { edges: Edges::None, length, link: ROOT, behind: self.known, visits: 0 });
        let mut at = self.last;
        let link = loop {
            match self.state(at).edges.get(token) {
                Some(next) if self.state(next).length == self.state(at).length + 1 => break next,
                Some(next) => break self.split(at, token, next),
                None => {
                    self.state_mut(at).edges.set(token, new);
                    if at == ROOT {
                        break ROOT;
                    }
                    at = self.state(at).link;
                }
            }
        };
        self.state_mut(new).link = link;
        self.last = new;
        // Adding may have split the state that the match stood in.
        while end.state != ROOT && self.state(self.state(end.state).link).length >= end.length {
            end.state = self.state(end.state).link;
        }
        let known = self.known;
        let state = self.state_mut(end.state);
        let source = std::mem::replace(&mut state.behind, known);
        state.visits += 1;
        self.end = end;
        self.source = source;
    }

    /// Clones `next` for the shorter substrings that reach it from `at`, as the construction demands.
    fn split(&mut self, mut at: u32, token: Token, next: u32) -> u32 {
        let length = self.state(at).length + 1;
        let clone = self.add(State { length, ..self.state(next).clone() });
        self.state_mut(next).link = clone;
        while self.state(at).edges.get(token) == Some(next) {
            self.state_mut(at).edges.set(token, clone);
            if at == ROOT {
                break;
            }
            at = self.state(at).link;
        }
        clone
    }

    /// Takes in the tokens of `text` that it does not know yet; `text` only ever grows between [`forget`](Self::forget)s.
    pub(crate) fn observe(&mut self, text: &[Token]) {
        for &token in text.get(self.known as usize..).unwrap_or_default() {
            self.push(token);
        }
    }

    /// Forgets everything; keeps its memory.
    pub(crate) fn forget(&mut self) {
        self.states.truncate(1);
        self.states[0] = State { edges: Edges::None, length: 0, link: ROOT, behind: 0, visits: 0 };
        (self.last, self.end, self.source, self.known) = (ROOT, Suffix::default(), 0, 0);
    }

    /// How many tokens it has taken in.
    pub(crate) fn known(&self) -> usize {
        self.known as usize
    }

    /// Where the end of `text` (known tokens, then pending ones) occurred before.
    pub(crate) fn find(&self, text: &[Token]) -> Option<Earlier> {
        let pending = text.get(self.known as usize..)?;
        let end = pending.iter().fold(self.end, |suffix, &token| self.advance(suffix, token));
        if end.length == 0 {
            return None;
        }
        let state = self.state(end.state);
        // Without pending tokens the state's own last occurrence is the end itself.
        let source = if pending.is_empty() { self.source } else { state.behind };
        let found = Earlier { length: end.length as usize, count: state.visits.max(1), source: source as usize };
        (found.source < text.len()).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn knowing(text: &[Token]) -> SuffixAutomaton {
        let mut automaton = SuffixAutomaton::default();
        automaton.observe(text);
        automaton
    }

    /// The definition, slowly: the longest suffix that also ends earlier.
    fn longest_by_hand(text: &[Token]) -> usize {
        (1..text.len())
            .rev()
            .find(|&n| {
                let suffix = &text[text.len() - n..];
                text[..text.len() - 1].windows(n).any(|window| window == suffix)
            })
            .unwrap_or(0)
    }

    #[test]
    fn pending_tokens_move_the_match_without_being_learned() {
        let mut text = vec![1, 2, 3, 4, 1];
        let automaton = knowing(&text);
        text.extend([2, 3]);
        assert_eq!(automaton.find(&text).map(|found| (found.length, found.source)), Some((3, 3)));
        assert_eq!(automaton.find(&[1, 2, 3, 4, 1, 77]), None, "never seen");
    }

    proptest! {
        #[test]
        fn the_match_is_the_longest_and_stands_where_it_says(text in prop::collection::vec(0_u32..4, 0..60), pending in 0_usize..5) {
            let known = text.len().saturating_sub(pending);
            let mut automaton = knowing(&[9, 9, 9, 3]);
            automaton.forget();
            automaton.observe(&text[..known]);
            let found = automaton.find(&text);
            if pending == 0 {
                prop_assert_eq!(found.map_or(0, |m| m.length), longest_by_hand(&text));
            }
            if let Some(m) = found {
                prop_assert!(m.source >= m.length && m.source < text.len());
                prop_assert_eq!(&text[m.source - m.length..m.source], &text[text.len() - m.length..]);
            }
        }

        #[test]
        fn memory_is_linear(text in prop::collection::vec(0_u32..3, 1..300)) {
            prop_assert!(knowing(&text).states.len() <= 2 * text.len());
        }
    }
}
