//! Checks the configuration and makes a permission of every command, so that the window's capability can name them.

fn main() {
    let commands = &[
        "open",
        "list_conversations",
        "open_conversation",
        "new_conversation",
        "rename_conversation",
        "pin_conversation",
        "delete_conversation",
        "restore_conversation",
        "delete_message",
        "restore_message",
        "choose_version",
        "search",
        "save_unsent",
        "save_place",
        "set_system",
        "attach",
        "detach",
        "prompt_size",
        "leave_out",
        "summarise",
        "read_all",
        "send",
        "answer_again",
        "continue_answer",
        "replay",
        "stop",
        "export_conversations",
        "import_conversations",
        "watch_engine",
        "ladders",
        "load_ladder",
        "fetch_ladder",
        "cancel_fetch",
        "watch_beside",
        "fetch_beside",
        "change_settings",
        "earlier_chats",
        "erase_earlier_chats",
        "tell_unseen",
    ];
    let attributes = tauri_build::Attributes::new().app_manifest(tauri_build::AppManifest::new().commands(commands));
    if let Err(error) = tauri_build::try_build(attributes) {
        panic!("{error:#}");
    }
}
