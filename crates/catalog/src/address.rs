//! Models that no list has, by the address of their file's page.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::{Code, Problem};
use url::Url;

use crate::check::plain;
use crate::entry::Source;
use crate::fetch::{FetchOptions, SourceChoice, facts, hash_in, is_safe, look, not_in};
use crate::header::check_header;
use crate::in_time::in_time;
use crate::intake::is_a_writer;
use crate::manifest::Catalog;
use crate::offer::OTHER_SIZE;
use crate::own::about;
use crate::recipe::{Recipe, RecipeModel};
use crate::store::ModelStore;

/// Where people copy addresses from, whatever mirror the files themselves come from.
const PAGES: [&str; 2] = ["https://huggingface.co", "https://hf.co"];

/// Those and `endpoint`, where files lie at `resolve` in place of their pages' `blob`.
pub(crate) fn pages(endpoint: &str) -> impl Iterator<Item = Url> {
    PAGES.into_iter().chain([endpoint]).filter_map(|page| Url::parse(page).ok())
}

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
        // A mirror may lie in a folder of its host.
        let below = |page: Url| {
            let path = url.path().strip_prefix(page.path().trim_end_matches('/'))?.strip_prefix('/')?;
            (page.origin() == url.origin()).then(|| path.split('/').collect::<Vec<_>>())
        };
        let elsewhere = "files come from Hugging Face, or the mirror of the settings, only: download it and add it";
        let web = matches!(url.scheme(), "http" | "https");
        let places = pages(endpoint).find_map(below).ok_or_else(|| refused(if web { elsewhere } else { another }))?;
        let (owner, name, revision, file) = match *places {
            [owner, name, "blob" | "resolve", revision, file] => (owner, name, revision, file),
            [_, _, "blob" | "resolve", _, _, ..] => {
                return Err(refused("files in folders of a repository cannot be fetched yet: download it and add it"));
            }
            _ => return Err(refused(another)),
        };
        let ends = Path::new(file).extension().is_some_and(|end| end.eq_ignore_ascii_case("gguf"));
        if !ends || ![owner, name, revision, file].into_iter().all(plain) {
            return Err(refused(another));
        }
        Ok(Self { repository: format!("{owner}/{name}"), revision: revision.to_owned(), file: file.to_owned() })
    }
}

/// Asks a repository for the file that `address` leads to: commit, size and hash, and what its header says; where files come from a folder, that is looked into instead. Gives a ladder of that model and
/// Max-Gram, which is not kept yet; nothing large is downloaded, and `store` keeps what the beginning of the file told. A file that `catalog` knows is called as it is there.
///
/// # Errors
/// [`Code::AddressUnusable`]: no address of a model. Those of [`facts`] and [`look`]; [`Code::SourceMissing`], [`Code::NotInSource`]; [`Code::ModelRefused`] for what does not write
/// by itself; [`Code::Cancelled`].
pub fn settle_at(
    catalog: &Catalog,
    store: &ModelStore,
    address: &str,
    options: &FetchOptions,
    cancel: &AtomicBool,
) -> Result<Recipe, Problem> {
    let Address { repository, revision, file } = Address::parse(address, &options.endpoint)?;
    let elsewhere = |reason: &str| Err(Problem::new(Code::LookUpFailed).with("name", &file).with("reason", reason));
    match options.source {
        SourceChoice::PythonPackages => return elsewhere("the chosen source does not carry it"),
        SourceChoice::Any | SourceChoice::HuggingFace if !is_safe(&options.endpoint) => {
            return elsewhere("models on offer are fetched from addresses that start with https:// only");
        }
        _ => {}
    }
    let (options, catalog, store) = (options.clone(), catalog.clone(), store.clone());
    in_time(cancel, &mut |_| {}, move |stopped, on| {
        let (header, bytes, sha256, sources) = if let SourceChoice::Folder(folder) = &options.source {
            // Whoever brings the files answers for them.
            let path = folder.join(&file);
            if !path.is_file() {
                return Err(not_in(folder, &file, &file));
            }
            let (bytes, sha256) = hash_in(&path, &file, &options, stopped, on)?;
            (check_header(&path)?, bytes, sha256, Vec::new())
        } else {
            let facts = facts(&repository, Some(&revision), &file, &options)?;
            if stopped.load(Ordering::Acquire) {
                return Err(Problem::new(Code::Cancelled));
            }
            let place = format!("{}/{repository}/resolve/{}/{file}", options.endpoint, facts.revision);
            let source = Source::hugging_face(repository, facts.revision);
            (look(&place, &options)?, facts.bytes, facts.sha256, vec![source])
        };
        let path = Path::new(&file);
        is_a_writer(&header, path)?;
        if let Some((part, count)) = header.part {
            let reason =
                format!("it is part {part} of {count} of a model: download all of them, and add the first one");
            return Err(Problem::new(Code::FileUnusable).with("path", &file).with("reason", reason));
        }
        let mut model = about(&header, path, sha256, None).entry();
        if model.bytes != bytes {
            return Err(Problem::new(Code::LookUpFailed).with("name", &file).with("reason", OTHER_SIZE));
        }
        store.keep_look(&model.sha256, &header.summary());
        // By that it is asked for there, whatever it would be called here.
        model.file.clone_from(&file);
        model.sources = sources;
        let known = catalog.models().iter().find(|known| known.sha256 == model.sha256 && known.bytes == model.bytes);
        let model = known.unwrap_or(&model);
        Recipe::new(&model.name.clone(), vec![RecipeModel::of(model)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_that_of_a_file_of_a_repository() {
        let mirror = "https://mirror.example:8443/models";
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
            ("https://mirror.example:8443/models/owner/name/resolve/main/m-Q4_K_M.gguf#there", "main"),
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
            "https://mirror.example:8443/owner/name/blob/main/m.gguf",
            "https://mirror.example:8443/modelsowner/name/blob/main/m.gguf",
            "ftp://mirror.example:8443/owner/name/blob/main/m.gguf",
        ] {
            assert_eq!(parse(text).unwrap_err().code, Code::AddressUnusable, "{text}");
        }
        let folder = parse("https://huggingface.co/owner/name/blob/main/Q4/m.gguf").unwrap_err();
        assert!(folder.details["reason"].contains("folders"), "{folder:?}");
        // Whatever stands in it, nothing comes of it that could lead elsewhere in an address or on the disk.
        for name in crate::hostile::names(Path::new("/home")) {
            for place in [format!("owner/name/blob/main/{name}.gguf"), format!("{name}/name/blob/{name}/m.gguf")] {
                let Ok(Address { repository, revision, file }) = parse(&format!("https://huggingface.co/{place}"))
                else {
                    continue;
                };
                let (owner, name) = repository.split_once('/').unwrap();
                assert!([owner, name, &revision, &file].into_iter().all(plain), "{place:?}");
            }
        }
    }
}
