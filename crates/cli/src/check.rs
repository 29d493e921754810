//! `taki models check`: whether repositories have what the list says, and whether what its ladders are made of goes together.

use std::collections::HashMap;

use catalog::{
    Catalog, FetchOptions, ModelEntry, Offer, Source, SourceChoice, Summary, facts, look, match_up, match_up_by_text,
};
use protocol::{Code, Language, Problem, bytes_in_words};
use serde_json::json;

use crate::output::Output;
use crate::setup::Setup;

/// Share by which an about size may be off.
const ABOUT: f64 = 0.05;

/// Something of the list that a repository can be asked about.
enum Asked<'a> {
    /// Its commit, size and hash are known.
    Known(&'a ModelEntry, &'a str, &'a str),
    /// Only its name and about its size are.
    Offer(&'a Offer),
}

/// Why a file is not known to be as the list has it.
enum Miss {
    /// Nobody told.
    Unasked(Problem),
    /// It is another one, or none.
    Differs(Problem),
}

/// What a repository has that is as the list has it.
struct Found {
    bytes: u64,
    summary: Summary,
}

/// A draft of a ladder of the list, and why it does not go with the target, if it does not.
struct Pair<'a> {
    ladder: &'a str,
    draft: &'a str,
    problem: Option<Problem>,
}

pub(crate) fn run(setup: &Setup, names: &[String], output: &Output) -> Result<(), Problem> {
    let options = setup.fetch_options()?;
    let all = asked(setup, names)?;
    if let SourceChoice::Folder(folder) = &options.source {
        let folder = folder.display();
        output.note(output.either(
            format_args!("Models come from {folder} alone, but the list is of repositories: these are asked."),
            format_args!(
                "モデルの取得元はフォルダー {folder} だけですが、一覧に載っているリポジトリのほうに問い合わせます。"
            ),
        ));
    }
    let mut rows = Vec::new();
    let (mut found, mut unasked, mut differ) = (HashMap::new(), Vec::new(), 0_usize);
    for one in &all {
        let id = match one {
            Asked::Known(model, ..) => &model.id,
            Asked::Offer(offer) => &offer.id,
        };
        output.progress(
            output.either(format_args!("Asking about {id} …"), format_args!("{id} について問い合わせています…")),
        );
        let asked = ask(one, &options);
        output.progress_done();
        let (state, reason) = match asked {
            Ok(Found { bytes, summary }) => {
                let size = bytes_in_words(bytes);
                output.line(output.either(
                    format_args!("{id:<24} as it should be ({size})"),
                    format_args!("{id:<24} 一覧のとおり（{size}）"),
                ));
                found.insert(id.as_str(), summary);
                ("right", None)
            }
            Err(Miss::Unasked(problem)) => {
                let (reason, because) = reasons(&problem);
                output.line(output.either(
                    format_args!("{id:<24} could not be asked about: {reason}"),
                    format_args!("{id:<24} 確認できませんでした：{because}"),
                ));
                unasked.push(reason.clone());
                ("unasked", Some(reason))
            }
            Err(Miss::Differs(problem)) => {
                let (reason, because) = reasons(&problem);
                output.line(output.either(
                    format_args!("{id:<24} differs from the list: {reason}"),
                    format_args!("{id:<24} 一覧と異なります：{because}"),
                ));
                differ += 1;
                ("differs", Some(reason))
            }
        };
        rows.push(json!({ "id": id, "right": reason.is_none(), "state": state, "reason": reason }));
    }
    let pairs = pairs(&setup.catalog, &found);
    for Pair { ladder, draft, problem } in &pairs {
        let good = || {
            output.either(
                format!("{draft} goes with its target"),
                format!("{draft} は回答するモデルと組み合わせられます"),
            )
        };
        let verdict = problem.as_ref().map_or_else(good, |problem| problem.sentence(output.language));
        output.line(format_args!("{ladder:<24} {verdict}"));
    }
    let rows_of_pairs: Vec<_> = pairs
        .iter()
        .map(|Pair { ladder, draft, problem }| json!({ "ladder": ladder, "draft": draft, "fits": problem.is_none(), "problem": problem }))
        .collect();
    output.json(&json!({ "models": rows, "unasked": unasked.len(), "differ": differ, "pairs": rows_of_pairs }));
    let files = |count: usize| {
        let all = all.len();
        output.either(format!("{count} of {all} files"), format!("{all} 個中 {count} 個のファイル"))
    };
    // Each was told already.
    let mut problems: Vec<_> = pairs.into_iter().find_map(|pair| pair.problem).into_iter().collect();
    if let Some(reason) = unasked.first() {
        problems.push(Problem::new(Code::LookUpFailed).with("name", files(unasked.len())).with("reason", reason));
    }
    if differ > 0 {
        problems.push(Problem::new(Code::ListDiffers).with("files", files(differ)));
    }
    output.last_of(problems)
}

/// Why, as it came and in Japanese.
fn reasons(problem: &Problem) -> (String, String) {
    let reason = problem.details.get("reason").cloned().unwrap_or_else(|| problem.to_string());
    let japanese = problem.details.get("reason_ja").cloned();
    (reason, japanese.unwrap_or_else(|| problem.sentence(Language::Japanese)))
}

/// What the list has under these names, or all of it.
fn asked<'a>(setup: &'a Setup, names: &[String]) -> Result<Vec<Asked<'a>>, Problem> {
    let catalog = &setup.catalog;
    let in_repository = |model: &'a ModelEntry| {
        let source = model.sources.iter().find_map(|source| match source {
            Source::HuggingFace { repository, revision, .. } => Some((repository.as_str(), revision.as_str())),
            Source::PythonPackages(_) | Source::Unknown(_) => None,
        });
        source.map(|(repository, revision)| Asked::Known(model, repository, revision))
    };
    let mut wanted: Vec<&str> = Vec::new();
    for name in names {
        match (catalog.offered(name), catalog.models_named(name)) {
            (Some(ladder), _) => wanted.extend(ladder.rungs.iter().map(String::as_str)),
            (None, Ok(models)) => wanted.extend(models.iter().map(|model| model.id.as_str())),
            (None, Err(_)) if catalog.offers().any(|offer| offer.id == *name) => wanted.push(name),
            (None, Err(problem)) => return Err(problem),
        }
    }
    let is_wanted = |id: &str| names.is_empty() || wanted.contains(&id);
    let known = catalog.models().iter().filter(|model| is_wanted(&model.id)).filter_map(in_repository);
    let offers = catalog.offers().filter(|offer| is_wanted(&offer.id)).map(Asked::Offer);
    Ok(known.chain(offers).collect())
}

/// What the repository has, or what is not as the list has it. Of the file no more than its beginning is read.
fn ask(asked: &Asked<'_>, options: &FetchOptions) -> Result<Found, Miss> {
    let miss = |problem: Problem| match problem.code {
        Code::NotThere | Code::NotGguf | Code::ModelEmpty | Code::ModelRefused => Miss::Differs(problem),
        _ => Miss::Unasked(problem),
    };
    let differs = |reason: &str| Miss::Differs(Problem::new(Code::ListDiffers).with("reason", reason));
    let (repository, file, told) = match asked {
        Asked::Known(model, repository, revision) => {
            let told = facts(repository, Some(revision), &model.file, options).map_err(miss)?;
            if told.bytes != model.bytes || told.sha256 != model.sha256 {
                return Err(differs("the file there is another one"));
            }
            (*repository, &model.file, told)
        }
        Asked::Offer(offer) => {
            let told = facts(&offer.repository, None, &offer.file, options).map_err(miss)?;
            if (told.bytes as f64 / offer.about_bytes as f64 - 1.0).abs() > ABOUT {
                let (is, said) = (bytes_in_words(told.bytes), bytes_in_words(offer.about_bytes));
                return Err(differs(&format!("the file there has {is}, not about {said}")));
            }
            (offer.repository.as_str(), &offer.file, told)
        }
    };
    let address = format!("{}/{repository}/resolve/{}/{file}", options.endpoint, told.revision);
    let header = look(&address, options).map_err(miss)?;
    if header.file_bytes != told.bytes {
        return Err(differs("the repository tells another size of the file than it has"));
    }
    Ok(Found { bytes: told.bytes, summary: header.summary() })
}

/// Every draft of the list's ladders that was `found`, like its target.
fn pairs<'a>(catalog: &'a Catalog, found: &HashMap<&str, Summary>) -> Vec<Pair<'a>> {
    let mut pairs = Vec::new();
    for ladder in catalog.ladders().iter().chain(catalog.offered_ladders()) {
        let Some((target, drafts)) = ladder.rungs.split_first() else { continue };
        let Some(of_target) = found.get(target.as_str()) else { continue };
        let match_up = if ladder.by_text { match_up_by_text } else { match_up };
        let of_drafts = drafts.iter().filter_map(|draft| Some((draft, found.get(draft.as_str())?)));
        pairs.extend(of_drafts.map(|(draft, of_draft)| Pair {
            ladder: &ladder.id,
            draft,
            problem: match_up(of_target, of_draft, draft).err(),
        }));
    }
    pairs
}
