//! Files that somebody lets go over the window. `WebKitGTK` tells a page their addresses only, and shows them in its place: there the app takes them, and the page
//! learns their names. On other systems the page has the files themselves (`dropped`).

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use specta::Type;
use tauri::{DragDropEvent, Manager, Window, WindowEvent};

use crate::app::App;
use crate::watched::Watched;

/// A recipe is a small file; only so much of another one is looked at, in bytes.
const RECIPE: u64 = 256 << 10;

/// What is dragged over the window or was let go there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Type)]
pub(crate) struct Dragging {
    /// Whether files are held over the window now.
    over: bool,
    /// Files that were let go and that the page has not asked for.
    waiting: u32,
}

/// A file that was let go over the window.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub(crate) struct DraggedFile {
    /// By that it is asked for, once.
    ticket: u32,
    /// Its name, without folders.
    name: String,
    /// Its size.
    bytes: f64,
}

/// What was let go and is not read yet.
pub(crate) struct Dragged {
    files: Mutex<Files>,
    pub(crate) now: Watched<Dragging>,
}

#[derive(Default)]
struct Files {
    /// In order; a ticket is a place in it, from 0. None: it was read.
    paths: Vec<Option<PathBuf>>,
    /// How many of them the page has been told of.
    told: usize,
}

impl Default for Dragged {
    fn default() -> Self {
        Self { files: Mutex::default(), now: Watched::new(Dragging::default()) }
    }
}

impl Dragged {
    /// Files are held over the window, or no longer.
    fn over(&self, over: bool) {
        self.now.change(|now| (now.over != over).then_some(Dragging { over, ..*now }));
    }

    /// Files were let go.
    fn add(&self, paths: impl IntoIterator<Item = PathBuf>) {
        let mut files = self.files();
        files.paths.extend(paths.into_iter().map(Some));
        self.now.set(Dragging { over: false, waiting: (files.paths.len() - files.told) as u32 });
    }

    /// What was let go since this was asked last.
    pub(crate) fn take(&self) -> Vec<DraggedFile> {
        let mut files = self.files();
        let all = files.paths.len();
        let told = std::mem::replace(&mut files.told, all);
        self.now.change(|now| Some(Dragging { waiting: 0, ..*now }));
        let fresh = files.paths.iter().enumerate().skip(told);
        let about = |(ticket, path): (usize, &Option<PathBuf>)| {
            let path = path.as_deref()?;
            let name = path.file_name()?.to_string_lossy().into_owned();
            // A folder, a pipe or what has gone has nothing to read.
            let bytes = path.metadata().ok().filter(std::fs::Metadata::is_file).map_or(0, |about| about.len());
            Some(DraggedFile { ticket: ticket as u32, name, bytes: bytes as f64 })
        };
        fresh.filter_map(about).collect()
    }

    /// Where the file with this ticket lies, once.
    pub(crate) fn path(&self, ticket: u32) -> Option<PathBuf> {
        self.files().paths.get_mut(ticket as usize)?.take()
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes what is let go over the window: models and recipes go to the models, all else goes with the next message.
pub(crate) fn dragged(window: &Window, event: &WindowEvent) {
    let WindowEvent::DragDrop(event) = event else { return };
    let app = window.state::<Arc<App>>();
    match event {
        DragDropEvent::Enter { paths, .. } => app.dragged.over(files(paths).next().is_some()),
        DragDropEvent::Leave => app.dragged.over(false),
        DragDropEvent::Drop { paths, .. } => {
            let (ours, others): (Vec<PathBuf>, Vec<PathBuf>) = files(paths).cloned().partition(|path| is_ours(path));
            app.dragged.add(others);
            app.opened.add(ours);
        }
        _ => {}
    }
}

/// Those that are files: a link out of a page comes in the same way, with its address as the path.
fn files(paths: &[PathBuf]) -> impl Iterator<Item = &PathBuf> {
    paths.iter().filter(|path| path.is_absolute())
}

/// Whether a file is a model or a recipe of ours; any other TOML is something to ask about.
fn is_ours(path: &Path) -> bool {
    let ends = |ending: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending));
    let is_recipe = || {
        let about = path.metadata().ok().filter(|about| about.is_file() && about.len() <= RECIPE);
        let lines = about.and_then(|_| File::open(path).ok()).map(|file| BufReader::new(file.take(RECIPE)).lines());
        let mut words = lines.into_iter().flatten().map_while(Result::ok);
        words.any(|line| {
            line.trim_start().strip_prefix("taki_recipe").is_some_and(|rest| rest.trim_start().starts_with('='))
        })
    };
    // One that is called so is no text for a message, whatever is in it.
    let is_called = path.file_name().is_some_and(|name| name.to_string_lossy().to_lowercase().ends_with(".taki.toml"));
    ends("gguf") || is_called || ends("toml") && is_recipe()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_let_go_is_told_by_name_and_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let [note, other] = ["note.txt", "b.csv"].map(|name| folder.path().join(name));
        std::fs::write(&note, "hello").unwrap();
        let dragged = Dragged::default();
        dragged.over(true);
        assert_eq!(dragged.now.now(), Dragging { over: true, waiting: 0 });
        dragged.add([note.clone(), folder.path().to_owned()]);
        assert_eq!(dragged.now.now(), Dragging { over: false, waiting: 2 });
        let told = dragged.take();
        assert_eq!((told[0].name.as_str(), told[0].bytes, told[1].bytes), ("note.txt", 5.0, 0.0));
        assert_eq!((dragged.take().len(), dragged.now.now()), (0, Dragging::default()));
        assert_eq!((dragged.path(told[0].ticket), dragged.path(told[0].ticket)), (Some(note), None));
        dragged.add([other.clone()]);
        assert_eq!(dragged.path(dragged.take()[0].ticket), Some(other));
        assert_eq!(dragged.path(99), None);
    }

    #[test]
    fn models_and_recipes_are_told_from_what_is_to_be_asked_about() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        assert!(is_ours(&file("a.GGUF", "")) && is_ours(&file("b.toml", "# Mine\n taki_recipe = 1\n")));
        assert!(
            !is_ours(&file("c.toml", "[package]\nname = \"taki_recipe\"\n"))
                && !is_ours(&file("d.txt", "taki_recipe = 1"))
                && is_ours(&file("e.Taki.toml", ""))
        );
        assert!(!is_ours(folder.path()));
        let dragged = [folder.path().join("a.txt"), PathBuf::from("https://a.example/b.gguf"), PathBuf::new()];
        assert_eq!(files(&dragged).collect::<Vec<_>>(), [&dragged[0]], "a link is no file");
    }
}
