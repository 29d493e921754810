use std::sync::Arc;

use protocol::chat::{ExportFormat, Imported, UiLanguage};
use protocol::{Code, Language, Problem};
use tauri::{AppHandle, State};
use tauri_plugin_dialog::{DialogExt, FilePath};

use super::blocking;
use crate::app::App;

/// Asks for a file and writes conversations to it, all of them if none are named. Gives its path; None if the person
/// thought better of it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_conversations(
    app: State<'_, Arc<App>>,
    handle: AppHandle,
    conversations: Vec<u32>,
    format: ExportFormat,
) -> Result<Option<String>, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let ending = match format {
            ExportFormat::Markdown => "md",
            ExportFormat::Json => "json",
        };
        let dialog = handle.dialog().file().add_filter(ending, &[ending]).set_file_name(format!("taki.{ending}"));
        let Some(chosen) = dialog.blocking_save_file() else { return Ok(None) };
        let path = path(chosen)?;
        app.disk()?.store.export(&conversations, format, language(app.settings().language), &path)?;
        Ok(Some(path.display().to_string()))
    })
    .await
}

/// Asks for a file that was exported and adds its conversations that are not here yet. None if the person thought better
/// of it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn import_conversations(
    app: State<'_, Arc<App>>,
    handle: AppHandle,
) -> Result<Option<Imported>, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let dialog = handle.dialog().file().add_filter("Taki", &["json", "md"]);
        let Some(chosen) = dialog.blocking_pick_file() else { return Ok(None) };
        app.disk()?.store.import(&path(chosen)?, &mut |_| ()).map(Some)
    })
    .await
}

pub(super) fn path(chosen: FilePath) -> Result<std::path::PathBuf, Problem> {
    let name = chosen.to_string();
    chosen.into_path().map_err(|error| Problem::new(Code::FileUnusable).with("path", name).with("reason", error))
}

/// The language of headings: the window's.
fn language(chosen: UiLanguage) -> Language {
    match chosen {
        UiLanguage::Ja => Language::Japanese,
        UiLanguage::En => Language::English,
        UiLanguage::System => Language::of_system(),
    }
}
