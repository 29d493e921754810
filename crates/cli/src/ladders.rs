//! `taki ladders`: which there are, and one's own.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use catalog::{
    Catalog, Recipe, RecipeModel, Tokens, check_header, in_order, in_order_by_text, is_path, match_up_by_text,
    read_recipe,
};
use protocol::ladder::CacheType;
use protocol::worker::Translation;
use protocol::{Code, Problem, bytes_in_words};
use serde_json::{Value, json};

use crate::args::{Ladders, matrix};
use crate::models::{as_json, reading, take_in};
use crate::output::Output;
use crate::setup::{Setup, in_words};

pub(crate) fn run(command: &Ladders, output: &Output) -> Result<(), Problem> {
    let setup = Setup::new()?;
    match command {
        Ladders::List { .. } => list(&setup, output),
        Ladders::Make { name, models, by_text, .. } => make(&setup, name, models, *by_text, output),
        Ladders::Copy { ladder, name, .. } => {
            let mut recipe = setup.recipes.recipe_of(&setup.catalog, ladder)?;
            (recipe.id, recipe.name) = (name.clone(), name.clone());
            keep(&setup, &recipe, output)
        }
        Ladders::Change { ladder, name, models, k, by_text, .. } => {
            let changes = Changes { name: name.as_deref(), models, k: k.as_deref(), by_text: *by_text };
            change(&setup, ladder, &changes, output)
        }
        Ladders::Show { ladder, .. } => {
            let recipe = setup.recipes.recipe_of(&setup.catalog, ladder)?;
            output.text(&recipe.to_toml()?);
            translated(&setup, &recipe).for_each(|line| output.note(line));
            output.json(&json!({ "recipe": recipe }));
            Ok(())
        }
        Ladders::Export { ladder, file, with_models, .. } => export(&setup, ladder, file, *with_models, output),
        Ladders::Import { file, .. } => import(&setup, file, output),
        Ladders::Versions { ladder, .. } => {
            versions(&setup, ladder, output);
            Ok(())
        }
        Ladders::Back { ladder, version, .. } => back(&setup, ladder, *version, output),
        Ladders::Remove { ladder, .. } => {
            own(&setup, ladder)?;
            if store::load_settings(&setup.places).0.ladder == *ladder {
                return Err(Problem::new(Code::LadderInUse).with("ladder", ladder));
            }
            setup.recipes.remove(ladder)?;
            output.line(format_args!("{ladder} is removed. `taki ladders back {ladder}` brings it back."));
            output.json(&json!({ "removed": ladder }));
            Ok(())
        }
    }
}

fn list(setup: &Setup, output: &Output) -> Result<(), Problem> {
    setup.tell_unread(output);
    let mut rows = Vec::new();
    for ladder in setup.catalog.ladders() {
        let missing = setup.models.ready(&setup.catalog, &ladder.id)?;
        let models = setup.catalog.models_of(&ladder.id)?;
        let mut rungs: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
        if ladder.max_gram {
            rungs.push("Max-Gram");
        }
        let own = Catalog::builtin().ladder(&ladder.id).is_err();
        let state = if missing == 0 { "ready".to_owned() } else { format!("{} to fetch", bytes_in_words(missing)) };
        let whose = if own { ", your own" } else { "" };
        let memory = catalog::fit(&setup.models, &models, None, CacheType::F16).total();
        let needs = bytes_in_words(memory);
        output.line(format_args!("{:<12} {}  ({state}, about {needs} of memory{whose})", ladder.id, rungs.join(" ← ")));
        let about = ladder.description.get(output.language);
        output.line(format_args!("{:<12} {}", "", if about.is_empty() { &ladder.name } else { about }));
        rows.push(json!({
            "id": ladder.id, "name": ladder.name, "rungs": rungs, "missing_bytes": missing, "k": ladder.k, "own": own,
            "memory_bytes": memory,
        }));
    }
    output.json(&json!({ "ladders": rows }));
    Ok(())
}

fn make(setup: &Setup, name: &str, models: &[String], by_text: bool, output: &Output) -> Result<(), Problem> {
    let models = rungs(setup, models, by_text, output)?;
    let mut recipe = Recipe::new(name, models)?;
    recipe.by_text = by_text;
    translated(setup, &recipe).for_each(|line| output.note(line));
    keep(setup, &recipe, output)
}

/// What is to be told of drafts, as far as they are here, whose tokens are not quite the target's.
fn translated<'a>(setup: &'a Setup, recipe: &'a Recipe) -> impl Iterator<Item = String> + 'a {
    let header = |model: &RecipeModel| setup.models.file_of(&model.sha256).and_then(|path| check_header(&path).ok());
    let models = recipe.rungs.iter().filter_map(|id| recipe.models.iter().find(|model| model.id == *id));
    let target = models.clone().next().and_then(header);
    models.skip(1).filter_map(move |draft| {
        let how = match match_up_by_text(target.as_ref()?, &header(draft)?, &draft.name) {
            Ok(Tokens::Nearly(_)) => Translation::Nearly,
            Ok(Tokens::ByText) if recipe.by_text => Translation::ByText,
            _ => return None,
        };
        Some(in_words(&draft.name, how))
    })
}

/// Keeps a ladder of `models`, which are in the store already.
pub(crate) fn keep(setup: &Setup, recipe: &Recipe, output: &Output) -> Result<(), Problem> {
    let kept = setup.recipes.add(recipe)?;
    output.line(format_args!(
        "The ladder {} is in the list as {}. Talk with it: taki chat --ladder {1}",
        kept.name, kept.id
    ));
    output.json(&json!({ "ladder": kept.id, "models": kept.models.iter().map(as_json).collect::<Vec<_>>() }));
    Ok(())
}

/// The models with these names or of these files, the target first and the drafts in falling size, if they go together.
pub(crate) fn rungs(
    setup: &Setup,
    names: &[String],
    by_text: bool,
    output: &Output,
) -> Result<Vec<RecipeModel>, Problem> {
    let models = names.iter().map(|name| model(setup, name, output)).collect::<Result<Vec<_>, _>>()?;
    if by_text { in_order_by_text(&setup.models, models) } else { in_order(&setup.models, models) }
}

fn model(setup: &Setup, name: &str, output: &Output) -> Result<RecipeModel, Problem> {
    match setup.catalog.model(name) {
        Ok(model) => Ok(RecipeModel::of(model)),
        Err(_) if is_path(name) => take_in(setup, Path::new(name), None, output),
        Err(problem) => Err(problem),
    }
}

/// The recipe of a ladder that may be changed.
fn own(setup: &Setup, id: &str) -> Result<Recipe, Problem> {
    if Catalog::builtin().ladder(id).is_ok() {
        return Err(Problem::new(Code::LadderBuiltIn).with("ladder", id));
    }
    setup.recipes.get(id)
}

/// What is to be different.
struct Changes<'a> {
    name: Option<&'a str>,
    models: &'a [String],
    k: Option<&'a str>,
    by_text: Option<bool>,
}

fn change(setup: &Setup, id: &str, changes: &Changes<'_>, output: &Output) -> Result<(), Problem> {
    let before = own(setup, id)?;
    let mut recipe = before.clone();
    if let Some(name) = changes.name {
        name.clone_into(&mut recipe.name);
    }
    recipe.by_text = changes.by_text.unwrap_or(recipe.by_text);
    if !changes.models.is_empty() {
        let models = rungs(setup, changes.models, recipe.by_text, output)?;
        recipe.rungs = models.iter().map(|model| model.id.clone()).collect();
        // Another number of rungs needs another matrix.
        recipe.k = recipe.k.filter(|_| recipe.models.len() == models.len());
        recipe.models = models;
    }
    if let Some(text) = changes.k {
        recipe.k = Some(matrix(text)?);
    }
    if recipe == before {
        output.line(format_args!("{id} stays as it is: nothing else was asked for."));
    } else {
        setup.recipes.change(&recipe)?;
        output.line(format_args!("{id} is changed. `taki ladders back {id}` brings back what it was."));
    }
    output.json(&json!({ "changed": id }));
    Ok(())
}

fn export(setup: &Setup, id: &str, file: &Path, with_models: bool, output: &Output) -> Result<(), Problem> {
    let mut recipe = setup.recipes.recipe_of(&setup.catalog, id)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unusable = |path: &Path, error: &dyn std::fmt::Display| {
        Problem::new(Code::FileUnusable).with("path", path.display()).with("reason", error)
    };
    let taken = |path: &Path| Err(unusable(path, &"there is a file of that name already"));
    // All that could stand in the way is looked at before a gigabyte is copied.
    let mut copies: Vec<(PathBuf, PathBuf)> = Vec::new();
    for model in recipe.models.iter_mut().filter(|_| with_models) {
        let path = setup.models.file_of(&model.sha256);
        let path = path.ok_or_else(|| Problem::new(Code::NotInstalled).with("ladder", id))?;
        if copies.iter().any(|(_, to)| *to == folder.join(&model.file)) {
            model.file = format!("{}.gguf", model.id);
        }
        let to = folder.join(&model.file);
        if fs::symlink_metadata(&to).is_ok() {
            return taken(&to);
        }
        copies.push((path, to));
    }
    if fs::symlink_metadata(file).is_ok() {
        return taken(file);
    }
    let text = recipe.to_toml()?;
    let mut written_bytes = 0_u64;
    for (path, to) in &copies {
        output.progress(format_args!("Copying to {} …", to.display()));
        let done = copy_new(path, to);
        output.progress_done();
        written_bytes += done.map_err(|error| unusable(to, &error))?;
    }
    let written = fs::File::create_new(file).and_then(|mut new| new.write_all(text.as_bytes()));
    written.map_err(|error| unusable(file, &error))?;
    let models = if with_models {
        format!(", with {} of models beside it", bytes_in_words(written_bytes))
    } else {
        String::new()
    };
    output.line(format_args!("Written to {}{models}.", file.display()));
    output.json(&json!({ "file": file, "model_bytes": written_bytes }));
    Ok(())
}

/// Copies a file to where there is none; half of it helps nobody.
fn copy_new(from: &Path, to: &Path) -> io::Result<u64> {
    let mut from = fs::File::open(from)?;
    let mut new = fs::File::create_new(to)?;
    let done = io::copy(&mut from, &mut new).and_then(|all| new.sync_all().map(|()| all));
    done.inspect_err(|_| drop(fs::remove_file(to)))
}

fn import(setup: &Setup, file: &Path, output: &Output) -> Result<(), Problem> {
    let recipe = read_recipe(file)?;
    // What lies beside it first: a file that is another one than it should be leaves no ladder behind.
    let missing = reading(output, file, |cancel, on| setup.models.take_beside(&recipe, file, cancel, on))?;
    let kept = setup.recipes.add(&recipe)?;
    output.line(format_args!("The ladder {} is in the list as {}.", kept.name, kept.id));
    if missing > 0 {
        let size = bytes_in_words(missing);
        output.note(format_args!("{size} of models are not here yet. To download them: taki models fetch {}", kept.id));
    }
    output.json(&json!({ "ladder": kept.id, "missing_bytes": missing }));
    Ok(())
}

fn versions(setup: &Setup, id: &str, output: &Output) {
    let versions = setup.recipes.versions(id);
    let names = |recipe: &Recipe| recipe.models.iter().map(|model| model.name.as_str()).collect::<Vec<_>>().join(" ← ");
    let rows: Vec<Value> = versions
        .iter()
        .map(|(number, recipe)| {
            output.line(format_args!("{number:>3}  {}: {}", recipe.name, names(recipe)));
            json!({ "version": number, "name": recipe.name, "models": recipe.rungs, "k": recipe.k })
        })
        .collect();
    if rows.is_empty() {
        output.note(format_args!("{id} was never different."));
    }
    output.json(&json!({ "versions": rows }));
}

fn back(setup: &Setup, id: &str, version: Option<u32>, output: &Output) -> Result<(), Problem> {
    let recipe = setup.recipes.back(id, version)?;
    output.line(format_args!("{id} is what it was: {}.", recipe.name));
    output.json(&json!({ "ladder": recipe.id }));
    Ok(())
}
