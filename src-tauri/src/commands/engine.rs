use std::sync::Arc;

use protocol::Problem;
use protocol::chat::EngineState;
use tauri::State;
use tauri::ipc::Channel;

use crate::app::App;
use crate::turns::Choice;

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
    let choice = choose(&app, &ladder)?;
    app.load_chosen(choice);
    Ok(())
}

/// Chooses a ladder, fetches what it lacks and loads it.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn fetch_ladder(app: State<'_, Arc<App>>, ladder: String) -> Result<(), Problem> {
    let choice = choose(&app, &ladder)?;
    app.fetch_and_load(choice);
    Ok(())
}

/// Stops fetching; what is there already is kept.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn cancel_fetch(app: State<'_, Arc<App>>) -> Result<(), Problem> {
    app.turns.stop_fetching();
    Ok(())
}

fn choose(app: &App, ladder: &str) -> Result<Choice, Problem> {
    app.disk()?.catalog.ladder(ladder)?;
    let choice = app.turns.choose()?;
    let mut settings = app.settings().clone();
    if settings.ladder != ladder {
        ladder.clone_into(&mut settings.ladder);
        app.change_settings(&settings)?;
    }
    Ok(choice)
}
