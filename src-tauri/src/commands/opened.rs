use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::without_further_parts;
use protocol::chat::{Added, AddedFiles};
use protocol::{Code, Problem};
use tauri::State;
use tauri::ipc::Channel;

use super::blocking;
use super::models::added;
use crate::app::App;

/// Tells how many files the system wants opened, now and at every change.
#[tauri::command(async)]
#[specta::specta]
pub(crate) fn watch_opened(app: State<'_, Arc<App>>, on_change: Channel<u32>) -> Result<(), Problem> {
    app.opened.waiting.watch(on_change);
    Ok(())
}

/// Adds the models and recipes that the system wants opened, one after the other, as soon as nothing else is done.
#[tauri::command]
#[specta::specta]
pub(crate) async fn add_opened(app: State<'_, Arc<App>>, on_progress: Channel<f32>) -> Result<AddedFiles, Problem> {
    let app = Arc::clone(&app);
    blocking(move || {
        let work = {
            let stop = app.opened.wait();
            // Who does not want to wait for them does not want them.
            app.shrinking.begin_next(&stop).inspect_err(|_| drop(app.opened.take()))?
        };
        let paths = app.opened.take();
        let mut add = |path: &Path| {
            let one = added(&app, path, work.stopped(), &mut |share| {
                let _ = on_progress.send(share);
            });
            app.disk()?.read_own();
            one
        };
        Ok(in_turn(without_further_parts(&paths).map(PathBuf::as_path), &mut add))
    })
    .await
}

/// Adds one file after the other until it is cancelled: one that cannot be used keeps nobody from the others, and hides none of them.
fn in_turn<'p>(
    paths: impl IntoIterator<Item = &'p Path>,
    add: &mut dyn FnMut(&Path) -> Result<Added, Problem>,
) -> AddedFiles {
    let mut files = AddedFiles::default();
    for path in paths {
        match add(path) {
            Ok(added) => files.last = Some(added),
            Err(problem) if problem.code == Code::Cancelled => break,
            Err(problem) => files.problems.push(problem),
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_used_hides_none_of_the_others() {
        let mut seen = Vec::new();
        let mut add = |path: &Path| {
            let name = path.display().to_string();
            seen.push(name.clone());
            match name.as_str() {
                "bad" => Err(Problem::new(Code::NotGguf)),
                "stop" => Err(Problem::new(Code::Cancelled)),
                _ => Ok(Added { ladder: name.clone(), name }),
            }
        };
        let files = in_turn(["a", "bad", "b", "bad", "stop", "c"].map(Path::new), &mut add);
        assert_eq!(files.last.map(|added| added.ladder), Some("b".to_owned()));
        assert_eq!(files.problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), [Code::NotGguf; 2]);
        assert_eq!(seen.last().map(String::as_str), Some("stop"), "nothing more is read");
    }
}
