use protocol::Problem;
use tauri::{Manager, WebviewWindow};
use tauri_plugin_notification::NotificationExt;

/// Longest text that is shown, in characters: systems cut longer ones in ways of their own.
const LONGEST: usize = 200;

/// Has the system show `text` if another window is in front. Whether it was asked to.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn tell_unseen(window: WebviewWindow, text: String) -> Result<bool, Problem> {
    if window.is_focused().unwrap_or(true) {
        return Ok(false);
    }
    let body: String = text.chars().take(LONGEST).collect();
    let shown = window.app_handle().notification().builder().title("Taki").body(body).show();
    // A system without notifications is nothing to trouble anybody with: the answer is there all the same.
    Ok(shown.inspect_err(|error| tracing::debug!(%error, "nothing was shown")).is_ok())
}
