use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use catalog::first_part;
use protocol::chat::Added;
use protocol::{Code, Problem};
use tauri::State;

use super::blocking;
use super::models::added;
use crate::app::App;

/// Makes room for a file of so many bytes that was dropped on the page; gives the ticket under which its pieces come.
#[tauri::command]
#[specta::specta]
pub(crate) async fn drop_begin(app: State<'_, Arc<App>>, name: String, bytes: f64) -> Result<u32, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let bytes = if bytes >= 0.0 { bytes as u64 } else { 0 };
        let disk = app.disk()?;
        disk.catalog().open_to_others()?;
        // Each comes by itself, and the first is nothing without the others.
        if first_part(Path::new(&name)).is_some() {
            let reason = "it is a part of a model in several files, which cannot be dropped here: press “Add a file” and choose the first one";
            return Err(Problem::new(Code::FileUnusable).with("path", &name).with("reason", reason));
        }
        app.dropped.begin(&disk.models, &name, bytes)
    })
    .await
}

/// Puts the next piece of a dropped file behind what is here.
#[tauri::command]
#[specta::specta]
pub(crate) async fn drop_piece(app: State<'_, Arc<App>>, ticket: u32, base64: String) -> Result<(), Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let piece =
            BASE64_STANDARD.decode(base64).map_err(|error| Problem::new(Code::Internal).with("reason", error))?;
        app.dropped.piece(&app.disk()?.models, ticket, &piece)
    })
    .await
}

/// Takes in a dropped file that is whole.
#[tauri::command]
#[specta::specta]
pub(crate) async fn drop_end(app: State<'_, Arc<App>>, ticket: u32) -> Result<Added, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let arrived = app.dropped.end(ticket)?;
        let _one_at_a_time = app.shrinking.begin_next(arrived.stopped())?;
        let added =
            added(&app, &arrived.path(), arrived.stopped(), &mut |_| {}).map_err(|problem| arrived.told(problem));
        app.disk()?.read_own();
        added
    })
    .await
}

/// Forgets a dropped file, also one that is being taken in.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn drop_cancel(app: State<'_, Arc<App>>, ticket: u32) -> Result<(), Problem> {
    app.dropped.cancel(ticket);
    Ok(())
}
