//! Models that no list has, by the address of their file's page.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use protocol::{Code, Problem};
use url::Url;

use crate::check::plain;
use crate::entry::Source;
use crate::fetch::{FetchOptions, SourceChoice, facts, is_safe, look};
use crate::offer::in_time;
use crate::own::{about, is_a_writer};
use crate::recipe::{Recipe, RecipeModel};

/// Where people copy addresses from, whatever mirror the files themselves come from.
const PAGES: [&str; 2] = ["https://huggingface.co", "https://hf.co"];

/// So many characters are shown of what is no address.
const LONGEST: usize = 200;

/// A file of a repository.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    /// `owner/name`.
    repository: String,
    /// A branch, tag or commit.
    revision: String,
    file: String,
}

impl Address {
    /// That of a file itself or of its page: `https://huggingface.co/owner/name/blob/main/file.gguf`, or at `endpoint`.
    ///
    /// # Errors
    /// [`Code::AddressUnusable`].
    fn parse(text: &str, endpoint: &str) -> Result<Self, Problem> {
        let refused = |reason: &str| {
            // Anything may have been pasted.
            let shown: String = text.trim().chars().take(LONGEST).collect();
            Problem::new(Code::AddressUnusable).with("address", shown).with("reason", reason)
        };
        let another = "it has to be that of a .gguf file in a repository, like https://huggingface.co/owner/name/blob/main/file.gguf";
        let url = Url::parse(text.trim()).map_err(|_| refused(another))?;
        let origin = url.origin();
        let known = PAGES.into_iter().chain([endpoint]).filter_map(|page| Url::parse(page).ok());
        if !known.into_iter().any(|page| page.origin() == origin) {
            return Err(refused(another));
        }
        let places: Vec<_> = url.path_segments().into_iter().flatten().collect();
        let [owner, name, "blob" | "resolve", revision, file] = *places else { return Err(refused(another)) };
        if ![owner, name, revision, file].into_iter().all(plain)
            || !Path::new(file).extension().is_some_and(|end| end.eq_ignore_ascii_case("gguf"))
        {
            return Err(refused(another));
        }
        Ok(Self { repository: format!("{owner}/{name}"), revision: revision.to_owned(), file: file.to_owned() })
    }
}

/// Asks a repository for the file that `address` leads to: commit, size and hash, and what its header says. Gives a ladder of that model and
/// Max-Gram, which is not kept yet; nothing large is downloaded.
///
/// # Errors
/// [`Code::AddressUnusable`]: no address of a model. [`Code::LookUpFailed`] and those of [`look`]; [`Code::ModelRefused`] for what does not write
/// by itself; [`Code::Cancelled`].
pub fn settle_at(address: &str, options: &FetchOptions, cancel: &AtomicBool) -> Result<Recipe, Problem> {
    let Address { repository, revision, file } = Address::parse(address, &options.endpoint)?;
    let elsewhere = |reason: &str| Err(Problem::new(Code::LookUpFailed).with("name", &file).with("reason", reason));
    if matches!(options.source, SourceChoice::PythonPackages | SourceChoice::Folder(_)) {
        return elsewhere("the chosen source does not carry it");
    }
    if !is_safe(&options.endpoint) {
        return elsewhere("models on offer are fetched from addresses that start with https:// only");
    }
    let options = options.clone();
    in_time(cancel, move |_| {
        let facts = facts(&repository, Some(&revision), &file, &options)?;
        let source = Source::HuggingFace { repository: repository.clone(), revision: facts.revision };
        let place = |source: &Source| match source {
            Source::HuggingFace { repository, revision } => {
                format!("{}/{repository}/resolve/{revision}/{file}", options.endpoint)
            }
            Source::PythonPackages(_) => String::new(),
        };
        let header = look(&place(&source), &options)?;
        let path = Path::new(&file);
        is_a_writer(&header, path)?;
        if let Some((part, count)) = header.part {
            let reason =
                format!("it is part {part} of {count} of a model: download all of them, and add the first one");
            return Err(Problem::new(Code::ModelRefused).with("path", &file).with("reason", reason));
        }
        let mut model = about(&header, path, facts.sha256, None).entry();
        if model.bytes != facts.bytes {
            let reason = "the repository tells another size of the file than it has";
            return Err(Problem::new(Code::LookUpFailed).with("name", &file).with("reason", reason));
        }
        model.sources = vec![source];
        Recipe::new(&model.name.clone(), vec![RecipeModel::of(&model)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_that_of_a_file_of_a_repository() {
        let mirror = "https://mirror.example:8443";
        let parse = |text: &str| Address::parse(text, mirror);
        let file = |revision: &str| Address {
            repository: "owner/name".to_owned(),
            revision: revision.to_owned(),
            file: "m-Q4_K_M.gguf".to_owned(),
        };
        for (text, revision) in [
            ("https://huggingface.co/owner/name/blob/main/m-Q4_K_M.gguf", "main"),
            (" https://huggingface.co/owner/name/resolve/v1.0/m-Q4_K_M.gguf?download=true\n", "v1.0"),
            ("https://hf.co/owner/name/blob/main/m-Q4_K_M.gguf", "main"),
            ("https://mirror.example:8443/owner/name/resolve/main/m-Q4_K_M.gguf#there", "main"),
        ] {
            assert_eq!(parse(text), Ok(file(revision)), "{text}");
        }
        for text in [
            "",
            "m.gguf",
            "https://huggingface.co/owner/name",
            "https://huggingface.co/owner/name/tree/main/m.gguf",
            "https://huggingface.co/owner/name/blob/main/README.md",
            "https://huggingface.co/owner/name/blob/main/Q4/m.gguf",
            "https://huggingface.co/owner/name/blob/main/..%2Fm.gguf",
            "https://huggingface.co/owner/../name/blob/main/m.gguf",
            "http://huggingface.co/owner/name/blob/main/m.gguf",
            "https://huggingface.co.example/owner/name/blob/main/m.gguf",
            "https://huggingface.co@example/owner/name/blob/main/m.gguf",
            "ftp://mirror.example:8443/owner/name/blob/main/m.gguf",
        ] {
            assert_eq!(parse(text).unwrap_err().code, Code::AddressUnusable, "{text}");
        }
    }
}
