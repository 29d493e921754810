use protocol::Problem;
use tauri::AppHandle;

use crate::tray::{self, TrayWords};

/// Shows Taki's icon in the system's tray with these words in its menu, or takes it away. Whether there is one now.
#[tauri::command]
#[specta::specta]
pub(crate) fn set_tray(handle: AppHandle, words: Option<TrayWords>) -> Result<bool, Problem> {
    Ok(tray::set(&handle, words.as_ref()))
}

/// Ends the program, also where closing its window would only hide it.
#[tauri::command]
#[specta::specta]
pub(crate) fn quit(handle: AppHandle) -> Result<(), Problem> {
    tray::quit(&handle);
    Ok(())
}
