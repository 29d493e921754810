use super::*;
use crate::by_text::toys::{Cutter, Numbers};

fn specials(target: &Cutter, draft: &Cutter) -> Specials {
    Specials { tokens: [(target.special(), vec![draft.special()])].into(), lead: vec![draft.special()] }
}

fn own(alignment: &Alignment<'_, Cutter>) -> Vec<Token> {
    alignment.own(0).collect()
}

/// The draft's tokens of `pieces`, special tokens standing between them, if all is cut at once.
fn at_once(draft: &Cutter, pieces: &[&str]) -> Vec<Token> {
    let parts: Vec<Vec<Token>> = pieces.iter().map(|piece| draft.tokens_of(piece.as_bytes())).collect();
    [vec![draft.special()], parts.join(&draft.special())].concat()
}

#[test]
fn a_text_that_grows_shrinks_and_changes_is_cut_as_if_all_at_once() {
    let (target, draft) = Cutter::pair();
    for seed in 0..200 {
        let mut numbers = Numbers(seed);
        let mut alignment = Alignment::new(&target, &draft, specials(&target, &draft));
        let mut text: Vec<Token> = Vec::new();
        for _ in 0..20 {
            let keep = text.len() - numbers.below(text.len().min(9) + 1);
            text.truncate(keep);
            alignment.truncate(keep);
            let mut more = target.tokens_of(numbers.text(1).as_bytes());
            for _ in 0..numbers.below(6) {
                more.extend(target.tokens_of(numbers.text(1).as_bytes()));
            }
            if numbers.below(5) == 0 {
                more.push(target.special());
            }
            // Tokens end inside of characters too.
            more.truncate(1 + numbers.below(more.len()));
            for token in &more {
                alignment.push(*token);
            }
            text.extend(more);
            alignment.align().unwrap();
            let before = own(&alignment);
            alignment.set_known(usize::MAX);
            alignment.align().unwrap();
            assert_eq!((alignment.known(), &own(&alignment)), (before.len(), &before), "there is nothing more to do");
            let mut bytes = vec![Vec::new()];
            for token in &text {
                if *token == target.special() {
                    bytes.push(Vec::new());
                } else {
                    target.bytes_of(*token, bytes.last_mut().unwrap());
                }
            }
            let last = bytes.last_mut().unwrap();
            last.truncate(whole(last));
            let Ok(pieces) = bytes.iter().map(|piece| std::str::from_utf8(piece)).collect::<Result<Vec<_>, _>>() else {
                // A special token in the middle of a character: what was begun of that is nothing.
                continue;
            };
            assert_eq!(before, at_once(&draft, &pieces), "seed {seed}: {pieces:?}");
        }
    }
}

#[test]
fn only_the_end_of_a_long_text_is_cut_anew() {
    let (target, draft) = Cutter::pair();
    for word in ["quick", " brown", "滝の水は", "🦊", "\r\n", "    "] {
        let mut alignment = Alignment::new(&target, &draft, Specials::default());
        let tokens = target.tokens_of(word.repeat(600).as_bytes());
        for token in &tokens {
            alignment.push(*token);
        }
        alignment.align().unwrap();
        let longest = draft.most.replace(0);
        assert!(longest > 1000);
        for (index, token) in tokens.iter().enumerate() {
            if index % 7 == 6 {
                alignment.truncate(alignment.len() - 3);
            }
            alignment.push(*token);
            alignment.align().unwrap();
        }
        // The tail, a token before it, and what is new.
        assert!(draft.most.get() <= TAIL + 24, "{word:?}: {}", draft.most.get());
    }
}

#[test]
fn what_is_no_text_is_left_out_and_the_rest_stays_in_place() {
    let (target, draft) = Cutter::pair();
    let mut alignment = Alignment::new(&target, &draft, Specials::default());
    let all = [&b" fox"[..], &[0xE6, 0xBB], b" the", &[0xFF], &[0x80, 0x80], "滝".as_bytes()].concat();
    for (index, byte) in all.iter().enumerate() {
        alignment.push(Token::from(*byte));
        alignment.align().unwrap();
        let (mut spelled, shown) = (Vec::new(), &all[..=index]);
        for token in &own(&alignment) {
            draft.bytes_of(*token, &mut spelled);
        }
        let valid: Vec<u8> = shown[..whole(shown)].utf8_chunks().flat_map(|chunk| chunk.valid().bytes()).collect();
        assert_eq!(spelled, valid);
    }
    alignment.truncate(5);
    alignment.align().unwrap();
    assert_eq!(own(&alignment), draft.tokens_of(b" fox"));
}

/// With `said` behind `text`, what the draft has for the target if it would go on with `next`.
fn proposal(text: &[u8], said: &[&str], next: Option<&str>) -> (Proposal, Vec<u8>) {
    let (target, draft) = Cutter::pair();
    let mut alignment = Alignment::new(&target, &draft, specials(&target, &draft));
    for byte in text {
        alignment.push(Token::from(*byte));
    }
    alignment.align().unwrap();
    for token in said.iter().flat_map(|said| draft.tokens_of(said.as_bytes())) {
        alignment.say(token, 0.5);
    }
    let next = next.map_or(draft.special(), |next| draft.tokens_of(next.as_bytes())[0]);
    let found = alignment.proposal((next, 0.25));
    let mut bytes = Vec::new();
    if let Proposal::Token { token, .. } = found {
        target.bytes_of(token, &mut bytes);
    }
    (found, bytes)
}

#[test]
fn a_token_is_proposed_once_something_stands_behind_it() {
    let of = proposal;
    assert_eq!(of(b"a", &[], Some(" qu")).0, Proposal::More);
    assert_eq!(of(b"a", &[" qu"], Some("ick")).0, Proposal::More, "it may grow");
    let (found, bytes) = of(b"a", &[" qu", "ick"], Some(" t"));
    assert!(
        matches!(found, Proposal::Token { sure, .. } if (sure - 0.25).abs() < 1e-6),
        "both of its pieces count: {found:?}"
    );
    assert_eq!(bytes, b" quick");
    let (found, bytes) = of(b"a", &[" qu", "ick"], None);
    assert!(matches!(found, Proposal::Token { .. }) && bytes == b" quick", "the draft has ended: {found:?}");
    assert_eq!(of(b"a", &[], None).0, Proposal::Nothing, "an end is no text");
    assert_eq!(of(b"a", &["q"; 3], Some("q")).0, Proposal::More, "the word may go on");
    let (found, bytes) = of(b"a", &["q"; 40], Some("q"));
    assert!(matches!(found, Proposal::Token { .. }) && bytes == b"q", "it never ends: {found:?}");
}

#[test]
fn what_begins_in_the_text_is_not_said_again() {
    // The text ends in the middle of what the draft had said.
    let (target, draft) = Cutter::pair();
    let mut alignment = Alignment::new(&target, &draft, Specials::default());
    alignment.push(Token::from(b'a'));
    alignment.align().unwrap();
    draft.tokens_of(b" qu").into_iter().for_each(|token| alignment.say(token, 0.5));
    for byte in b" q" {
        alignment.push(Token::from(*byte));
    }
    alignment.align().unwrap();
    draft.tokens_of(b"ick").into_iter().for_each(|token| alignment.say(token, 0.5));
    assert_eq!(
        alignment.proposal((Token::from(b' '), 1.0)),
        Proposal::Token { token: Token::from(b'u'), sure: 0.5, takes_next: false }
    );
}

#[test]
fn words_that_are_over_are_told() {
    for (said, expected) in [
        ("", 0),
        ("word", 0),
        (" word", 0),
        (" word ", 5),
        ("(a, b", 2),
        ("x1", 1),
        ("\n\n  ", 0),
        ("滝の", 3),
        ("é.", 2),
        ("🦊🦊", 4),
        ("ok 滝", 2),
    ] {
        assert_eq!(settled(said), expected, "{said:?}");
    }
}

#[test]
fn a_character_that_the_text_has_begun_is_ended() {
    let (target, draft) = Cutter::pair();
    let emoji = "é".as_bytes();
    let mut alignment = Alignment::new(&target, &draft, Specials::default());
    alignment.push(Token::from(b'a'));
    alignment.push(Token::from(emoji[0]));
    alignment.align().unwrap();
    assert_eq!(own(&alignment), [Token::from(b'a')], "a character that is only begun is not read");
    assert_eq!(alignment.proposal((Token::from(b'x'), 1.0)), Proposal::Nothing, "it says another");
    assert_eq!(alignment.proposal((Token::from(emoji[0]), 1.0)), Proposal::More);
    for byte in emoji {
        alignment.say(Token::from(*byte), 0.5);
    }
    assert_eq!(
        alignment.proposal((Token::from(b' '), 1.0)),
        Proposal::Token { token: Token::from(emoji[1]), sure: 0.5, takes_next: false }
    );
}

#[test]
fn beginnings_of_characters_are_told() {
    for (bytes, expected) in [
        (&b""[..], 0),
        (b"ab", 2),
        ("滝".as_bytes(), 3),
        (&[b'a', 0xE6], 1),
        (&[b'a', 0xE6, 0xBB], 1),
        (&[0xF0, 0x9F, 0xA6], 0),
        ("🦊".as_bytes(), 4),
        (&[0x80, 0x80, 0x80, 0x80], 4),
        (&[0xFF], 1),
    ] {
        assert_eq!(whole(bytes), expected, "{bytes:?}");
    }
}

/// SmolLM2 and, where it is there, a model with other tokens.
fn real() -> Option<[crate::llama::Weights; 2]> {
    let (llama, smollm2) = crate::llama::for_tests();
    let models = catalog::ModelStore::open(store::Places::find().unwrap().models).unwrap();
    let qwen = catalog::resolve(&catalog::Catalog::builtin(), &models, "qwen-coder").ok()?;
    Some([smollm2, llama.read(&qwen.rungs[1].path, &crate::place::Place::default(), |_| true).unwrap()])
}

#[test]
fn real_tokenizers_cut_a_text_in_parts_nearly_as_at_once() {
    let Some([one, other]) = real() else { return };
    assert!(one.is_faithful() && other.is_faithful());
    let texts = [
        "The quick brown fox jumps over the lazy dog, doesn't it? Unbelievably, 12345 times!\n\n- one\n- two\n",
        "def add(numbers: list[int]) -> int:\n    total = 0\n    for number in numbers:\n        total += number\n    return total\n",
        "日本の山の水は川になり、川は海に流れます。東京は首都です。カタカナとひらがな。",
        "I like 🦊, 👩‍💻 and café ☕!\r\nSecond line\r\n\r\n\tthird — “quoted” text… naïve",
    ];
    for (target, draft) in [(&one, &other), (&other, &one)] {
        let (mut differ, mut all) = (0, 0);
        for (seed, text) in (0..).zip(texts) {
            let text = text.repeat(4);
            let tokens = target.tokens_of(text.as_bytes());
            let mut numbers = Numbers(seed);
            let mut alignment = Alignment::new(target, draft, draft.specials_for(target));
            while alignment.len() < tokens.len() {
                alignment.truncate(alignment.len().saturating_sub(numbers.below(4)));
                let from = alignment.len();
                let to = tokens.len().min(from + 1 + numbers.below(9));
                tokens[from..to].iter().for_each(|token| alignment.push(*token));
                alignment.align().unwrap();
                let mut spelled = Vec::new();
                alignment.own(0).for_each(|token| draft.bytes_of(token, &mut spelled));
                let shown = &alignment.bytes;
                assert_eq!(spelled, shown[..whole(shown)], "every byte of it and no other");
            }
            let whole: std::collections::HashSet<usize> = ends(draft, &draft.tokens_of(text.as_bytes()));
            let parts = ends(draft, &alignment.own(0).collect::<Vec<_>>());
            differ += whole.symmetric_difference(&parts).count();
            all += whole.len();
        }
        assert!(differ * 50 <= all, "{differ} of {all}");
    }
}

/// Where tokens end.
fn ends(draft: &crate::llama::Weights, tokens: &[Token]) -> std::collections::HashSet<usize> {
    let mut bytes = Vec::new();
    let end = |token: &Token| {
        draft.bytes_of(*token, &mut bytes);
        bytes.len()
    };
    tokens.iter().map(end).collect()
}

#[test]
fn special_tokens_of_the_same_name_are_the_same_to_both() {
    let Some([one, other]) = real() else { return };
    let token = |weights: &crate::llama::Weights, name: &str| {
        let tokens = weights.tokenize(&[crate::template::Piece::Markup(name.to_owned())]);
        *tokens.last().unwrap()
    };
    let specials = one.specials_for(&other);
    for name in ["<|im_start|>", "<|im_end|>"] {
        assert_eq!(specials.tokens[&token(&other, name)], [token(&one, name)], "{name}");
    }
    // What has no such token is text.
    assert!(specials.tokens[&token(&other, "<|fim_prefix|>")].len() > 1);
}
