use std::path::PathBuf;
use std::sync::Arc;

use catalog::write_recipe;
use protocol::Problem;
use tauri::ipc::Channel;
use tauri::{AppHandle, State};
use tauri_plugin_dialog::DialogExt;

use super::blocking;
use super::exchange::path;
use crate::app::App;

/// How names of recipes end: by it alone a file manager tells them from other TOML.
const RECIPE: &str = "taki.toml";

/// Asks for a file and writes a ladder's recipe to it. Gives its path; None if the person thought better of it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_ladder(
    app: State<'_, Arc<App>>,
    handle: AppHandle,
    ladder: String,
) -> Result<Option<String>, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let disk = app.disk()?;
        let recipe = disk.recipes.recipe_of(&disk.catalog(), &ladder)?;
        let dialog = handle.dialog().file().add_filter("Taki", &["toml"]).set_file_name(format!("{ladder}.{RECIPE}"));
        let Some(chosen) = dialog.blocking_save_file() else { return Ok(None) };
        let (path, is_named) = recipe_file(path(chosen)?);
        // The dialog asks before it takes a file that is there, but only by the name that was typed.
        write_recipe(&recipe, &path, is_named)?;
        Ok(Some(path.display().to_string()))
    })
    .await
}

/// Where a recipe is written, with an ending by which it is found again, and whether a person has typed that.
fn recipe_file(path: PathBuf) -> (PathBuf, bool) {
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml")) {
        return (path, true);
    }
    let mut name = path.into_os_string();
    name.push(".");
    name.push(RECIPE);
    (name.into(), false)
}

/// Asks for a folder and writes a ladder's recipe there with its model files, telling the share that is done. Gives the recipe's path; None if the
/// person thought better of it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn hand_over(
    app: State<'_, Arc<App>>,
    handle: AppHandle,
    ladder: String,
    on_progress: Channel<f32>,
) -> Result<Option<String>, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let disk = app.disk()?;
        let recipe = disk.recipes.recipe_of(&disk.catalog(), &ladder)?;
        let Some(chosen) = handle.dialog().file().blocking_pick_folder() else { return Ok(None) };
        let file = path(chosen)?.join(format!("{ladder}.{RECIPE}"));
        let work = app.shrinking.begin()?;
        disk.models.hand_over(recipe, &file, true, work.stopped(), &mut |done, all| {
            let _ = on_progress.send(done as f32 / all.max(1) as f32);
        })?;
        Ok(Some(file.display().to_string()))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_is_written_with_an_ending_by_which_it_is_found() {
        for (typed, written, is_named) in [
            ("/a/mine.taki.toml", "/a/mine.taki.toml", true),
            ("/a/mine.TOML", "/a/mine.TOML", true),
            ("/a/mine", "/a/mine.taki.toml", false),
            ("/a/version 1.5", "/a/version 1.5.taki.toml", false),
        ] {
            assert_eq!(recipe_file(typed.into()), (PathBuf::from(written), is_named));
        }
    }
}
