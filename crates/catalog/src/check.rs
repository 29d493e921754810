//! What may stand in a catalogue or recipe: names, sizes and places that can be trusted from then on.

use std::collections::BTreeSet;

use crate::entry::{LadderEntry, ModelEntry, Source};
use crate::offer::Offer;

/// Most parts a file may come in.
const MOST_PARTS: u32 = 999;
/// Largest file, in bytes: that much of every ladder can be added up.
const MOST_BYTES: u64 = 1 << 50;
/// Largest entry of a K matrix.
const MOST_DRAFTED: u32 = 64;

/// What is wrong with entries of a catalogue or recipe, if anything is.
pub(crate) fn check_entries(ladders: &[LadderEntry], models: &[ModelEntry]) -> Result<(), String> {
    let sized: Vec<_> = models.iter().map(|model| (&model.id, model.bytes)).collect();
    check_all(ladders, models, &sized).map_err(|(id, reason)| format!("“{id}”: {reason}"))
}

/// The same with the id of the entry.
pub(crate) fn check_all(
    ladders: &[LadderEntry],
    models: &[ModelEntry],
    sized: &[(&String, u64)],
) -> Result<(), (String, String)> {
    // A ladder may be called like the model that answers in it.
    let (mut ids, mut ladder_ids) = (BTreeSet::new(), BTreeSet::new());
    for model in models {
        check_model(model).and_then(|()| fresh(&mut ids, &model.id)).map_err(|reason| (model.id.clone(), reason))?;
    }
    for ladder in ladders {
        check_ladder(ladder, sized)
            .and_then(|()| fresh(&mut ladder_ids, &ladder.id))
            .map_err(|reason| (ladder.id.clone(), reason))?;
    }
    Ok(())
}

fn fresh(ids: &mut BTreeSet<String>, id: &str) -> Result<(), String> {
    if ids.insert(id.to_owned()) { Ok(()) } else { Err("its id is taken".to_owned()) }
}

/// Letters, digits and `._-`, not starting with a dot or dash: means nothing to any shell, file system or URL.
pub(crate) fn plain(text: &str) -> bool {
    text.len() <= 100
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

fn check(good: bool, reason: &str) -> Result<(), String> {
    if good { Ok(()) } else { Err(reason.to_owned()) }
}

fn check_model(model: &ModelEntry) -> Result<(), String> {
    check(plain(&model.id), "its id has other characters than letters, digits, dot, dash, underscore")?;
    check(plain(&model.file), "its file name has other characters than letters, digits, dot, dash, underscore")?;
    check(model.bytes > 0, "its file is empty")?;
    check(model.bytes <= MOST_BYTES, "its file is of an absurd size")?;
    check(!model.name.trim().is_empty(), "it has no name")?;
    for source in &model.sources {
        match source {
            Source::HuggingFace { repository, revision, .. } => {
                let named = repository.split_once('/').is_some_and(|(owner, name)| plain(owner) && plain(name));
                check(named, "a repository is not owner/name")?;
                let commit = revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
                check(commit, "a revision is not a commit of 40 hex digits")?;
            }
            Source::PythonPackages(parts) => {
                check((1..=MOST_PARTS).contains(&parts.parts), "a package source has no parts or too many")?;
                check(plain(&parts.version), "a version has odd characters")?;
                check(parts.each().all(|(package, _)| plain(&package)), "a package name has odd characters")?;
                let distinct: BTreeSet<_> = parts.each().collect();
                check(distinct.len() == parts.parts as usize, "the parts of a package source are not told apart")?;
            }
            Source::Unknown(other) => {
                let kind = other.get("kind").and_then(toml::Value::as_str);
                check(kind.is_some(), "a source does not say of what kind it is")?;
                // Only another kind is another version's.
                let is_known = matches!(kind, Some("hugging_face" | "python_packages"));
                check(!is_known, "a source lacks something, or has what makes no sense")?;
            }
        }
    }
    Ok(())
}

/// What is wrong with an offer, if anything is; `known` are the models that are known.
pub(crate) fn check_offer(offer: &Offer, known: &[(&String, u64)]) -> Result<(), String> {
    check(plain(&offer.id), "its id has other characters than letters, digits, dot, dash, underscore")?;
    check(known.iter().all(|(id, _)| **id != offer.id), "its id is taken")?;
    check(plain(&offer.file), "its file name has other characters than letters, digits, dot, dash, underscore")?;
    check(offer.about_bytes > 0, "its file is empty")?;
    check(offer.about_bytes <= MOST_BYTES, "its file is of an absurd size")?;
    check(offer.licence.unknown.is_empty(), "something in its licence is not known")?;
    check(!offer.name.trim().is_empty() && !offer.tokenizer.trim().is_empty(), "it has no name or tokenizer")?;
    let named = offer.repository.split_once('/').is_some_and(|(owner, name)| plain(owner) && plain(name));
    check(named, "a repository is not owner/name")
}

fn check_ladder(ladder: &LadderEntry, all: &[(&String, u64)]) -> Result<(), String> {
    check(plain(&ladder.id), "its id has other characters than letters, digits, dot, dash, underscore")?;
    check(!ladder.rungs.is_empty(), "it has no rungs")?;
    let mut sizes = Vec::new();
    for id in &ladder.rungs {
        let (_, bytes) = all.iter().find(|(of, _)| *of == id).ok_or_else(|| format!("no model is called “{id}”"))?;
        sizes.push(*bytes);
    }
    check(sizes.is_sorted_by(|bigger, smaller| bigger > smaller), "its rungs do not fall in size")?;
    let drafters = ladder.rungs.len() - 1 + usize::from(ladder.max_gram);
    let square = ladder.k.len() == drafters && ladder.k.iter().all(|row| row.len() == drafters);
    check(square, "its K matrix does not have a row and a column for each drafter")?;
    let below = |(i, row): (usize, &Vec<u32>)| row[..i].iter().all(|k| *k == 0);
    check(ladder.k.iter().enumerate().all(below), "its K matrix has a rung draft for a smaller one")?;
    check(ladder.k.iter().flatten().all(|k| *k <= MOST_DRAFTED), "its K matrix has an absurd entry")?;
    check(ladder.lenience >= 1.0 && ladder.lenience.is_finite(), "its lenience is below 1, or out of all proportion")
}
