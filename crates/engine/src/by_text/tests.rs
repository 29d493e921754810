use super::toys::{Cutter, Numbers, Parrot};
use super::*;

const SCRIPT: &str = "a quick brown fox jumping\r\n    the 滝の水は 🦊 the quick fox é.";

fn by_text<'c>(target: &'c Cutter, draft: &'c Cutter, script: &str) -> ByText<'c, Parrot<'c>, Cutter> {
    let vocab = VocabId { hash: 1, size: target.size() };
    let specials = Specials { tokens: [(target.special(), vec![draft.special()])].into(), lead: Vec::new() };
    ByText::new(Parrot::new(draft, script), Alignment::new(target, draft, specials), vocab)
}

/// What a row says.
fn said(logits: Logits<'_>, row: usize) -> Option<Token> {
    let row = logits.row(row).unwrap();
    let known: Vec<usize> = (0..row.len()).filter(|token| row[*token] > f32::NEG_INFINITY).collect();
    assert!(known.len() <= 1, "one token or none");
    known.first().map(|token| *token as Token)
}

fn ask(model: &mut ByText<'_, Parrot<'_>, Cutter>, token: Token) -> Option<Token> {
    said(model.extend(&[token], 1).unwrap(), 0)
}

#[test]
fn a_draft_that_knows_the_text_says_it_in_the_targets_tokens() {
    let (target, draft) = Cutter::pair();
    let tokens = target.tokens_of(SCRIPT.as_bytes());
    let mut model = by_text(&target, &draft, SCRIPT);
    let right = tokens.windows(2).filter(|pair| ask(&mut model, pair[0]) == Some(pair[1])).count();
    assert_eq!(right, tokens.len() - 1, "of {}", tokens.len());
    assert_eq!(ask(&mut model, tokens[tokens.len() - 1]), None, "it ends");
    // Each of its own tokens was read once: what it said it holds already.
    let own = draft.tokens_of(SCRIPT.as_bytes()).len();
    assert!(model.model.read <= own + 2 && model.len() == tokens.len(), "{} of {own}", model.model.read);
}

#[test]
fn whatever_the_text_does_the_model_holds_it_and_says_the_same() {
    let (target, draft) = Cutter::pair();
    let (mut asked, mut same, mut right) = (0, 0, 0);
    for seed in 0..100 {
        let mut numbers = Numbers(seed);
        let script = numbers.text(60);
        let tokens = target.tokens_of(script.as_bytes());
        let mut model = by_text(&target, &draft, &script);
        let mut text: Vec<Token> = Vec::new();
        for _ in 0..40 {
            let keep = text.len() - numbers.below(text.len().min(5) + 1);
            text.truncate(keep);
            model.truncate(keep).unwrap();
            // Most of the time the text is what the model knows.
            let wrong = numbers.below(3) == 0;
            let more: Vec<Token> = if wrong {
                target.tokens_of(numbers.text(2).as_bytes())
            } else {
                tokens.iter().skip(keep).take(1 + numbers.below(6)).copied().collect()
            };
            if more.is_empty() {
                break;
            }
            let rows = numbers.below(more.len().min(3) + 1);
            let logits = model.extend(&more, rows).unwrap();
            let said = (rows > 0).then(|| said(logits, rows - 1));
            text.extend(more);
            let mut fresh = by_text(&target, &draft, &script);
            let afresh = self::said(fresh.extend(&text, 1).unwrap(), 0);
            if let Some(said) = said.filter(|_| tokens.starts_with(&text) && text.len() < tokens.len()) {
                asked += 1;
                same += usize::from(said == afresh);
                right += usize::from(said == Some(tokens[text.len()]));
            }
            let shown: Vec<u8> = text.iter().fold(Vec::new(), |mut bytes, token| {
                target.bytes_of(*token, &mut bytes);
                bytes
            });
            // What is no text need not be read, nor a character that is only begun.
            let of = |bytes: &[u8]| bytes.utf8_chunks().flat_map(|chunk| chunk.valid().bytes()).collect::<Vec<u8>>();
            let (held, text) = (of(&model.model.held_bytes()), of(&shown));
            assert!(held.starts_with(&text), "seed {seed}: {:?}", String::from_utf8_lossy(&text));
        }
    }
    // Words and rows of spaces without an end are guessed at.
    assert!(
        asked > 200 && same * 100 >= asked * 98 && right * 100 >= asked * 95,
        "{asked}: {same} the same, {right} right"
    );
}

#[test]
fn only_a_bounded_end_is_read_again() {
    let (target, draft) = Cutter::pair();
    let script = "a quick brown fox jumping the fox ".repeat(60);
    let tokens = target.tokens_of(script.as_bytes());
    let mut model = by_text(&target, &draft, &script);
    model.extend(&tokens[..tokens.len() / 2], 0).unwrap();
    let mut most = 0;
    for (index, token) in tokens[tokens.len() / 2..].iter().enumerate() {
        let before = model.model.read;
        ask(&mut model, if index % 3 == 0 { Token::from(b'?') } else { *token });
        if index % 3 == 0 {
            model.truncate(model.len() - 1).unwrap();
            ask(&mut model, *token);
        }
        most = most.max(model.model.read - before);
    }
    assert!(most < 20, "{most} tokens were read for one of the target's");
}

#[test]
fn a_model_that_is_full_says_so_and_what_it_took_in_stays_right() {
    let (target, draft) = Cutter::pair();
    let tokens = target.tokens_of(SCRIPT.as_bytes());
    let mut model = by_text(&target, &draft, SCRIPT);
    model.model.capacity = 12;
    assert!(model.extend(&tokens, 1).is_err());
    assert_eq!(model.len(), 0);
    let mut right = 0;
    let mut refused = false;
    for pair in tokens.windows(2) {
        let Ok(logits) = model.extend(&[pair[0]], 1) else {
            refused = true;
            break;
        };
        right += usize::from(said(logits, 0) == Some(pair[1]));
    }
    assert!(right > 2 && refused, "{right}");
    model.truncate(1).unwrap();
    model.model.capacity = 100;
    assert_eq!(ask(&mut model, tokens[1]), Some(tokens[2]));
}

#[test]
fn nothing_is_left_of_a_text_that_is_wiped() {
    let (target, draft) = Cutter::pair();
    let mut model = by_text(&target, &draft, SCRIPT);
    ask(&mut model, Token::from(b'a'));
    assert!(!model.model.is_empty());
    model.wipe().unwrap();
    assert!(model.is_empty() && model.model.is_empty() && model.alignment.own_len() == 0);
    assert_eq!(ask(&mut model, Token::from(b'z')), None, "it does not know such a text");
    assert!(!model.reviews() && model.branches() == 0);
}
