//! Ladders as files: handed on, and taken in.

use std::path::Path;

use catalog::{Catalog, Remake, read_recipe};
use protocol::{Problem, bytes_in_words};
use serde_json::json;

use crate::models::reading;
use crate::output::Output;
use crate::setup::Setup;

pub(super) fn export(setup: &Setup, id: &str, file: &Path, with_models: bool, output: &Output) -> Result<(), Problem> {
    let recipe = setup.recipes.recipe_of(&setup.catalog, id)?;
    let what = "Copying";
    let written_bytes =
        reading(output, what, |cancel, on| setup.models.hand_over(recipe, file, with_models, cancel, on))?;
    let models = if with_models {
        format!(", with {} of models beside it", bytes_in_words(written_bytes))
    } else {
        String::new()
    };
    output.line(format_args!("Written to {}{models}.", file.display()));
    output.json(&json!({ "file": file, "model_bytes": written_bytes }));
    Ok(())
}

pub(super) fn import(setup: &Setup, file: &Path, output: &Output) -> Result<(), Problem> {
    let recipe = read_recipe(file)?;
    // What lies beside it first: a file that is another one than it should be leaves no ladder behind.
    let missing = reading(output, &format!("Reading {}", file.display()), |cancel, on| {
        setup.models.take_beside(&recipe, file, cancel, on)
    })?;
    let already = if setup.recipes.same(&recipe).is_some() { " already" } else { "" };
    let kept = setup.recipes.add_once(&recipe)?;
    output.line(format_args!("The ladder {} is in the list{already} as {}.", kept.name, kept.id));
    let (catalog, _) = Catalog::builtin().with_own(&setup.models, &setup.recipes);
    let models = catalog.models_of(&kept.id).unwrap_or_default();
    let remakes = catalog.remakes(&setup.models, &kept.id);
    let lost: Vec<_> = setup.models.lost(&models).filter(|_| remakes.is_err()).collect();
    for model in &lost {
        output.warning(&model.missing(&kept.id));
    }
    for Remake { model, original, mix } in remakes.iter().flatten() {
        output.note(format_args!("{} is made here, from {} to {}.", model.name, original.name, mix.name()));
    }
    let to_fetch = missing.saturating_sub(lost.iter().map(|model| model.bytes).sum());
    if to_fetch > 0 {
        let size = bytes_in_words(to_fetch);
        // With one that nobody offers nothing is fetched.
        let next = if lost.is_empty() { format!(" To get them: taki models fetch {}", kept.id) } else { String::new() };
        output.note(format_args!("{size} of models are not here yet.{next}"));
    }
    output.json(&json!({
        "ladder": kept.id, "missing_bytes": to_fetch, "lost": lost, "already": !already.is_empty(),
    }));
    Ok(())
}
