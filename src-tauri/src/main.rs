//! Taki's desktop window: composition and thin commands.

#![cfg_attr(windows, windows_subsystem = "windows")]

mod answering;
mod app;
mod cards;
mod checking;
mod commands;
mod context;
mod continued;
mod counting;
mod downloads;
mod dragged;
mod dropped;
mod earlier;
mod excerpt;
mod extract;
mod loading;
mod memory;
mod opened;
mod page;
mod prompt;
mod queue;
mod shrinking;
mod source;
mod summary;
mod tray;
mod turns;
mod updates;
mod watched;

use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use tauri::{Manager, RunEvent};
use tauri_plugin_window_state::StateFlags;
use tauri_specta::{Builder, collect_commands};

use app::App;

/// What the next start shows again of the window.
const KEPT: StateFlags = StateFlags::SIZE.union(StateFlags::POSITION).union(StateFlags::MAXIMIZED);

fn main() {
    // The worker and the reader of documents are this same program: they must hand over before anything else is set up.
    match std::env::args_os().nth(1) {
        Some(first) if first == "worker" => {
            log_to_standard_error();
            std::process::exit(engine::worker_main())
        }
        Some(first) if first == documents::ARGUMENT => std::process::exit(documents::child_main()),
        _ => {}
    }
    log_to_standard_error();
    if let Err(error) = run() {
        tracing::error!(%error, "the window could not be opened");
        std::process::exit(1);
    }
}

fn log_to_standard_error() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("TAKI_LOG").unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

fn run() -> tauri::Result<()> {
    let builder = tauri::Builder::default();
    #[cfg(target_os = "macos")]
    let builder = {
        let losses = page::Losses::default();
        builder.on_web_content_process_terminate(move |view| {
            page::lost(view.app_handle(), &losses, || drop(view.reload()))
        })
    };
    let window = builder
        .plugin(tauri_plugin_single_instance::init(|handle, arguments, folder| {
            if let Some(app) = handle.try_state::<Arc<App>>() {
                app.opened.add(opened::files(arguments, Path::new(&folder)));
            }
            // The second start only brings the first one's window forward.
            tray::show(handle);
        }))
        .plugin(tauri_plugin_dialog::init())
        // Where the window stood, unless it is to be seen nowhere now.
        .plugin(tauri_plugin_window_state::Builder::default().with_state_flags(KEPT).build())
        .plugin(tauri_plugin_updater::Builder::new().build())
        .on_window_event(|window, event| {
            tray::closing(window, event);
            dragged::dragged(window, event);
        })
        // Whatever is dragged onto it or stands in an answer: the window shows this program's page, and nothing in its place.
        .plugin(tauri::plugin::Builder::<tauri::Wry>::new("page").on_navigation(|_, to| page::is_own(to)).build())
        .on_menu_event(|handle, event| tray::chosen(handle, &event))
        .invoke_handler(interface().invoke_handler())
        .build(context())?;
    // Only now is it sure that no other instance works on the same files, and no window is open yet.
    let app = Arc::new(App::start());
    // Nothing is answered yet: nothing can refuse.
    let _ = app.choose(|| Ok(()));
    app.take_up_downloads();
    let folder = std::env::current_dir().unwrap_or_default();
    app.opened.add(opened::files(std::env::args_os(), &folder));
    window.manage(Arc::clone(&app));
    App::clear_updates();
    app.look_daily(window.handle());
    window.run(move |handle, event| match event {
        // Only now is there a window.
        RunEvent::Ready => page::keep_drawn(handle),
        RunEvent::Exit => {
            app.end();
            if app.updates.is_restarting() {
                handle.request_restart();
            }
        }
        // A click on the Dock.
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => tray::show(handle),
        // There, files come by this way and not as arguments.
        #[cfg(target_os = "macos")]
        RunEvent::Opened { urls } => app.opened.add(urls.iter().filter_map(|url| url.to_file_path().ok())),
        _ => {}
    });
    Ok(())
}

/// The program's own description. Whoever gives it another home runs another program: one instance for each.
fn context() -> tauri::Context {
    let mut context = tauri::generate_context!();
    // WebKitGTK gives a page no files that are dragged onto it.
    for window in &mut context.config_mut().app.windows {
        window.drag_drop_enabled = cfg!(target_os = "linux");
    }
    if let Some(home) = store::Places::home() {
        let home = std::path::absolute(&home).unwrap_or(home);
        // One that is there has one name only. Whether it could be made is told in the window.
        let _ = std::fs::create_dir_all(&home);
        let mut hash = DefaultHasher::new();
        home.canonicalize().unwrap_or(home).hash(&mut hash);
        // A letter first: no part of such a name may begin with a digit.
        let _ = write!(context.config_mut().identifier, ".h{:x}", hash.finish());
    }
    context
}

/// What the window can call.
fn interface() -> Builder<tauri::Wry> {
    Builder::new().disable_serde_phases().commands(collect_commands![
        commands::chat::open,
        commands::conversations::list_conversations,
        commands::conversations::open_conversation,
        commands::conversations::new_conversation,
        commands::conversations::rename_conversation,
        commands::conversations::pin_conversation,
        commands::conversations::delete_conversation,
        commands::conversations::restore_conversation,
        commands::conversations::delete_message,
        commands::conversations::restore_message,
        commands::conversations::choose_version,
        commands::conversations::search,
        commands::conversations::save_unsent,
        commands::conversations::save_edited,
        commands::conversations::save_place,
        commands::conversations::set_system,
        commands::attachments::attach,
        commands::attachments::detach,
        commands::attachments::read_part,
        commands::attachments::file_text,
        commands::context::prompt_size,
        commands::context::leave_out,
        commands::context::summarise,
        commands::context::read_all,
        commands::chat::send,
        commands::chat::answer_again,
        commands::chat::continue_answer,
        commands::chat::replay,
        commands::chat::stop,
        commands::exchange::export_conversations,
        commands::exchange::import_conversations,
        commands::engine::watch_engine,
        commands::engine::ladders,
        commands::engine::devices,
        commands::engine::load_ladder,
        commands::downloads::watch_downloads,
        commands::downloads::download_ladder,
        commands::downloads::pause_download,
        commands::downloads::resume_download,
        commands::downloads::drop_download,
        commands::models::models,
        commands::ladders::draft_choices,
        commands::ladders::ladder_memory,
        commands::ladders::make_ladder,
        commands::ladders::change_ladder,
        commands::ladders::ladder_versions,
        commands::ladders::back_ladder,
        commands::ladders::ladder_files,
        commands::ladders::remove_ladder,
        commands::ladders::removed_ladders,
        commands::ladders::restore_ladder,
        commands::ladders::copy_ladder,
        commands::recipes::export_ladder,
        commands::recipes::hand_over,
        commands::address::add_address,
        commands::models::add_file,
        commands::opened::add_opened,
        commands::opened::watch_opened,
        commands::models::shrink_model,
        commands::models::stop_shrinking,
        commands::models::remove_model,
        commands::dragged::watch_dragged,
        commands::dragged::take_dragged,
        commands::dragged::dragged_file,
        commands::dropped::drop_begin,
        commands::dropped::drop_piece,
        commands::dropped::drop_end,
        commands::dropped::drop_cancel,
        commands::checking::check_ladder,
        commands::checking::stop_check,
        commands::settings::change_settings,
        commands::settings::choose_source,
        commands::settings::source_missing,
        commands::token::set_token,
        commands::token::has_token,
        commands::token::remove_token,
        commands::earlier::earlier_chats,
        commands::earlier::erase_earlier_chats,
        commands::unseen::tell_unseen,
        commands::tray::set_tray,
        commands::tray::quit,
        commands::updates::watch_updates,
        commands::updates::updates_about,
        commands::updates::look_for_update,
        commands::updates::install_update,
        commands::updates::stop_update,
        commands::updates::restart,
    ])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use specta_typescript::Typescript;

    #[test]
    fn the_window_may_call_every_command_and_nothing_else() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let bindings = fs::read_to_string(here.join("../ui/src/backend/bindings.ts")).unwrap();
        let calls = bindings.split("__TAURI_INVOKE(\"").skip(1).filter_map(|rest| rest.split('"').next());
        let called: BTreeSet<_> = calls.map(|name| format!("allow-{}", name.replace('_', "-"))).collect();
        let capability = fs::read_to_string(here.join("capabilities/main.json")).unwrap();
        let permissions = capability.split_once("\"permissions\"").unwrap().1;
        let allowed: BTreeSet<_> = permissions.split('"').skip(1).step_by(2).map(str::to_owned).collect();
        assert!(called.len() > 20);
        assert_eq!(called, allowed);
    }

    #[test]
    fn the_windows_bindings_are_up_to_date() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/src/backend/bindings.ts");
        let folder = tempfile::tempdir().unwrap();
        let fresh = folder.path().join("bindings.ts");
        super::interface().export(Typescript::default(), &fresh).unwrap();
        let fresh = fs::read_to_string(fresh).unwrap();
        if std::env::var_os("TAKI_WRITE_BINDINGS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &fresh).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == fresh, "ui/src/backend/bindings.ts is out of date: run `make bindings`");
    }
}
