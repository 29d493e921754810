//! Checks the configuration and makes a permission of every command, so that the window's capability can name them.

fn main() {
    let commands = &[
        "open",
        "send",
        "answer_again",
        "stop",
        "new_conversation",
        "save_unsent",
        "watch_engine",
        "load_ladder",
        "fetch_ladder",
        "cancel_fetch",
        "change_settings",
    ];
    let attributes = tauri_build::Attributes::new().app_manifest(tauri_build::AppManifest::new().commands(commands));
    if let Err(error) = tauri_build::try_build(attributes) {
        panic!("{error:#}");
    }
}
