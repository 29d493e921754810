//! A ladder as a small file: what it is made of, by hash, and how it is run.

use protocol::{Code, Problem};
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::entry::{LadderEntry, Licence, MadeFrom, ModelEntry, Sha256, Source, Words};
use crate::name::{LONGEST_NAME, check_name, is_plain, on_one_line, slug};

/// Version of the form of a recipe.
const VERSION: u32 = 1;

/// No recipe is larger, in bytes.
pub(crate) const LARGEST: u64 = 256 * 1024;

/// Most models of a ladder.
const MOST_RUNGS: usize = 8;

/// Tokens of each draft for each reviewer where nothing else is said, and of Max-Gram for a target without draft models.
const EACH: u32 = 4;
const ALONE: u32 = 8;

/// A model of a recipe. What is not known here is kept as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecipeModel {
    /// Its id within the recipe.
    pub id: String,
    /// Display name.
    pub name: String,
    /// File name without any folder.
    pub file: String,
    /// Size of the file.
    pub bytes: u64,
    /// Hash of the file.
    pub sha256: Sha256,
    /// Under what terms it may be used, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<Licence>,
    /// Of what it was requantized, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_from: Option<MadeFrom>,
    /// Where it can be fetched; nowhere if it is the user's own.
    #[serde(default, rename = "source", skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    #[serde(flatten)]
    unknown: Table,
}

impl RecipeModel {
    /// A model of the catalogue, as a recipe holds it.
    pub fn of(model: &ModelEntry) -> Self {
        let ModelEntry { id, name, file, bytes, sha256, licence, sources, made_from } = model.clone();
        let licence = Some(licence).filter(|licence| !licence.spdx.is_empty());
        Self { id, name, file, bytes, sha256, licence, made_from, sources, unknown: Table::new() }
    }

    /// As [`ModelEntry::missing`].
    pub fn missing(&self, ladder: &str) -> Problem {
        self.entry().missing(ladder)
    }

    /// The model as an entry of a catalogue.
    pub fn entry(&self) -> ModelEntry {
        let Self { id, name, file, bytes, sha256, sources, made_from, .. } = self.clone();
        let licence = self.licence.clone().unwrap_or_default();
        ModelEntry { id, name, file, bytes, sha256, licence, sources, made_from }
    }
}

/// A ladder that can be kept, changed and handed on. What is not known here is kept as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Version of this form.
    #[serde(rename = "taki_recipe")]
    pub(crate) version: u32,
    /// Its id on the computer that keeps it.
    pub id: String,
    /// Display name.
    pub name: String,
    /// What it is good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Ids of its models: the target first, then drafts in falling size.
    pub rungs: Vec<String>,
    /// Whether Max-Gram stands at the bottom.
    #[serde(default = "yes")]
    pub max_gram: bool,
    /// K matrix of the fixed policy; see [`protocol::ladder::Ladder::k`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k: Option<Vec<Vec<u32>>>,
    /// How much inner reviewers may let pass, 1 is nothing.
    #[serde(default = "nothing")]
    pub lenience: f32,
    /// Whether drafts whose tokens are others than the target's draft by text, which is slower.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_text: bool,
    /// Why draft models that belong to it by the catalogue are not in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "those_known")]
    pub(crate) left_out: Vec<Problem>,
    /// Its models.
    #[serde(rename = "model")]
    pub models: Vec<RecipeModel>,
    #[serde(flatten)]
    pub(crate) unknown: Table,
}

fn yes() -> bool {
    true
}

fn nothing() -> f32 {
    1.0
}

/// Problems, without those that only another version knows.
fn those_known<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Problem>, D::Error> {
    let found = Vec::<toml::Value>::deserialize(from)?;
    Ok(found.into_iter().filter_map(|one| one.try_into().ok()).collect())
}

impl Recipe {
    /// A ladder of `models`, the target first, with Max-Gram.
    ///
    /// # Errors
    /// [`Code::NameEmpty`], [`Code::NameTooLong`], [`Code::LadderInvalid`].
    pub fn new(name: &str, models: Vec<RecipeModel>) -> Result<Self, Problem> {
        let recipe = Self {
            version: VERSION,
            id: slug(name),
            name: on_one_line(name),
            description: None,
            rungs: models.iter().map(|model| model.id.clone()).collect(),
            max_gram: true,
            k: None,
            lenience: nothing(),
            by_text: false,
            left_out: Vec::new(),
            models,
            unknown: Table::new(),
        };
        recipe.checked()?;
        Ok(recipe)
    }

    /// Reads a recipe and checks every entry, so that ids, names and hashes in it can be trusted from then on. `place` is where it
    /// comes from.
    ///
    /// # Errors
    /// [`Code::FileUnusable`].
    pub fn parse(text: &str, place: impl std::fmt::Display) -> Result<Self, Problem> {
        let unusable = |reason: String| Problem::new(Code::FileUnusable).with("path", &place).with("reason", reason);
        let recipe: Self = toml::from_str(text).map_err(|error| unusable(format!("it is no recipe: {error}")))?;
        if recipe.version > VERSION {
            return Err(unusable("it was written by a newer version of Taki".to_owned()));
        }
        recipe.check().map_err(unusable)?;
        Ok(recipe)
    }

    /// Has it made of `models` from now on, the target first.
    pub fn set_models(&mut self, models: Vec<RecipeModel>) {
        // Another number of rungs needs another matrix.
        self.k = self.k.take().filter(|_| self.rungs.len() == models.len());
        self.rungs = models.iter().map(|model| model.id.clone()).collect();
        let before = std::mem::replace(&mut self.models, models);
        for model in before {
            self.tell_original(model);
        }
        self.left_out.clear();
    }

    /// Its models, the target first, without those that are only told because others are made of them.
    pub fn in_rungs(&self) -> impl Iterator<Item = &RecipeModel> {
        self.rungs.iter().filter_map(|id| self.models.iter().find(|model| model.id == *id))
    }

    /// Tells where `original` can be fetched, if one of its models was made of that: then whoever has neither can make it.
    pub(crate) fn tell_original(&mut self, original: RecipeModel) {
        let told = |model: &RecipeModel| model.sha256 == original.sha256 || model.id == original.id;
        let is_of = |model: &RecipeModel| model.made_from.as_ref().is_some_and(|from| from.sha256 == original.sha256);
        let can_be_had = !original.sources.is_empty() && self.models.len() < MOST_RUNGS;
        if can_be_had && !self.models.iter().any(told) && self.in_rungs().any(is_of) {
            self.models.push(original);
        }
    }

    /// The same under another name; whether it can be called so shows when it is [added](crate::Recipes::add).
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { id: slug(name), name: on_one_line(name), ..self }
    }

    /// Whether `other` has the same name and the same files in the same order, and is run in the same way.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let whole = |recipe: &Self| {
            let (ladder, models) = recipe.entries();
            let hash = |id: &String| models.iter().find(|model| model.id == *id).map(|model| model.sha256.clone());
            let files: Vec<_> = ladder.rungs.iter().map(hash).collect();
            (ladder.name, files, ladder.max_gram, ladder.k, ladder.lenience, ladder.by_text)
        };
        whole(self) == whole(other)
    }

    /// As it is handed on: without what was found out on this computer.
    #[must_use]
    pub fn handed_on(self) -> Self {
        Self { left_out: Vec::new(), ..self }
    }

    /// As it is written to a file.
    ///
    /// # Errors
    /// [`Code::Internal`]: what was read as TOML can be written.
    pub fn to_toml(&self) -> Result<String, Problem> {
        toml::to_string(self).map_err(|error| Problem::new(Code::Internal).with("reason", error))
    }

    /// What is wrong with one that somebody here made or changed.
    pub(crate) fn checked(&self) -> Result<(), Problem> {
        check_name(&self.name)?;
        self.check().map_err(|reason| Problem::new(Code::LadderInvalid).with("reason", reason))
    }

    /// What is wrong with it.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.rungs.len() > MOST_RUNGS || self.models.len() > MOST_RUNGS {
            return Err(format!("it has more than {MOST_RUNGS} models"));
        }
        if self.name.trim().is_empty() || self.name.chars().count() > LONGEST_NAME {
            return Err(format!("its name is empty or longer than {LONGEST_NAME} characters"));
        }
        let models = self.models.iter();
        let shown = models.clone().map(|model| &model.name);
        let made = models.clone().filter_map(|model| model.made_from.as_ref());
        let shown = shown.chain(made.flat_map(|from| [&from.name, &from.mix]));
        let shown = shown.chain(models.filter_map(|model| Some(&model.licence.as_ref()?.spdx)));
        if shown.chain([&self.name]).chain(&self.description).any(|text| !is_plain(text)) {
            return Err("one of its names is too long, or has characters that cannot be seen".to_owned());
        }
        // It is told as part of a command to type.
        let mixes = self.models.iter().filter_map(|model| Some(&model.made_from.as_ref()?.mix));
        if mixes.into_iter().any(|mix| !is_mix(mix)) {
            return Err("a type of weights has odd characters".to_owned());
        }
        let (ladder, models) = self.entries();
        crate::check::check_entries(&[ladder], &models)
    }

    /// The ladder and its models as entries of a catalogue.
    pub(crate) fn entries(&self) -> (LadderEntry, Vec<ModelEntry>) {
        let said = self.description.clone().unwrap_or_default();
        let drafters = self.rungs.len().saturating_sub(1) + usize::from(self.max_gram);
        let each = if self.rungs.len() == 1 { ALONE } else { EACH };
        let row = |reviewer| (0..drafters).map(|drafter| if drafter < reviewer { 0 } else { each }).collect();
        let ladder = LadderEntry {
            id: self.id.clone(),
            name: self.name.clone(),
            description: Words { en: said.clone(), ja: said },
            rungs: self.rungs.clone(),
            max_gram: self.max_gram,
            k: self.k.clone().unwrap_or_else(|| (0..drafters).map(row).collect()),
            lenience: self.lenience,
            general: true,
            japanese: false,
            by_text: self.by_text,
            left_out: self.left_out.clone(),
        };
        (ladder, self.models.iter().map(RecipeModel::entry).collect())
    }
}

/// Whether a mix may be called so, by whatever version of llama.cpp.
fn is_mix(name: &str) -> bool {
    (1..=16).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::entry;

    fn recipe() -> Recipe {
        let models = [entry("big", b"larger", Vec::new()), entry("small", b"less", Vec::new())];
        Recipe::new("My Ladder 滝!", models.iter().map(RecipeModel::of).collect()).unwrap()
    }

    #[test]
    fn a_recipe_comes_back_as_it_was_written_with_what_is_not_known_here() {
        let recipe = recipe();
        assert_eq!((recipe.id.as_str(), recipe.name.as_str()), ("my-ladder", "My Ladder 滝!"));
        let text = recipe.to_toml().unwrap();
        assert_eq!(Recipe::parse(&text, "here").unwrap(), recipe);
        let more = format!("colour = \"blue\"\n{}", text.replacen("[[model]]", "[[model]]\nweight = 3", 1));
        let more = Recipe::parse(&more, "here").unwrap();
        let again = more.to_toml().unwrap();
        assert!(again.contains("colour = \"blue\"") && again.contains("weight = 3"), "{again}");
        assert_eq!(more.entries().0.k, vec![vec![4, 4], vec![0, 4]]);
        assert!(!text.contains("by_text"), "what is as usual need not be said: {text}");
        let left_out = vec![Problem::new(Code::DraftTooLarge).with("rung", "Big")];
        let without = Recipe { left_out: left_out.clone(), ..recipe.clone() };
        let text = without.to_toml().unwrap();
        assert_eq!(Recipe::parse(&text, "here").unwrap().left_out, left_out);
        let newer = text.replace("draft_too_large", "draft_too_blue");
        assert_eq!(Recipe::parse(&newer, "here").unwrap().left_out, [], "another version has other reasons");
        assert_eq!(without.handed_on(), recipe);
        let by_text = Recipe { by_text: true, ..recipe };
        let again = Recipe::parse(&by_text.to_toml().unwrap(), "here").unwrap();
        assert!(again == by_text && again.entries().0.by_text);
    }

    #[test]
    fn what_a_newer_version_adds_to_a_model_is_kept_and_what_only_it_can_fetch_is_said() {
        let hash = "c".repeat(64);
        let more = format!(
            "[model.licence]\nspdx = \"MIT\"\nurl = \"u\"\nholder = \"Somebody\"\n\
             [model.made_from]\nsha256 = \"{hash}\"\nmix = \"Q4_0\"\nimatrix = \"wiki\"\n\
             [[model.source]]\nkind = \"torrent\"\npeers = [\"a\", \"b\"]\nsince = 2027-01-02\n\
             [[model.source]]\nkind = \"hugging_face\"\nrepository = \"a/b\"\nrevision = \"{0}\"\nregion = \"eu\"\n\
             [[model.source]]\nkind = \"python_packages\"\npackage = \"p\"\nversion = \"1\"\nparts = 1\nentry = \"e\"\nindex = \"i\"\n",
            "0".repeat(40)
        );
        let alone = Recipe::new("Alone", vec![RecipeModel::of(&entry("m", b"weights", Vec::new()))]).unwrap();
        let alone = alone.to_toml().unwrap();
        let text = alone.split("[model.licence]").next().unwrap().to_owned() + &more;
        let read = Recipe::parse(&text, "here").unwrap();
        let there: Table = toml::from_str(&text).unwrap();
        assert_eq!(toml::from_str::<Table>(&read.to_toml().unwrap()).unwrap(), there, "nothing of it is lost");
        let model = read.models[0].entry();
        assert_eq!(RecipeModel::of(&model), read.models[0], "the list keeps it too");
        assert!(model.is_offered() && model.address("https://hub").unwrap().starts_with("https://hub/a/b/resolve/0"));
        assert_eq!(model.missing("alone").code, Code::NotInstalled);

        // Only places that are not known here.
        let (torrent, _) = text.split_once("[[model.source]]\nkind = \"hugging_face\"").unwrap();
        let model = Recipe::parse(torrent, "here").unwrap().models[0].entry();
        assert!(!model.is_offered() && model.address("https://hub").is_none());
        let missing = model.missing("alone");
        assert_eq!((missing.code, &missing.details["name"]), (Code::SourceUnknown, &model.name));
        for (from, to) in [("kind = \"torrent\"\n", ""), ("kind = \"torrent\"", "kind = \"hugging_face\"")] {
            let reason = Recipe::parse(&torrent.replace(from, to), "here").unwrap_err().details["reason"].clone();
            assert!(reason.contains("a source "), "a known kind is held to its form: {reason}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_reason() {
        let text = recipe().to_toml().unwrap();
        for (from, to, reason) in [
            ("file = \"big.gguf\"", "file = \"../../big.gguf\"", "file name"),
            ("file = \"big.gguf\"", "file = \"C:\\\\big.gguf\"", "file name"),
            ("id = \"my-ladder\"", "id = \"../my-ladder\"", "its id"),
            ("taki_recipe = 1", "taki_recipe = 2", "newer"),
            ("taki_recipe = 1", "", "no recipe"),
            ("rungs = [\"big\", \"small\"]", "rungs = [\"small\", \"big\"]", "fall in size"),
            ("rungs = [\"big\", \"small\"]", "rungs = [\"big\", \"none\"]", "none"),
            ("rungs = [\"big\", \"small\"]", "rungs = []", "no rungs"),
            ("max_gram = true", "max_gram = true\nk = [[1]]", "K matrix"),
            ("lenience = 1.0", "lenience = nan", "lenience"),
            ("name = \"Model big\"", "name = \"Model\\u001b]0;big\"", "cannot be seen"),
            ("name = \"Model big\"", "name = \"Model \\u202egib\"", "cannot be seen"),
            ("name = \"Model big\"", "name = \"Model\\u200b big\"", "cannot be seen"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "the recipe has {from}:\n{text}");
            let problem = Recipe::parse(&changed, "here").unwrap_err();
            assert_eq!(problem.code, Code::FileUnusable);
            assert!(problem.details["reason"].contains(reason), "{from} → {to}: {problem:?}");
        }
        for (name, mix, good) in [
            ("Big", "Q2_K", true),
            ("Big", "Q2_K; rm -rf ~", false),
            ("Big", "", false),
            ("Big", "Q2_K_OF_SOMETHING", false),
            ("B\u{1b}[2Jig", "Q2_K", false),
        ] {
            let mut made = recipe();
            made.models[0].made_from = Some(MadeFrom::new(name.to_owned(), made.models[0].sha256.clone(), mix));
            let read = Recipe::parse(&made.to_toml().unwrap(), "here");
            assert_eq!(read.is_ok(), good, "{name} {mix}: {read:?}");
        }
        let same = vec![RecipeModel::of(&entry("a", b"same", Vec::new())); 2];
        assert_eq!(Recipe::new("Twice", same).unwrap_err().code, Code::LadderInvalid);
        let named = |name: &str| Recipe::new(name, recipe().models).map(|recipe| recipe.name);
        assert_eq!(named(" \n ").unwrap_err().code, Code::NameEmpty);
        assert_eq!(named("\u{feff}\u{2060} ").unwrap_err().code, Code::NameEmpty);
        assert_eq!(named("\u{200f}a\u{2067}b\u{202c} ن\u{200c}م\u{200e}"), Ok("ab ن\u{200c}م".to_owned()));
        assert_eq!(named(&"滝".repeat(81)).unwrap_err().code, Code::NameTooLong);
        assert_eq!(named(&"滝".repeat(80)), Ok("滝".repeat(80)));
    }
}
