//! Answers in a given shape: JSON schemas and grammars, through llguidance.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use cascade::{Constraint, Token, TokenMask};
use llguidance::api::TopLevelGrammar;
use llguidance::panic_utils::catch_unwind;
use llguidance::toktrie::{ApproximateTokEnv, INVALID_TOKEN, TokEnv, TokRxInfo, TokTrie};
use llguidance::{Matcher, ParserFactory};
use protocol::worker::Format;
use protocol::{Code, Problem};

/// First byte of a special token's spelling; no text has it.
pub(crate) const SPECIAL: u8 = TokTrie::SPECIAL_TOKEN_MARKER;

/// Most of what is wrong with a schema fits into this; the rest is its own words again.
const LONGEST_REASON: usize = 300;

/// What JSON schemas leave open: at most one blank, or a new line with its indentation. Without a limit a small model can
/// go on with blanks for ever.
const BLANKS: &str = r"[\x20\x09]|\x0A[\x20\x09]{0,24}";

/// What llguidance needs of a vocabulary; costs tens of milliseconds and a few times the vocabulary's bytes.
pub(crate) struct Shapes {
    factory: ParserFactory,
    /// In the vocabulary.
    tokens: usize,
}

impl Shapes {
    /// `spellings` are the bytes of every token: as shown, behind [`SPECIAL`] for special ones, empty for what never comes.
    ///
    /// # Errors
    /// The vocabulary is none that llguidance can use.
    pub(crate) fn new(spellings: &[Vec<u8>], end_tokens: &[Token]) -> Result<Self, Problem> {
        let made = catch_unwind(AssertUnwindSafe(|| {
            let first = end_tokens.first().copied().unwrap_or(INVALID_TOKEN);
            let mut trie = TokTrie::from(&TokRxInfo::new(spellings.len() as u32, first), spellings);
            if !end_tokens.is_empty() {
                trie = trie.with_eos_tokens(end_tokens);
            }
            // Any way to spell the text is allowed: what may come then depends on the text alone.
            let environment: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
            let mut factory = ParserFactory::new_simple(&environment)?;
            factory.quiet();
            // Errors go to a person; a state of the lexer takes up to 2 kB, which makes 100 MB at most.
            (factory.limits_mut().verbose_errors, factory.limits_mut().max_lexer_states) = (false, 50_000);
            Ok(Self { factory, tokens: spellings.len() })
        }));
        made.map_err(|error| Problem::new(Code::Internal).with("reason", error))
    }

    /// Reads a schema or grammar.
    ///
    /// # Errors
    /// [`Code::GrammarInvalid`] with what is wrong with it.
    pub(crate) fn read(&self, format: &Format) -> Result<Shape, Problem> {
        let text = format.text();
        if text.len() > Format::MOST {
            return Err(invalid(&format!("it is larger than {} KiB", Format::MOST / 1024)));
        }
        let grammar = match format {
            Format::JsonSchema(text) => {
                let schema = serde_json::from_str(text).map_err(|error| invalid(&format!("it is no JSON: {error}")))?;
                TopLevelGrammar::from_json_schema(with_blanks(schema))
            }
            Format::Grammar(text) => TopLevelGrammar::from_lark(text.clone()),
        };
        let fresh = Matcher::new(self.factory.create_parser(grammar));
        if let Some(error) = fresh.get_error() {
            return Err(invalid(&error));
        }
        // A schema that only refers to itself, for example: every answer would be empty without a word.
        let (mut trial, mut first) = (Follower::begin(&fresh), TokenMask::new(self.tokens));
        match trial.allow(&mut first) {
            Ok(ends) if ends || !first.is_empty() => Ok(Shape { fresh }),
            Ok(_) => Err(invalid("no answer can have this shape")),
            Err(error) => Err(invalid(&error)),
        }
    }
}

/// A schema that says nothing about blanks gets our limit.
fn with_blanks(mut schema: serde_json::Value) -> serde_json::Value {
    if let Some(object) = schema.as_object_mut() {
        object.entry("x-guidance").or_insert_with(|| serde_json::json!({ "whitespace_pattern": BLANKS }));
    }
    schema
}

pub(crate) fn invalid(reason: &str) -> Problem {
    let mut plain = String::new();
    // What llguidance says to programmers is left out.
    let reason = reason.replace("<non-verbose/>", "").replace(" without 'referencing' feature", "");
    for word in reason.split_whitespace() {
        if plain.len() + word.len() > LONGEST_REASON {
            plain.push_str(" …");
            break;
        }
        plain.push_str(if plain.is_empty() { "" } else { " " });
        plain.push_str(word);
    }
    Problem::new(Code::GrammarInvalid).with("reason", plain)
}

/// A schema or grammar that was read.
pub(crate) struct Shape {
    fresh: Matcher,
}

impl Shape {
    /// A constraint that knows nothing of an answer yet.
    pub(crate) fn begin(&self) -> Box<dyn Constraint> {
        Box::new(Follower::begin(&self.fresh))
    }
}

/// Follows one answer.
struct Follower {
    /// As it was before the answer.
    fresh: Matcher,
    matcher: Matcher,
    held: Vec<Token>,
}

impl Follower {
    fn begin(fresh: &Matcher) -> Self {
        Self { matcher: fresh.deep_clone(), fresh: fresh.deep_clone(), held: Vec::new() }
    }
}

impl Constraint for Follower {
    fn allow(&mut self, mask: &mut TokenMask) -> Result<bool, String> {
        if let Some(error) = self.matcher.get_error() {
            return Err(error);
        }
        if self.matcher.is_stopped() {
            // Nothing can go on from here.
            return Ok(true);
        }
        let ends = self.matcher.is_accepting().map_err(|error| error.to_string())?;
        match self.matcher.compute_mask() {
            Ok(set) => mask.allow_words(set.as_slice()),
            Err(error) if error.to_string().contains("NoExtensionBias") => {}
            Err(error) => return Err(error.to_string()),
        }
        Ok(ends)
    }

    fn accept(&mut self, token: Token) -> bool {
        let fits = matches!(self.matcher.try_consume_tokens(&[token]), Ok(1));
        if fits {
            self.held.push(token);
        }
        fits
    }

    fn roll_back(&mut self, tokens: usize) {
        self.held.truncate(self.held.len().saturating_sub(tokens));
        if self.matcher.is_error() || self.matcher.rollback(tokens).is_err() {
            // An error stays for good: begin anew. If this fails too, the next question gets the error.
            self.matcher = self.fresh.deep_clone();
            let _ = self.matcher.consume_tokens(&self.held);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: Token = 300;

    /// All bytes, some longer tokens, a special one, one that never comes and the end.
    fn spellings() -> Vec<Vec<u8>> {
        let mut words: Vec<Vec<u8>> = (0..=254_u8).map(|byte| vec![byte]).collect();
        let longer = [
            "{\"", "\":", "\",", " \"", "tr", "true", "fal", "se", "name", "nam", "12", "123", "é", "滝", "}}", "\"}",
            "\n  ",
        ];
        words.extend(longer.map(|word| word.as_bytes().to_vec()));
        words.push([&[SPECIAL], &b"<mark>"[..]].concat());
        words.resize(END as usize, Vec::new());
        words.push([&[SPECIAL], &b"<end>"[..]].concat());
        words
    }

    fn shapes() -> Shapes {
        Shapes::new(&spellings(), &[END]).unwrap()
    }

    fn schema(text: &str) -> Format {
        Format::JsonSchema(text.to_owned())
    }

    fn grammar(text: &str) -> Format {
        Format::Grammar(text.to_owned())
    }

    /// What `constraint` allows, and whether the answer may end.
    fn look(constraint: &mut dyn Constraint) -> (Vec<Token>, bool) {
        let mut mask = TokenMask::new(END as usize + 1);
        let ends = constraint.allow(&mut mask).unwrap();
        ((0..END).filter(|token| mask.allows(*token)).collect(), ends)
    }

    /// Numbers that look random and are the same every time.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, most: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((self.0 >> 33) as usize) % most
        }
    }

    const PERSON: &str = r##"{"type":"object","properties":{"name":{"type":"string","maxLength":6},"age":{"type":"integer",
        "minimum":0,"maximum":150},"friend":{"$ref":"#/$defs/friend"}},"required":["name","age","friend"],
        "additionalProperties":false,"$defs":{"friend":{"enum":["滝","é",true]}}}"##;

    #[test]
    fn every_walk_that_may_end_is_json_of_the_schema() {
        let (shape, words) = (shapes().read(&schema(PERSON)).unwrap(), spellings());
        let mut whole = 0;
        for seed in 0..60 {
            let (mut numbers, mut constraint, mut bytes) = (Numbers(seed), shape.begin(), Vec::new());
            for _ in 0..200 {
                let (allowed, ends) = look(constraint.as_mut());
                if ends {
                    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
                    assert!(value["name"].as_str().unwrap().chars().count() <= 6, "{value}");
                    assert!(value["age"].as_u64().unwrap() <= 150, "{value}");
                    assert!([serde_json::json!("滝"), "é".into(), true.into()].contains(&value["friend"]), "{value}");
                    whole += 1;
                    break;
                }
                let token = allowed[numbers.below(allowed.len())];
                assert!(constraint.accept(token));
                bytes.extend(&words[token as usize]);
            }
        }
        assert!(whole > 20, "{whole}");
    }

    #[test]
    fn what_is_taken_back_leaves_no_trace_and_what_is_refused_changes_nothing() {
        let lark = grammar("start: \"a\" item+ \"b\"?\nitem: /[0-9]+/ | \"(\" item \")\" | \"true\"");
        let shapes = shapes();
        for format in [schema(PERSON), lark, schema("{}")] {
            let shape = shapes.read(&format).unwrap();
            for seed in 0..12 {
                let (mut numbers, mut constraint, mut held) = (Numbers(seed), shape.begin(), Vec::new());
                for _ in 0..40 {
                    let (allowed, _) = look(constraint.as_mut());
                    match numbers.below(4) {
                        0 => {
                            let back = numbers.below(held.len() + 1);
                            constraint.roll_back(back);
                            held.truncate(held.len() - back);
                        }
                        1 => {
                            let token = numbers.below(END as usize) as Token;
                            let fits = constraint.accept(token);
                            assert_eq!(fits, allowed.contains(&token), "{token} behind {held:?}");
                            held.extend(fits.then_some(token));
                        }
                        _ if allowed.is_empty() => {}
                        _ => {
                            held.push(allowed[numbers.below(allowed.len())]);
                            assert!(constraint.accept(*held.last().unwrap()));
                        }
                    }
                    let mut straight = shape.begin();
                    assert!(held.iter().all(|token| straight.accept(*token)));
                    assert_eq!(look(constraint.as_mut()), look(straight.as_mut()), "{format:?} behind {held:?}");
                }
            }
        }
    }

    #[test]
    fn a_finished_answer_can_only_end_and_a_dead_end_allows_nothing() {
        let shapes = shapes();
        let mut constraint = shapes.read(&grammar("start: \"ab\"")).unwrap().begin();
        assert_eq!(look(constraint.as_mut()), (vec![97], false), "special tokens are no text");
        assert!(constraint.accept(97) && constraint.accept(98));
        assert_eq!(look(constraint.as_mut()), (vec![], true));
        assert!(!constraint.accept(97));
        constraint.roll_back(1);
        assert_eq!(look(constraint.as_mut()), (vec![98], false));
        // A vocabulary without the letter b.
        let mut words = spellings();
        words[98].clear();
        let mut constraint =
            Shapes::new(&words, &[END]).unwrap().read(&grammar("start: \"a\" (\"b\" | \"c\" \"b\")")).unwrap().begin();
        assert!(constraint.accept(97) && constraint.accept(99));
        assert_eq!(look(constraint.as_mut()), (vec![], false));
        constraint.roll_back(1);
        assert_eq!(look(constraint.as_mut()), (vec![99], false), "it goes on after a dead end");
        // A vocabulary without an end.
        let mut constraint = Shapes::new(&spellings(), &[]).unwrap().read(&grammar("start: \"a\"")).unwrap().begin();
        assert!(constraint.accept(97));
        assert_eq!(look(constraint.as_mut()), (vec![], true));
    }

    #[test]
    fn what_makes_no_sense_is_a_problem_with_a_reason() {
        let shapes = shapes();
        let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
        let nested = format!("start: {}\"a\"{}", "(".repeat(20_000), ")".repeat(20_000));
        let cases = [
            schema(""),
            schema("{"),
            schema(&deep),
            schema("7"),
            schema(r#"{"type":"strnig"}"#),
            schema(r#"{"type":"string","pattern":"("}"#),
            schema(r##"{"$ref":"#/$defs/none"}"##),
            schema(r##"{"$ref":"#"}"##),
            schema(r#"{"$ref":"https://example.com/schema"}"#),
            schema(r#"{"type":"object","unevaluatedProperties":false,"if":{}}"#),
            schema(r#"{"x-guidance":{"nonsense":1}}"#),
            schema("false"),
            schema(&format!("\"{}\"", "x".repeat(Format::MOST))),
            grammar(""),
            grammar("begin: \"a\""),
            grammar("start: other"),
            grammar("start: /(/"),
            grammar(&nested),
            grammar("\0\u{ffff}"),
        ];
        for format in cases {
            let head: String = format.text().chars().take(60).collect();
            let problem = shapes.read(&format).map(|_| ()).expect_err(&head);
            let reason = &problem.details["reason"];
            assert_eq!(problem.code, Code::GrammarInvalid, "{head}");
            assert!(
                !reason.is_empty() && reason.len() < LONGEST_REASON + 8 && !reason.contains('\n'),
                "{head}: {reason}"
            );
        }
    }
}
