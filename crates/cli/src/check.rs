//! `taki models check`: whether repositories have what the list says.

use catalog::{FetchOptions, ModelEntry, Offer, Source, facts};
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

/// Why a file is not known to be as the list has it, in words.
enum Miss {
    /// Nobody told.
    Unasked(String),
    /// It is another one, or none.
    Differs(String),
}

/// How the reason begins of a repository that has no such file.
const NOT_THERE: &str = "the file is not there any more";

pub(crate) fn run(setup: &Setup, names: &[String], output: &Output) -> Result<(), Problem> {
    let options = setup.fetch_options()?;
    let all = asked(setup, names)?;
    let mut rows = Vec::new();
    let (mut unasked, mut differ) = (Vec::new(), 0_usize);
    for one in &all {
        let id = match one {
            Asked::Known(model, ..) => &model.id,
            Asked::Offer(offer) => &offer.id,
        };
        output.progress(format_args!("Asking about {id} …"));
        let found = ask(one, &options);
        output.progress_done();
        let (state, reason) = match found {
            Ok(bytes) => {
                output.line(format_args!("{id:<24} as it should be ({})", bytes_in_words(bytes)));
                ("right", None)
            }
            Err(Miss::Unasked(reason)) => {
                output.line(format_args!("{id:<24} could not be asked about: {reason}"));
                unasked.push(reason.clone());
                ("unasked", Some(reason))
            }
            Err(Miss::Differs(reason)) => {
                output.line(format_args!("{id:<24} differs from the list: {reason}"));
                differ += 1;
                ("differs", Some(reason))
            }
        };
        rows.push(json!({ "id": id, "right": reason.is_none(), "state": state, "reason": reason }));
    }
    output.json(&json!({ "models": rows, "unasked": unasked.len(), "differ": differ }));
    let files = |count: usize| match output.language {
        Language::English => format!("{count} of {} files", all.len()),
        Language::Japanese => format!("{} 個中 {count} 個のファイル", all.len()),
    };
    let mut problems = Vec::new();
    if let Some(reason) = unasked.first() {
        problems.push(Problem::new(Code::LookUpFailed).with("name", files(unasked.len())).with("reason", reason));
    }
    if differ > 0 {
        problems.push(Problem::new(Code::ListDiffers).with("files", files(differ)));
    }
    output.last_of(problems)
}

/// What the list has under these names, or all of it.
fn asked<'a>(setup: &'a Setup, names: &[String]) -> Result<Vec<Asked<'a>>, Problem> {
    let catalog = &setup.catalog;
    let in_repository = |model: &'a ModelEntry| {
        let source = model.sources.iter().find_map(|source| match source {
            Source::HuggingFace { repository, revision } => Some((repository.as_str(), revision.as_str())),
            Source::PythonPackages(_) => None,
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

/// How many bytes the file has, or what is not as the list has it.
fn ask(asked: &Asked<'_>, options: &FetchOptions) -> Result<u64, Miss> {
    let miss = |problem: Problem| {
        let reason = problem.details.get("reason").cloned().unwrap_or_else(|| problem.to_string());
        if reason.starts_with(NOT_THERE) { Miss::Differs(reason) } else { Miss::Unasked(reason) }
    };
    match asked {
        Asked::Known(model, repository, revision) => {
            let facts = facts(repository, Some(revision), &model.file, options).map_err(miss)?;
            let same = facts.bytes == model.bytes && facts.sha256 == model.sha256;
            if same { Ok(facts.bytes) } else { Err(Miss::Differs("the file there is another one".to_owned())) }
        }
        Asked::Offer(offer) => {
            let facts = facts(&offer.repository, None, &offer.file, options).map_err(miss)?;
            let off = (facts.bytes as f64 / offer.about_bytes as f64 - 1.0).abs();
            if off <= ABOUT {
                return Ok(facts.bytes);
            }
            let (is, said) = (bytes_in_words(facts.bytes), bytes_in_words(offer.about_bytes));
            Err(Miss::Differs(format!("the file there has {is}, not about {said}")))
        }
    }
}
