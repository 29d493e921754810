use std::sync::Arc;
use std::sync::atomic::Ordering;

use protocol::chat::EngineState;
use protocol::{Code, Problem};
use tauri::State;
use tauri::ipc::Channel;

use crate::app::App;

/// Tells what the engine is doing, now and at every change.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn watch_engine(app: State<'_, Arc<App>>, on_state: Channel<EngineState>) -> Result<(), Problem> {
    app.disk()?;
    app.state.watch(on_state);
    Ok(())
}

/// Chooses a ladder and loads it.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn load_ladder(app: State<'_, Arc<App>>, ladder: String) -> Result<(), Problem> {
    choose(&app, &ladder)?;
    app.load_chosen();
    Ok(())
}

/// Chooses a ladder, fetches what it lacks and loads it.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn fetch_ladder(app: State<'_, Arc<App>>, ladder: String) -> Result<(), Problem> {
    choose(&app, &ladder)?;
    app.fetch_and_load(ladder)
}

/// Stops fetching; what is there already is kept.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn cancel_fetch(app: State<'_, Arc<App>>) -> Result<(), Problem> {
    app.cancel_fetch.store(true, Ordering::Release);
    Ok(())
}

fn choose(app: &App, ladder: &str) -> Result<(), Problem> {
    app.disk()?.catalog.ladder(ladder)?;
    if app.is_answering() {
        return Err(Problem::new(Code::Busy));
    }
    let mut settings = app.settings().clone();
    if settings.ladder != ladder {
        ladder.clone_into(&mut settings.ladder);
        app.change_settings(&settings)?;
    }
    Ok(())
}
