//! `taki models check`: whether repositories have what the list says.

use catalog::{FetchOptions, ModelEntry, Offer, Source, facts};
use protocol::{Code, Problem, bytes_in_words};
use serde_json::{Value, json};

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

pub(crate) fn run(setup: &Setup, names: &[String], output: &Output) -> Result<(), Problem> {
    let options = setup.fetch_options()?;
    let all = asked(setup, names)?;
    let (mut rows, mut wrong) = (Vec::new(), 0);
    for one in &all {
        let id = match one {
            Asked::Known(model, ..) => &model.id,
            Asked::Offer(offer) => &offer.id,
        };
        output.progress(format_args!("Asking about {id} …"));
        let found = ask(one, &options);
        output.progress_done();
        match &found {
            Ok(bytes) => output.line(format_args!("{id:<24} as it should be ({})", bytes_in_words(*bytes))),
            Err(reason) => {
                wrong += 1;
                output.line(format_args!("{id:<24} {reason}"));
            }
        }
        rows.push(json!({ "id": id, "right": found.is_ok(), "reason": found.err().map_or(Value::Null, Value::from) }));
    }
    output.json(&json!({ "models": rows, "wrong": wrong }));
    if wrong == 0 {
        return Ok(());
    }
    let reason = format!("{wrong} of {} files could not be found as the list has them", all.len());
    Err(Problem::new(Code::LookUpFailed).with("name", "the list of models").with("reason", reason))
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
fn ask(asked: &Asked<'_>, options: &FetchOptions) -> Result<u64, String> {
    let reason = |problem: Problem| problem.details.get("reason").cloned().unwrap_or_else(|| problem.to_string());
    match asked {
        Asked::Known(model, repository, revision) => {
            let facts = facts(repository, Some(revision), &model.file, options).map_err(reason)?;
            let same = facts.bytes == model.bytes && facts.sha256 == model.sha256;
            if same { Ok(facts.bytes) } else { Err("the file there is another one".to_owned()) }
        }
        Asked::Offer(offer) => {
            let facts = facts(&offer.repository, None, &offer.file, options).map_err(reason)?;
            let off = (facts.bytes as f64 / offer.about_bytes as f64 - 1.0).abs();
            if off <= ABOUT {
                return Ok(facts.bytes);
            }
            let (is, said) = (bytes_in_words(facts.bytes), bytes_in_words(offer.about_bytes));
            Err(format!("the file there has {is}, not about {said}"))
        }
    }
}
