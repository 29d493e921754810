//! What draws the window is a process of the system's own, which can end by itself. (On Windows it has a page for that.)

#![cfg_attr(windows, allow(dead_code, unused_imports, reason = "nothing has to be done there"))]

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use protocol::{Code, Language, Problem};
use store::now_ms;
use tauri::{AppHandle, Manager, Url, Wry};
use tauri_plugin_dialog::DialogExt;

use crate::app::App;

/// Losses so soon behind each other have one cause.
const SOON: Duration = Duration::from_secs(30);

/// How often in a row the page is drawn anew all the same.
const TRIES: u32 = 3;

/// Whether that is this program's own page.
pub(crate) fn is_own(to: &Url) -> bool {
    match to.scheme() {
        "tauri" => true,
        "about" => to.path() == "blank",
        "http" | "https" => to.host_str() == Some("tauri.localhost"),
        _ => false,
    }
}

/// How often the page was lost in a row, each time soon after the last.
#[derive(Debug, Default)]
pub(crate) struct Losses(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    last: Option<Instant>,
    in_a_row: u32,
}

impl Losses {
    /// Counts a loss. Whether it is worth drawing the page anew.
    fn count(&self, now: Instant) -> bool {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let soon = counted.last.is_some_and(|last| now.saturating_duration_since(last) < SOON);
        counted.in_a_row = if soon { counted.in_a_row + 1 } else { 1 };
        counted.last = Some(now);
        counted.in_a_row <= TRIES
    }
}

/// What drew the page has ended: `reload` draws it anew. If that is of no use the program ends, with a word.
pub(crate) fn lost(handle: &AppHandle<Wry>, losses: &Losses, reload: impl FnOnce()) {
    tracing::error!("what draws the window has ended");
    if losses.count(Instant::now()) {
        return reload();
    }
    // It may be what the conversation shows: the next start begins with another one. All of it stays.
    if let Ok(disk) = handle.state::<std::sync::Arc<App>>().disk()
        && let Err(problem) = disk.store.new_conversation(now_ms())
    {
        tracing::warn!(code = %problem.code, "the next start shows the same conversation");
    }
    let (problem, language) = (Problem::new(Code::PageLost), Language::of_system());
    let words = format!("{} {}", problem.sentence(language), problem.next_step(language));
    let handle = handle.clone();
    handle.clone().dialog().message(words).title("Taki").show(move |_| handle.exit(1));
}

/// Draws the page of the window anew whenever what draws it has ended.
#[cfg(target_os = "linux")]
pub(crate) fn keep_drawn(handle: &AppHandle<Wry>) {
    use webkit2gtk::WebViewExt;
    let (app, losses) = (handle.clone(), Losses::default());
    let watched = handle.get_webview_window("main").map(|window| {
        window.with_webview(move |page| {
            page.inner().connect_web_process_terminated(move |page, _| lost(&app, &losses, || page.reload()));
        })
    });
    if !matches!(watched, Some(Ok(()))) {
        tracing::error!("nobody will notice if what draws the window ends");
    }
}

/// Other systems tell of it in their own way.
#[cfg(not(target_os = "linux"))]
pub(crate) fn keep_drawn(_: &AppHandle<Wry>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_ends_every_time_is_given_up() {
        let began = Instant::now();
        let losses = Losses::default();
        let lose = |seconds| losses.count(began + Duration::from_secs(seconds));
        assert!([0, 600, 601, 625].into_iter().all(lose), "the first was long ago");
        assert!(!lose(654));
        assert!(lose(700), "that was a while ago");
    }
}
