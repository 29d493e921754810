use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use protocol::{Code, Problem};
use tauri::State;
use tauri::ipc::Channel;

use super::blocking;
use crate::app::App;
use crate::dragged::{DraggedFile, Dragging};
use crate::extract;

/// Tells of files that are held over the window or were let go there, now and at every change.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn watch_dragged(app: State<'_, Arc<App>>, on_change: Channel<Dragging>) -> Result<(), Problem> {
    app.dragged.now.watch(on_change);
    Ok(())
}

/// The files that were let go since this was asked last, but models and recipes.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn take_dragged(app: State<'_, Arc<App>>) -> Result<Vec<DraggedFile>, Problem> {
    Ok(app.dragged.take())
}

/// What is in one of them, in base64.
#[tauri::command]
#[specta::specta]
pub(crate) async fn dragged_file(app: State<'_, Arc<App>>, ticket: u32) -> Result<String, Problem> {
    let path = app.dragged.path(ticket);
    blocking(move || {
        let path = path.ok_or_else(|| Problem::new(Code::Internal).with("reason", "no such file was let go"))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let unreadable = |_| Problem::new(Code::DocumentUnreadable).with("name", &name);
        // Its size may be another one by now: the page has refused what was too large.
        let about = path.metadata().map_err(unreadable)?;
        if !about.is_file() || about.len() as f64 > extract::limits().attachment_bytes {
            return Err(Problem::new(Code::DocumentUnreadable).with("name", &name));
        }
        Ok(BASE64_STANDARD.encode(std::fs::read(&path).map_err(unreadable)?))
    })
    .await
}
