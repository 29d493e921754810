use std::thread;

use notify_rust::Notification;
use protocol::Problem;
use tauri::WebviewWindow;
use tauri::ipc::Channel;

/// Longest text that is shown, in characters: systems cut longer ones in ways of their own.
const LONGEST: usize = 200;

/// Has the system show `text` if another window is in front. Whether it was asked to. Whoever presses the note gets the window, and
/// `on_press` is told.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn tell_unseen(window: WebviewWindow, text: String, on_press: Channel<()>) -> Result<bool, Problem> {
    if window.is_focused().unwrap_or(true) {
        return Ok(false);
    }
    let body: String = text.chars().take(LONGEST).collect();
    let mut note = Notification::new();
    note.appname("Taki").summary("Taki").body(&body).auto_icon();
    // Where the system knows the program by its installed name.
    #[cfg(windows)]
    note.app_id(&window.config().identifier);
    // The name of what happens when the note itself is pressed; nobody reads the label.
    #[cfg(target_os = "linux")]
    note.action("default", "Taki");
    match note.show() {
        Ok(shown) => {
            wait(shown, window, on_press);
            Ok(true)
        }
        // A system without notifications is nothing to trouble anybody with: the answer is there all the same.
        Err(error) => {
            tracing::debug!(%error, "nothing was shown");
            Ok(false)
        }
    }
}

/// Notes may stay for hours: each has a thread of its own that sleeps until it is pressed or closed.
#[cfg(target_os = "linux")]
fn wait(shown: notify_rust::NotificationHandle, window: WebviewWindow, on_press: Channel<()>) {
    let pressed = move || {
        shown.wait_for_action(|action| {
            if action == "default" {
                crate::tray::show(tauri::Manager::app_handle(&window));
                if let Err(error) = on_press.send(()) {
                    tracing::debug!(%error, "the window is gone");
                }
            }
        });
    };
    if let Err(error) = thread::Builder::new().name("note".to_owned()).spawn(pressed) {
        tracing::warn!(%error, "a note cannot be pressed");
    }
}

/// Other systems bring a program forward by themselves when its note is pressed, and tell it nothing.
#[cfg(not(target_os = "linux"))]
fn wait(_: notify_rust::NotificationHandle, _: WebviewWindow, _: Channel<()>) {}
