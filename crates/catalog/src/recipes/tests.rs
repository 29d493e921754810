use std::collections::BTreeSet;
use std::thread;

use super::versions::VERSIONS;
use super::*;
use crate::entry::Sha256;
use crate::sample::entry;

fn recipe(name: &str) -> Recipe {
    Recipe::new(name, vec![RecipeModel::of(&entry("m", b"weights", Vec::new()))]).unwrap()
}

fn named(folder: &tempfile::TempDir) -> Recipes {
    Recipes::of(folder.path().join("ladders"))
}

#[test]
fn ladders_are_kept_under_ids_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let recipes = named(&folder);
    assert_eq!(recipes.all(), (Vec::new(), Vec::new()));
    let ids: Vec<_> = ["Mine", "Mine", "smollm2"].iter().map(|name| recipes.add(&recipe(name)).unwrap().id).collect();
    assert_eq!(ids, ["mine", "mine-2", "smollm2-2"]);
    assert_eq!(recipes.all().0.len(), 3);
    assert_eq!(recipes.get("mine-2").unwrap().name, "Mine");
    let text = recipe("Many").to_toml().unwrap();
    (0..300).for_each(|number| fs::write(recipes.place(&format!("many-{number}")), &text).unwrap());
    assert_eq!(recipes.all().0.len(), 303, "none is left out in silence");
    for id in ["none", "../mine", "Mine", ""] {
        assert_eq!(recipes.get(id).unwrap_err().code, Code::NoSuchLadder, "{id}");
        assert_eq!(recipes.remove(id).unwrap_err().code, Code::NoSuchLadder, "{id}");
    }
}

#[test]
fn what_is_handed_on_twice_is_kept_once_and_whatever_differs_is_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let recipes = named(&folder);
    let models = [entry("m", b"weights", Vec::new()), entry("s", b"less", Vec::new())];
    let first = Recipe::new("Mine", models.iter().map(RecipeModel::of).collect()).unwrap();
    let kept = recipes.add_once(&first).unwrap();
    // Elsewhere a ladder and its models may have other ids, and what is as usual may be written out.
    let text = first.to_toml().unwrap().replace("\"s\"", "\"small\"").replace("\"mine\"", "\"theirs\"");
    let again = Recipe { k: Some(vec![vec![4, 4], vec![0, 4]]), ..Recipe::parse(&text, "here").unwrap() };
    assert_eq!((again.id.as_str(), again.models[1].id.as_str()), ("theirs", "small"));
    assert_eq!(recipes.add_once(&again).unwrap(), kept);
    assert_eq!(recipes.all().0.len(), 1);
    for other in [
        first.clone().named("Yours"),
        Recipe { k: Some(vec![vec![4, 4], vec![0, 3]]), ..first.clone() },
        Recipe { max_gram: false, ..first.clone() },
        Recipe { lenience: 2.0, ..first.clone() },
        Recipe { by_text: true, ..first.clone() },
        Recipe::new("Mine", vec![first.models[0].clone()]).unwrap(),
    ] {
        let added = recipes.add_once(&other).unwrap();
        assert_eq!(recipes.get(&added.id).unwrap(), added);
        assert_eq!(recipes.add_once(&other).unwrap(), added);
    }
    assert_eq!(recipes.all().0.len(), 7);
    assert_ne!(recipes.add(&first).unwrap().id, kept.id, "a second one of it can be made here");
    let bundled = Catalog::builtin().recipe_of("smollm2").unwrap();
    assert_eq!(recipes.add_once(&bundled).unwrap().id, "smollm2");
    assert!(!recipes.has("smollm2"));
}

#[test]
fn a_ladder_may_be_called_like_its_model_and_long_names_end() {
    let folder = tempfile::tempdir().unwrap();
    let recipes = named(&folder);
    let model = RecipeModel::of(&entry("m", b"weights", Vec::new()));
    assert_eq!(recipes.add(&Recipe::new("M", vec![model]).unwrap()).unwrap().id, "m");
    let long = recipe(&"long name ".repeat(8));
    let ids: Vec<_> = (0..12).map(|_| recipes.add(&long).unwrap().id).collect();
    for id in &ids {
        assert_eq!(recipes.get(id).unwrap().id, *id);
    }
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 12);
    let empty = Recipe { name: " ".into(), ..recipe("x") };
    assert_eq!(recipes.add(&empty).unwrap_err().code, Code::NameEmpty);
    let longer = recipe("x").named(&"é".repeat(81));
    assert_eq!(recipes.add(&longer).unwrap_err().details["limit"], "80", "nothing is cut in secret");
    assert_eq!(recipes.add(&longer.named(&"é".repeat(80))).unwrap().name.chars().count(), 80);
}

#[test]
fn every_change_can_be_taken_back_and_so_can_a_removal() {
    let folder = tempfile::tempdir().unwrap();
    let recipes = named(&folder);
    let first = recipes.add(&recipe("First")).unwrap();
    recipes.change(&first).unwrap();
    assert_eq!(recipes.versions("first").len(), 0, "nothing was changed");
    assert_eq!(recipes.back("first", None).unwrap_err().code, Code::NeverChanged);
    assert_eq!(recipes.back("other", None).unwrap_err().code, Code::NoSuchLadder);
    recipes.change(&Recipe { name: "Second".into(), ..first.clone() }).unwrap();
    recipes.change(&Recipe { name: "Third".into(), ..first.clone() }).unwrap();
    let names = || recipes.versions("first").into_iter().map(|v| (v.number, v.recipe.name)).collect::<Vec<_>>();
    assert_eq!(names(), [(1, "First".to_owned()), (2, "Second".to_owned())]);
    assert_eq!(recipes.back("first", Some(1)).unwrap(), first);
    assert_eq!(names()[2], (3, "Third".to_owned()), "what it was just now");
    let hash = &first.models[0].sha256;
    assert_eq!(recipes.had(hash), ["first"]);
    recipes.remove("first").unwrap();
    assert_eq!((recipes.all().0.len(), recipes.had(hash)), (0, vec!["first".to_owned()]));
    let removed = || recipes.removed().into_iter().map(|last| (last.recipe.id, last.recipe.name)).collect::<Vec<_>>();
    assert_eq!(removed(), [("first".to_owned(), "First".to_owned())]);
    assert!(recipes.had(&Sha256::of(b"another one that is long enough!")).is_empty());
    assert_eq!(recipes.back("first", Some(3)).unwrap().name, "Third");
    assert_eq!(removed(), [], "it is in the list again");
    assert_eq!(recipes.back("first", Some(99)).unwrap_err().code, Code::NoSuchVersion);
    for number in 0..40 {
        recipes.change(&Recipe { name: format!("Name {number}"), ..first.clone() }).unwrap();
    }
    assert_eq!(recipes.versions("first").len(), VERSIONS);
}

#[test]
fn one_that_was_removed_keeps_its_id_and_its_versions_for_itself() {
    let folder = tempfile::tempdir().unwrap();
    let recipes = named(&folder);
    recipes.add(&recipe("Mine")).unwrap();
    recipes.remove("mine").unwrap();
    let next = Recipe { max_gram: false, ..recipe("Mine") };
    let next = recipes.add(&next).unwrap();
    assert_eq!((next.id.as_str(), recipes.versions(&next.id).len()), ("mine-2", 0));
    assert!(recipes.back("mine", None).unwrap().max_gram);
    assert_eq!(recipes.get("mine-2").unwrap(), next, "nothing comes over it");
}

#[test]
fn what_a_repository_told_of_an_offer_is_asked_anew_when_other_files_came_in() {
    let folder = tempfile::tempdir().unwrap();
    let recipes = named(&folder);
    let offer = Catalog::builtin().offered_ladders()[0].id.clone();
    recipes.settle(&Recipe { id: offer.clone(), ..recipe("Offered") }).unwrap();
    recipes.add(&recipe("Mine")).unwrap();
    let doubt = |id: &str, code| recipes.doubt(id, &Problem::new(code)).unwrap();
    assert!(!doubt(&offer, Code::DownloadFailed) && recipes.has(&offer));
    assert!(!doubt("mine", Code::DownloadMismatch) && recipes.has("mine"), "that one means just these files");
    assert!(doubt(&offer, Code::DownloadMismatch) && !recipes.has(&offer));
    assert!(!doubt(&offer, Code::DownloadMismatch), "nothing is left to doubt");
}

#[test]
fn what_two_programs_change_at_once_is_kept_of_both() {
    let folder = tempfile::tempdir().unwrap();
    let first = named(&folder).add(&recipe("First")).unwrap();
    let at_once = |work: &(dyn Fn(&Recipes, usize) + Sync)| {
        thread::scope(|scope| {
            for program in 0..3 {
                let recipes = named(&folder);
                scope.spawn(move || (0..6).for_each(|number| work(&recipes, 6 * program + number)));
            }
        });
    };
    at_once(&|recipes, number| recipes.change(&Recipe { name: format!("Name {number}"), ..first.clone() }).unwrap());
    let recipes = named(&folder);
    let mut names: BTreeSet<_> = recipes.versions("first").into_iter().map(|version| version.recipe.name).collect();
    names.insert(recipes.get("first").unwrap().name);
    assert_eq!(names.len(), 19, "each was the ladder for a while: {names:?}");
    // Also where nothing can be locked no number is given twice.
    fs::remove_dir_all(folder.path().join("ladders/earlier")).unwrap();
    at_once(&|recipes, _| recipes.put_by("first").unwrap());
    assert_eq!(recipes.versions("first").len(), 18);
}

#[test]
fn a_damaged_recipe_is_told_and_hurts_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let recipes = named(&folder);
    recipes.add(&recipe("Good")).unwrap();
    let root = folder.path().join("ladders");
    fs::write(root.join("ladder-bad.toml"), "rungs = 3").unwrap();
    fs::write(root.join("ladder-binary.toml"), [0xff, 0xfe]).unwrap();
    fs::File::create(root.join("ladder-huge.toml")).unwrap().set_len(1 << 30).unwrap();
    fs::write(root.join("notes.toml"), "mine").unwrap();
    let (good, problems) = recipes.all();
    assert_eq!((good.len(), problems.len()), (1, 3), "{problems:?}");
    assert!(problems.iter().all(|problem| problem.code == Code::FileUnusable));
    recipes.remove("bad").unwrap();
    assert_eq!(recipes.all().1.len(), 2);
}

#[test]
fn nothing_is_written_outside_whatever_ids_a_recipe_has() {
    let folder = tempfile::tempdir().unwrap();
    let recipes = named(&folder);
    let mut numbers = crate::sample::Numbers(11);
    let parts = ["..", "/", "\\", "C:", "\0", "滝", "a", ".", "con", " ", "%2e%2e", "~", "$HOME", "\n", "|", "*"];
    for _ in 0..500 {
        let id: String = (0..numbers.below(6)).map(|_| parts[numbers.below(parts.len())]).collect();
        let added = recipes.add(&Recipe { id, ..recipe("x") }).unwrap();
        assert_eq!(recipes.get(&added.id).unwrap().id, added.id);
    }
    let outside: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(outside, ["ladders"]);
    assert!(fs::read_dir(folder.path().join("ladders")).unwrap().flatten().all(|entry| id_of(&entry.path()).is_some()));
}
