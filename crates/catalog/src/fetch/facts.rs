//! What a repository tells of a file before it is fetched.

use protocol::{Code, Problem};
use ureq::http::{HeaderMap, Method};

use super::FetchOptions;
use super::asking::{PAGE, agent, in_words, is_page, not_given, send};
use crate::check::plain;
use crate::entry::Sha256;

/// What a repository tells of one of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The commit that the file was looked up in, 40 hex digits.
    pub revision: String,
    /// Hash of the file.
    pub sha256: Sha256,
    /// Size of the file.
    pub bytes: u64,
}

/// Asks the repository `owner/name` what it knows of `file` in `revision`, a branch, tag or commit, or else `main`. Nothing is downloaded.
///
/// # Errors
/// [`Code::LookUpFailed`]: nothing, or nothing that can be used. [`Code::NotThere`]: there is no such file. [`Code::AccessRefused`].
pub fn facts(repository: &str, revision: Option<&str>, file: &str, options: &FetchOptions) -> Result<Facts, Problem> {
    let failed = |reason: String| Problem::new(Code::LookUpFailed).with("name", file).with("reason", reason);
    let revision = revision.unwrap_or("main");
    // They become part of an address.
    if !repository.split_once('/').is_some_and(|(owner, name)| plain(owner) && plain(name)) {
        return Err(failed("the repository is not owner/name".to_owned()));
    }
    if !plain(revision) || !plain(file) {
        return Err(failed("the name of the file or its revision has odd characters".to_owned()));
    }
    let url = format!("{}/{repository}/resolve/{revision}/{file}", options.endpoint);
    let wrong = |error: ureq::Error| failed(in_words(&error, options));
    let agent = agent(&options.endpoint, options).map_err(wrong)?;
    // A repository that was renamed leads to its new name; the file itself lies with somebody who knows nothing of it.
    let same_host = |from: &url::Url, to: &url::Url| from.origin() == to.origin();
    let answer = send(&agent, &Method::HEAD, &url, &[], options, &same_host).map_err(wrong)?;
    let status = answer.response.status();
    if status.is_client_error() || status.is_server_error() {
        return Err(not_given(file, &answer, options));
    }
    let headers = answer.response.headers();
    let facts = read(headers).map_err(|reason| failed(if is_page(headers) { PAGE } else { reason }.to_owned()))?;
    let asked = is_commit(revision);
    if asked && facts.revision != revision {
        return Err(failed("the repository answers for another revision than it was asked for".to_owned()));
    }
    Ok(facts)
}

fn read(headers: &HeaderMap) -> Result<Facts, &'static str> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let revision = text("x-repo-commit").filter(|commit| is_commit(commit));
    // Files that are no large ones have another digest there.
    let sha256 = text("x-linked-etag").and_then(|tag| Sha256::parse(tag.trim_matches('"')));
    let bytes = text("x-linked-size").and_then(|size| size.parse().ok()).filter(|bytes| *bytes > 0);
    Ok(Facts {
        revision: revision.ok_or("the repository does not tell the file's revision")?.to_owned(),
        sha256: sha256.ok_or("the repository does not tell the file's SHA-256")?,
        bytes: bytes.ok_or("the repository does not tell the file's size")?,
    })
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
