use protocol::{Code, Problem};

use crate::header::{Kind, check_header};
use crate::recipe::RecipeModel;
use crate::store::ModelStore;
use crate::summary::Summary;

/// How a draft's tokens go with its target's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokens {
    /// They are the same.
    Same,
    /// All but a few at the end are; of those at least so many.
    Nearly(u64),
    /// They are others: it can draft by text only, which is slower.
    ByText,
}

/// A draft that reads at least this share of what its target reads for each token ([`Summary::reads_beside`]) can hardly be of use on the same
/// device: were every token of it right, a review of one would win a tenth.
pub const SLOW: f64 = 0.8;

/// Whether a model can draft for a target, by what both files say of themselves. What passes is tried by the engine all the same;
/// what does not need not be downloaded. `name` is what the draft is called.
///
/// # Errors
/// [`Code::TokenizersDiffer`], [`Code::DraftTooLarge`], [`Code::TargetCannotRollBack`], [`Code::DraftCannotRollBack`], [`Code::ModelRefused`]:
/// what it is for instead.
pub fn match_up(target: &Summary, draft: &Summary, name: &str) -> Result<Tokens, Problem> {
    match match_up_by_text(target, draft, name)? {
        Tokens::ByText => Err(Problem::new(Code::TokenizersDiffer).with("rung", name)),
        tokens => Ok(tokens),
    }
}

/// The same for a ladder whose drafts may draft by text.
///
/// # Errors
/// As [`match_up`]; [`Code::TokenizersDiffer`] only where one of the two has no tokenizer.
pub fn match_up_by_text(target: &Summary, draft: &Summary, name: &str) -> Result<Tokens, Problem> {
    let against = |code| Err(Problem::new(code).with("rung", name));
    let refused = |reason: &str| Err(Problem::new(Code::ModelRefused).with("path", name).with("reason", reason));
    if target.kind == Kind::Recurrent {
        return against(Code::TargetCannotRollBack);
    }
    if draft.kind == Kind::Recurrent {
        return against(Code::DraftCannotRollBack);
    }
    if let Some(instead) = draft.kind.instead() {
        return refused(instead);
    }
    let tokens = match (&target.tokenizer, &draft.tokenizer) {
        (Some(target), Some(draft)) if target.hash == draft.hash => Tokens::Same,
        (Some(target), Some(draft)) => target.is_near(draft).map_or(Tokens::ByText, Tokens::Nearly),
        _ => return against(Code::TokenizersDiffer),
    };
    if draft.weights >= target.weights { against(Code::DraftTooLarge) } else { Ok(tokens) }
}

/// The models of a ladder in its order: the first is the target, the others follow in falling size. Those that are here, or were looked at
/// elsewhere, must go together; of others it shows before they are downloaded.
///
/// # Errors
/// Those of [`match_up`] and [`check_header`].
pub fn in_order(store: &ModelStore, models: Vec<RecipeModel>) -> Result<Vec<RecipeModel>, Problem> {
    sorted(store, models, match_up)
}

/// The same for a ladder whose drafts may draft by text.
///
/// # Errors
/// Those of [`match_up_by_text`] and [`check_header`].
pub fn in_order_by_text(store: &ModelStore, models: Vec<RecipeModel>) -> Result<Vec<RecipeModel>, Problem> {
    sorted(store, models, match_up_by_text)
}

fn sorted(
    store: &ModelStore,
    mut models: Vec<RecipeModel>,
    match_up: fn(&Summary, &Summary, &str) -> Result<Tokens, Problem>,
) -> Result<Vec<RecipeModel>, Problem> {
    let summary = |model: &RecipeModel| match store.file_of(&model.sha256) {
        Some(path) => check_header(&path).map(|header| Some(header.summary())),
        None => Ok(store.looked_at(&model.sha256)),
    };
    if let Some((target, drafts)) = models.split_first_mut() {
        if let Some(of_target) = summary(target)? {
            for draft in &*drafts {
                if let Some(of_draft) = summary(draft)? {
                    match_up(&of_target, &of_draft, &draft.name)?;
                }
            }
        }
        drafts.sort_by_key(|draft| std::cmp::Reverse(draft.bytes));
    }
    Ok(models)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check;
    use crate::sample::{Gguf, entry, pair, text};

    fn header(change: impl FnOnce(&mut Gguf)) -> Summary {
        let mut gguf = Gguf::small();
        change(&mut gguf);
        let bytes = gguf.bytes();
        check(std::io::Cursor::new(&bytes), bytes.len() as u64, &"tiny").unwrap().summary()
    }

    fn of(architecture: &str) -> Summary {
        header(|gguf| gguf.pairs[0] = pair("general.architecture", 8, &text(architecture)))
    }

    /// Twice as many weights.
    fn large() -> Summary {
        header(|gguf| {
            gguf.tensors[1] = ("output_norm.weight".into(), vec![64], 0, 64);
            gguf.data += 128;
        })
    }

    #[test]
    fn a_draft_is_smaller_and_splits_text_alike() {
        let (large, small) = (large(), header(|_| {}));
        assert_eq!(match_up(&large, &small, "small"), Ok(Tokens::Same));
        let code = |target: &Summary, draft: &Summary| match_up(target, draft, "it").unwrap_err().code;
        assert_eq!(code(&small, &large), Code::DraftTooLarge);
        assert_eq!(code(&small, &small), Code::DraftTooLarge);
        let other =
            [8_u32.to_le_bytes().as_slice(), &3_u64.to_le_bytes(), &text("a"), &text("c"), &text("ccc")].concat();
        let other = header(|gguf| gguf.pairs[5] = pair("tokenizer.ggml.tokens", 9, &other));
        assert_eq!(code(&large, &other), Code::TokenizersDiffer);
        assert_eq!(match_up_by_text(&large, &other, "other"), Ok(Tokens::ByText));
        assert_eq!(match_up_by_text(&large, &small, "small"), Ok(Tokens::Same));
        assert_eq!(match_up_by_text(&small, &large, "large").unwrap_err().code, Code::DraftTooLarge);
        let ends = header(|gguf| gguf.pairs.push(pair("tokenizer.ggml.eos_token_id", 4, &2_u32.to_le_bytes())));
        assert_eq!(code(&large, &ends), Code::TokenizersDiffer, "it ends with another token");
    }

    #[test]
    fn what_was_looked_at_elsewhere_goes_together_or_is_refused_before_it_is_here() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().to_owned()).unwrap();
        let model = |id: &str| RecipeModel::of(&entry(id, id.as_bytes(), Vec::new()));
        let (target, draft) = (model("target"), model("draft"));
        let ordered = || in_order(&store, vec![target.clone(), draft.clone()]);
        store.keep_look(&target.sha256, &large());
        assert_eq!(ordered().unwrap().len(), 2, "nobody knows anything of the draft");
        let other = header(|gguf| gguf.pairs.push(pair("tokenizer.ggml.eos_token_id", 4, &2_u32.to_le_bytes())));
        store.keep_look(&draft.sha256, &other);
        assert_eq!(ordered().unwrap_err().code, Code::TokenizersDiffer);
        assert_eq!(in_order_by_text(&store, vec![target.clone(), draft.clone()]).unwrap().len(), 2);
        store.keep_look(&draft.sha256, &header(|_| {}));
        assert_eq!(ordered().unwrap().len(), 2);
    }

    #[test]
    fn nothing_drafts_for_a_target_that_takes_no_token_back() {
        let small = header(|_| {});
        for architecture in ["mamba2", "qwen35", "granitehybrid"] {
            let target = of(architecture);
            let problem = match_up(&target, &small, "it").unwrap_err();
            assert_eq!((problem.code, problem.details["rung"].as_str()), (Code::TargetCannotRollBack, "it"));
            let by_text = match_up_by_text(&target, &of(architecture), "it");
            assert_eq!(by_text.unwrap_err().code, Code::TargetCannotRollBack, "{architecture}");
        }
    }

    #[test]
    fn what_is_no_writer_is_called_what_it_is() {
        let large = large();
        for (architecture, code, word) in [
            ("mamba2", Code::DraftCannotRollBack, "it"),
            ("bert", Code::ModelRefused, "searching"),
            ("clip", Code::ModelRefused, "eyes"),
            ("eagle3", Code::ModelRefused, "inside"),
        ] {
            let problem = match_up(&large, &of(architecture), "it").unwrap_err();
            assert_eq!(problem.code, code, "{architecture}");
            assert!(problem.details.values().any(|detail| detail.contains(word)), "{problem:?}");
        }
    }
}
