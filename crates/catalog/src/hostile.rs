//! Names that want to lead elsewhere: nothing is written outside the store, whatever a recipe, catalogue, wheel or file is called.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use tempfile::TempDir;
use zip::write::SimpleFileOptions;

use crate::check::plain;
use crate::entry::{MadeFrom, Source};
use crate::manifest::Catalog;
use crate::name::slug;
use crate::recipe::{Recipe, RecipeModel};
use crate::recipes::Recipes;
use crate::sample::{Gguf, Numbers, entry, pair, text};
use crate::store::ModelStore;

/// How many names there are.
const COUNT: usize = 512;

/// Names that are worth a line of their own; `{home}` stands for the folder around the store.
const KNOWN: &[&str] = &[
    "",
    ".",
    "..",
    "/",
    "\\",
    "../escaped",
    "../../escaped",
    "../../../../../../../../../../{home}/escaped",
    "{home}/escaped",
    "//escaped",
    "file://{home}/escaped",
    "a/../../escaped",
    "a/../../../escaped.gguf",
    "./../escaped",
    "..\\escaped",
    "..\\..\\escaped.gguf",
    "C:\\escaped",
    "C:escaped",
    "\\\\server\\share\\escaped",
    "\\\\?\\C:\\escaped",
    "//?/C:/escaped",
    "escaped\0.gguf",
    "\0",
    "CON",
    "con.gguf",
    "NUL",
    "aux.toml",
    "COM1",
    "LPT9.gguf",
    "PRN.",
    "a.gguf:stream",
    "a.gguf::$DATA",
    "trailing.",
    "trailing ",
    " leading",
    "-rf",
    "--index-url=http://evil.example",
    "~",
    "~root/escaped",
    "$HOME/escaped",
    "%USERPROFILE%\\escaped",
    "$(touch {home}/escaped)",
    "`touch {home}/escaped`",
    "; touch {home}/escaped",
    "| tee {home}/escaped",
    "%2e%2e%2fescaped",
    "..%2fescaped",
    "%252e%252e%252fescaped",
    "..%c0%afescaped",
    "..%00/escaped",
    "．．／escaped",
    "․․/escaped",
    "..∕escaped",
    "..⁄escaped",
    "..＼escaped",
    "a\u{202e}fugg.exe",
    "\u{feff}../escaped",
    "..\u{200b}/escaped",
    "e\u{301}scaped",
    "é/../escaped",
    "..\n/escaped",
    "..\r\n/escaped",
    "..\t/escaped",
    "\u{1b}]0;escaped\u{7}",
    ".git/config",
    ".ssh/authorized_keys",
    "staging/../../escaped",
    "quarantine",
    "own/x.toml",
    "verified",
    "staging",
    "making-1",
    "earlier",
    "ladder-x.toml/../../escaped",
    "*",
    "?",
    "<x>",
    "\"x\"",
    "'",
    "{n}",
    "{nn}/../../escaped",
];

/// Ways up that others begin with.
const UPWARDS: &[&str] = &["../", "..\\", "./../", "..%2f", "．．/", "/"];

/// What the others are put together from.
const PARTS: &[&str] = &[
    "..", "/", "\\", "C:", "\0", "滝", "a", ".", "con", " ", "%2e%2e", "%2f", "~", "$HOME", "\n", "|", "*", "nul.",
    "．．", "∕", "\u{202e}", "{home}", "escaped", ":", "-", "_", ".gguf", "aux", "\u{200d}", "//", "\\\\?\\",
];

/// At least [`COUNT`] names, no two alike.
pub(crate) fn names(home: &Path) -> Vec<String> {
    let mut names: BTreeSet<String> = KNOWN.iter().map(|name| (*name).to_owned()).collect();
    names.extend([255, 256, 4096, 70_000].map(|length| "x".repeat(length)));
    names.insert("../".repeat(2000) + "escaped");
    names.insert("滝".repeat(100));
    let mut numbers = Numbers(8);
    while names.len() < COUNT {
        let up = UPWARDS[numbers.below(UPWARDS.len())].repeat(numbers.below(4));
        let rest: String = (0..=numbers.below(6)).map(|_| PARTS[numbers.below(PARTS.len())]).collect();
        names.insert(up + &rest);
    }
    let home = home.to_string_lossy();
    names.into_iter().map(|name| name.replace("{home}", &home)).collect()
}

/// A store deep inside a folder in which nothing else may appear.
struct Place {
    around: TempDir,
    store: ModelStore,
    recipes: Recipes,
}

impl Place {
    fn new() -> Self {
        let around = tempfile::tempdir().unwrap();
        let home = around.path().join("a/b/c/home");
        let store = ModelStore::open(home.join("models")).unwrap();
        let recipes = Recipes::of(home.join("ladders"));
        fs::write(home.join("canary"), "sings").unwrap();
        Self { around, store, recipes }
    }

    fn home(&self) -> PathBuf {
        self.around.path().join("a/b/c/home")
    }

    /// Everything outside of the two folders is as it was, and inside there is nothing but what they make themselves.
    fn is_intact(&self) {
        let mut outside = Vec::new();
        all_below(self.around.path(), &mut outside);
        let home = self.home();
        for path in outside {
            let below = path.strip_prefix(&home).unwrap_or_else(|_| panic!("{} is outside", path.display()));
            let mut parts = below.iter().map(|part| part.to_str().unwrap());
            let expected = match (parts.next().unwrap(), parts.next()) {
                ("canary", None) | ("models", Some("staging" | "own" | "verified" | "quarantine")) => true,
                ("models", Some(file)) => file.strip_suffix(".gguf").is_some_and(|hash| hash.len() == 64),
                ("ladders", Some(file)) => file == "earlier" || file.starts_with("ladder-"),
                _ => false,
            };
            assert!(expected, "{} should not be there", path.display());
            assert!(!fs::symlink_metadata(&path).unwrap().is_symlink(), "{} is a link", path.display());
        }
        assert_eq!(fs::read_to_string(home.join("canary")).unwrap(), "sings");
        for far in ["/escaped", "/tmp/escaped", "escaped"] {
            assert!(!Path::new(far).exists(), "{far} was written");
        }
    }
}

/// Every file below a folder.
fn all_below(folder: &Path, into: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() { all_below(&path, into) } else { into.push(path) }
    }
}

fn model(contents: &[u8]) -> RecipeModel {
    RecipeModel::of(&entry("m", contents, Vec::new()))
}

#[test]
fn there_are_enough_names() {
    let names = names(Path::new("/home/somebody"));
    assert!(names.len() >= 500, "{}", names.len());
    assert!(names.iter().filter(|name| name.contains("..")).count() > 100);
    assert!(names.iter().filter(|name| !name.is_ascii()).count() > 50);
}

#[test]
fn recipes_and_catalogues_with_such_names_lead_nowhere() {
    let place = Place::new();
    let quoted = |name: &str| toml::Value::String(name.to_owned()).to_string();
    let good = Recipe::new("R", vec![model(b"weights")]).unwrap().to_toml().unwrap();
    let source =
        "\n[[model.source]]\nkind = \"python_packages\"\npackage = PACKAGE\nversion = VERSION\nentry = \"x\"\n";
    let (builtin, mut refused) = (Catalog::builtin(), 0);
    for name in names(&place.home()) {
        let quoted = quoted(&name);
        for (from, to) in [
            ("file = \"m.gguf\"", format!("file = {quoted}")),
            ("rungs = [\"m\"]", format!("rungs = [{quoted}]")),
            ("id = \"r\"", format!("id = {quoted}")),
            ("sha256 = \"", format!("x = {quoted}\nsha256 = {quoted} #")),
            ("\nname = \"R\"", format!("\nname = {quoted}")),
        ] {
            let changed = good.replacen(from, &to, 1);
            assert_ne!(changed, good, "the recipe has {from}:\n{good}");
            match Recipe::parse(&changed, "here") {
                Ok(recipe) => {
                    assert!(
                        plain(&recipe.id) && recipe.models.iter().all(|model| plain(&model.file) && plain(&model.id))
                    );
                    let added = place.recipes.add(&recipe).unwrap();
                    place.recipes.remove(&added.id).unwrap();
                }
                Err(_) => refused += 1,
            }
        }
        // Once it is in the folder, an id is asked for by name.
        assert!(place.recipes.get(&name).is_err() && place.recipes.remove(&name).is_err(), "{name:?}");
        if place.recipes.back(&name, None).is_ok() {
            place.recipes.remove(&slug(&name)).unwrap();
        }
        assert!(builtin.ladder(&name).is_err() && builtin.models_named(&name).is_err());
        if !plain(&name) {
            let packages = source.replace("PACKAGE", &quoted).replace("VERSION", "\"1\"");
            let versions = source.replace("PACKAGE", "\"p\"").replace("VERSION", &quoted);
            let repository =
                format!("\n[[model.source]]\nkind = \"hugging_face\"\nrepository = {quoted}\nrevision = \"0\"\n");
            // The placeholder of a number may stand in a package's name.
            let packages = Some(packages).filter(|_| !plain(&name.replace("{n}", "1")));
            for more in packages.into_iter().chain([versions, repository]) {
                assert!(Recipe::parse(&(good.clone() + &more), "here").is_err(), "{name:?}");
            }
        }
    }
    assert!(refused > COUNT * 3, "{refused}");
    place.is_intact();
}

#[test]
fn files_with_such_names_are_taken_in_under_their_hash() {
    let place = Place::new();
    let outer = tempfile::tempdir().unwrap();
    let mut taken = 0;
    for (number, name) in names(&place.home()).into_iter().enumerate() {
        // What the file says of itself, and what it was made of.
        let mut gguf = Gguf::small();
        gguf.pairs[1] = pair("general.name", 8, &text(&name));
        gguf.pairs.push(pair("general.license", 8, &text(&name)));
        gguf.pairs.push(pair("test.number", 4, &(number as u32).to_le_bytes()));
        let usual = outer.path().join("m.gguf");
        fs::write(&usual, gguf.bytes()).unwrap();
        // The name of the file itself, where a file can be called so.
        let flat: String = name.chars().filter(|c| !"/\0".contains(*c)).collect();
        let called = outer.path().join(format!("{flat}.gguf"));
        let path = if fs::hard_link(&usual, &called).is_ok() { &called } else { &usual };
        let from = MadeFrom::new(name.clone(), model(b"x").sha256, &name);
        let made = Some(from).filter(|_| number % 2 == 0);
        let model = place.store.take_in(path, made, &AtomicBool::new(false), &mut |_, _| {}).unwrap();
        assert!(plain(&model.file) && plain(&model.id), "{model:?}");
        taken += 1;
        let _ = fs::remove_file(called);
        fs::remove_file(usual).unwrap();
    }
    assert!(taken >= COUNT, "{taken}");
    place.is_intact();
    let (models, problems) = place.store.own_models();
    assert!(models.len() + problems.len() >= COUNT, "each has a note: {} {}", models.len(), problems.len());
}

#[test]
fn files_in_the_folder_of_recipes_write_nothing_elsewhere() {
    let place = Place::new();
    fs::create_dir_all(place.home().join("ladders")).unwrap();
    let text = Recipe::new("R", vec![model(b"weights")]).unwrap().to_toml().unwrap();
    let mut there = 0;
    for name in names(&place.home()) {
        let flat: String = name.chars().filter(|c| !"/\0".contains(*c)).collect();
        // Some file systems take fewer names than others.
        there += usize::from(fs::write(place.home().join(format!("ladders/ladder-{flat}.toml")), &text).is_ok());
    }
    assert!(there > 400, "{there}");
    let (recipes, _) = place.recipes.all();
    for recipe in recipes {
        place.recipes.change(&Recipe { name: "Other".into(), ..recipe.clone() }).unwrap();
        place.recipes.remove(&recipe.id).unwrap();
        place.recipes.back(&recipe.id, None).unwrap();
    }
    place.is_intact();
}

/// Whether an archive can say a name at all.
pub(crate) fn fits_an_archive(name: &str) -> bool {
    u16::try_from(name.len()).is_ok()
}

/// Writes a wheel that has a file and a link of each such name, and the `entry` that is wanted. Returns how many of them it has.
pub(crate) fn write_wheel(path: &Path, home: &Path, entry: &str, contents: &[u8]) -> usize {
    let (mut wheel, options) = (zip::ZipWriter::new(File::create(path).unwrap()), SimpleFileOptions::default());
    let mut count = 0;
    for name in names(home).into_iter().filter(|name| fits_an_archive(name)) {
        // What it cannot say otherwise, its writer refuses.
        if wheel.start_file(name.as_str(), options).is_ok() {
            wheel.write_all(b"escaped").unwrap();
            count += 1;
        }
        count += usize::from(wheel.add_symlink(format!("link-{count}"), name.as_str(), options).is_ok());
    }
    wheel.start_file(entry, options).unwrap();
    wheel.write_all(contents).unwrap();
    wheel.finish().unwrap();
    count
}

#[test]
fn a_source_with_such_a_name_makes_no_catalogue() {
    let place = Place::new();
    let mut refused = 0;
    for name in names(&place.home()) {
        let mut bad = entry("m", b"weights", Vec::new());
        bad.sources = vec![Source::hugging_face(format!("owner/{name}"), "0".repeat(40))];
        if crate::check::check_entries(&[], &[bad]).is_err() {
            refused += 1;
        } else {
            assert!(plain(&name), "{name:?}");
        }
    }
    assert!(refused > COUNT * 8 / 10, "{refused}");
}
