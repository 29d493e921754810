//! The icon in the system's tray, and what closing the window means while it is there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::Deserialize;
use specta::Type;
use tauri::menu::{MenuBuilder, MenuEvent};
use tauri::tray::{MouseButton, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Manager, Window, WindowEvent};

use crate::app::App;

/// Names of the icon and of what its menu offers.
const TRAY: &str = "taki";
const SHOW: &str = "show";
const QUIT: &str = "quit";

/// What stands in the menu of the icon, in the window's language.
#[derive(Debug, Clone, Deserialize, Type)]
pub(crate) struct TrayWords {
    /// Brings the window forward.
    show: String,
    /// Ends the program.
    quit: String,
}

/// Shows the icon with these words, or takes it away. Whether there is one now: systems without a tray have none, and there a second
/// start brings the window back.
pub(crate) fn set(handle: &AppHandle, words: Option<&TrayWords>) -> bool {
    let Some(words) = words else {
        drop(handle.remove_tray_by_id(TRAY));
        return false;
    };
    // The library that draws it on Linux ends in a panic where the system does not have it.
    match catch_unwind(AssertUnwindSafe(|| build(handle, words))) {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => tracing::warn!(%error, "there is no icon in the tray"),
        Err(_) => tracing::warn!("this system has no tray that Taki can use (libayatana-appindicator3 is missing)"),
    }
    false
}

fn build(handle: &AppHandle, words: &TrayWords) -> tauri::Result<()> {
    let menu = MenuBuilder::new(handle).text(SHOW, &words.show).separator().text(QUIT, &words.quit).build()?;
    if let Some(tray) = handle.tray_by_id(TRAY) {
        return tray.set_menu(Some(menu));
    }
    let tray = TrayIconBuilder::with_id(TRAY).menu(&menu).tooltip("Taki").show_menu_on_left_click(false);
    let tray = match handle.default_window_icon() {
        Some(icon) => tray.icon(icon.clone()),
        None => tray,
    };
    tray.on_tray_icon_event(|tray, event| {
        if matches!(event, TrayIconEvent::Click { button: MouseButton::Left, .. }) {
            show(tray.app_handle());
        }
    })
    .build(handle)
    .map(drop)
}

/// What was chosen in the menu of the icon.
pub(crate) fn chosen(handle: &AppHandle, event: &MenuEvent) {
    match event.id().as_ref() {
        SHOW => show(handle),
        QUIT => quit(handle),
        _ => {}
    }
}

/// Brings the window forward, wherever it is.
pub(crate) fn show(handle: &AppHandle) {
    if let Some(window) = handle.get_webview_window("main") {
        // A window that cannot be shown is nothing that can be told in it.
        let _ = window.show().and_then(|()| window.unminimize()).and_then(|()| window.set_focus());
    }
}

/// Ends the program as closing its window does: what the page has to keep is kept.
pub(crate) fn quit(handle: &AppHandle) {
    handle.state::<Arc<App>>().leave();
    match handle.get_webview_window("main").map(|window| window.close()) {
        Some(Ok(())) => {}
        _ => handle.exit(0),
    }
}

/// A window that is closed is only hidden while Taki is to go on in the background.
pub(crate) fn closing(window: &Window, event: &WindowEvent) {
    let WindowEvent::CloseRequested { api, .. } = event else { return };
    let app = window.state::<Arc<App>>();
    if app.settings().background && !app.is_leaving() && window.hide().is_ok() {
        api.prevent_close();
    }
}
