use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use protocol::ladder::{Ladder, Rung};
use protocol::{Code, Problem};

use crate::entry::{LadderEntry, ModelEntry};
use crate::header::check_header;
use crate::manifest::Catalog;
use crate::store::ModelStore;

/// Tokens that Max-Gram drafts for a target without draft models.
const ALONE: u32 = 8;

/// Tokens of each draft for each reviewer of a ladder that somebody put together.
const EACH: u32 = 4;

/// The ladder with this catalogue id, or a one-rung ladder with Max-Gram for the path of a GGUF file, ready to load.
/// Every file's header is checked, and the hash of files of the store that were changed since it was checked last. A file of
/// the store that fails is set aside so that it can be fetched again.
///
/// # Errors
/// [`Code::NoSuchLadder`], [`Code::NotAllowed`], those of [`ModelEntry::missing`], and those of [`check_header`] and [`ModelStore::assure`].
pub fn resolve(catalog: &Catalog, store: &ModelStore, ladder_id: &str) -> Result<Ladder, Problem> {
    let ladder = match catalog.ladder(ladder_id) {
        Ok(entry) => from_catalogue(catalog, store, entry),
        Err(_) if catalog.offered(ladder_id).is_some() => {
            Err(Problem::new(Code::NotInstalled).with("ladder", ladder_id))
        }
        Err(_) if is_path(ladder_id) => catalog.open_to_others().and_then(|()| from_file(ladder_id)),
        Err(problem) => Err(problem),
    };
    ladder.map(|ladder| with_table(store, ladder))
}

/// Where the target's file of a ladder belongs, whether or not it is there; None for a ladder of nothing.
///
/// # Errors
/// [`Code::NoSuchLadder`].
pub fn target_place(catalog: &Catalog, store: &ModelStore, ladder_id: &str) -> Result<Option<PathBuf>, Problem> {
    match catalog.models_of(ladder_id) {
        Ok(models) => Ok(models.first().map(|target| store.place(&target.sha256))),
        Err(_) if is_path(ladder_id) => Ok(Some(absolute(ladder_id))),
        Err(problem) => Err(problem),
    }
}

fn absolute(path: &str) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}

/// Whether a person means a file: they name one that is there, or write what no id of a catalogue looks like.
pub fn is_path(text: &str) -> bool {
    let path = Path::new(text);
    let gguf = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
    gguf || text.contains(std::path::is_separator) || path.is_file()
}

fn from_catalogue(catalog: &Catalog, store: &ModelStore, entry: &LadderEntry) -> Result<Ladder, Problem> {
    // What nobody offers can be neither fetched with the others nor made of them.
    let remakes = catalog.remakes(store, &entry.id)?;
    if !remakes.is_empty() {
        return Err(Problem::new(Code::NotInstalled).with("ladder", &entry.id));
    }
    let rungs = entry.rungs.iter().map(|id| rung(store, catalog.model(id)?, &entry.id)).collect::<Result<_, _>>()?;
    let LadderEntry { max_gram, lenience, by_text, .. } = *entry;
    Ok(Ladder { id: entry.id.clone(), rungs, max_gram, k: entry.k.clone(), lenience, table: None, by_text })
}

/// With the table that was counted for its target, if there is one.
fn with_table(store: &ModelStore, ladder: Ladder) -> Ladder {
    let table = ladder.rungs.first().and_then(|target| store.table_of(&target.path));
    Ladder { table, ..ladder }
}

fn rung(store: &ModelStore, model: &ModelEntry, ladder: &str) -> Result<Rung, Problem> {
    let path = store.place(&model.sha256);
    if !path.exists() {
        return Err(model.missing(ladder));
    }
    let whole = match check_header(&path) {
        Ok(header) => header.file_bytes == model.bytes,
        Err(problem) if problem.code == Code::ModelUnreadable => return Err(problem),
        // Whatever is wrong with it: it is known what it should be, and where that comes from.
        Err(problem) => {
            tracing::warn!(code = %problem.code, "a model of the catalogue is damaged");
            false
        }
    };
    if !whole {
        return Err(store.refuse(&path, model));
    }
    store.assure(model, &AtomicBool::new(false))?;
    Ok(Rung { name: model.name.clone(), path })
}

/// The ladder with the models of GGUF `files` as its drafts, largest first, in place of its own.
///
/// # Errors
/// Those of [`check_header`].
pub fn with_drafts(ladder: Ladder, files: &[PathBuf]) -> Result<Ladder, Problem> {
    if files.is_empty() {
        return Ok(ladder);
    }
    let mut rungs: Vec<Rung> = ladder.rungs.into_iter().take(1).collect();
    for file in files {
        let Rung { name, path } = rung_of(&std::path::absolute(file).unwrap_or_else(|_| file.clone()))?;
        // Receipts and tables tell rungs by their names, and a file of another quantization often says the same of itself.
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let names = [name.clone(), format!("{name} ({stem})"), format!("{name} ({})", path.display())];
        let is_new = |name: &&String| rungs.iter().all(|rung| rung.name != **name);
        let name = names.iter().find(is_new).unwrap_or(&names[2]).clone();
        rungs.push(Rung { name, path });
    }
    let size = rungs.len() - 1 + usize::from(ladder.max_gram);
    let row = |reviewer| (0..size).map(|drafter| if drafter < reviewer { 0 } else { EACH }).collect();
    let k = (0..size).map(row).collect();
    Ok(Ladder { rungs, k, ..ladder })
}

/// A model by its file.
fn rung_of(path: &Path) -> Result<Rung, Problem> {
    let header = check_header(path)?;
    if let Some((part, count)) = header.part {
        let reason = format!(
            "it is part {part} of {count} of a model: “taki models add” joins them, and so does “Add a file” in the window"
        );
        return Err(Problem::new(Code::FileUnusable).with("path", path.display()).with("reason", reason));
    }
    let stem = || path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Rung { name: header.name.unwrap_or_else(stem), path: path.to_owned() })
}

fn from_file(text: &str) -> Result<Ladder, Problem> {
    Ok(Ladder {
        id: text.to_owned(),
        rungs: vec![rung_of(&absolute(text))?],
        max_gram: true,
        k: vec![vec![ALONE]],
        lenience: 1.0,
        table: None,
        by_text: false,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::sample::Gguf;

    fn small_catalog(target: &[u8], draft: &[u8]) -> Catalog {
        let model = |id: &str, contents: &[u8]| {
            let entry = crate::sample::entry(id, contents, Vec::new());
            format!(
                "[[model]]\nid='{id}'\nname='{}'\nfile='{}'\nbytes={}\nsha256='{}'\nlicence={{spdx='MIT',url=''}}\n\
                 [[model.source]]\nkind='python_packages'\npackage='p'\nversion='1'\nentry='e'\n",
                entry.name, entry.file, entry.bytes, entry.sha256
            )
        };
        Catalog::parse(&format!(
            "{}{}[[ladder]]\nid='l'\nname='L'\ndescription={{en='',ja=''}}\nrungs=['big','small']\nmax_gram=true\n\
             k=[[2,1],[0,3]]\nlenience=1.5\n",
            model("big", target),
            model("small", draft)
        ))
        .unwrap()
    }

    fn files() -> (Vec<u8>, Vec<u8>) {
        let draft = Gguf::small().bytes();
        let mut target = Gguf { data: 4096, ..Gguf::small() }.bytes();
        target.extend([1, 2, 3]);
        (target, draft)
    }

    #[test]
    fn drafts_of_ones_own_take_the_place_of_the_ladders() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (target, draft) = files();
        fs::write(at("target.gguf"), target).unwrap();
        fs::write(at("q4.gguf"), &draft).unwrap();
        fs::write(at("q2.gguf"), draft).unwrap();
        let ladder = from_file(&at("target.gguf").display().to_string()).unwrap();
        let alone = with_drafts(ladder.clone(), &[]).unwrap();
        assert_eq!((alone.rungs.len(), alone.k), (1, vec![vec![ALONE]]));
        let ladder = with_drafts(ladder, &[at("q4.gguf"), at("q2.gguf")]).unwrap();
        let mut names: Vec<_> = ladder.rungs.iter().map(|rung| rung.name.clone()).collect();
        names.dedup();
        assert_eq!((names.len(), ladder.k), (3, vec![vec![4, 4, 4], vec![0, 4, 4], vec![0, 0, 4]]));
        let missing = with_drafts(alone_again(&at("target.gguf")), &[at("none.gguf")]).unwrap_err();
        assert_eq!(missing.code, Code::ModelUnreadable);
    }

    fn alone_again(path: &Path) -> Ladder {
        from_file(&path.display().to_string()).unwrap()
    }

    #[test]
    fn a_ladder_resolves_once_all_its_files_are_there() {
        let (target, draft) = files();
        let catalog = small_catalog(&target, &draft);
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().to_owned()).unwrap();
        let problem = resolve(&catalog, &store, "l").unwrap_err();
        assert_eq!((problem.code, problem.details["ladder"].as_str()), (Code::NotInstalled, "l"));
        fs::write(store.place(&catalog.model("big").unwrap().sha256), &target).unwrap();
        assert_eq!(resolve(&catalog, &store, "l").unwrap_err().code, Code::NotInstalled);
        fs::write(store.place(&catalog.model("small").unwrap().sha256), &draft).unwrap();
        let ladder = resolve(&catalog, &store, "l").unwrap();
        assert_eq!(
            ladder.rungs.iter().map(|rung| rung.name.as_str()).collect::<Vec<_>>(),
            ["Model big", "Model small"]
        );
        assert_eq!((ladder.k, ladder.lenience, ladder.max_gram), (vec![vec![2, 1], vec![0, 3]], 1.5, true));
        assert_eq!(ladder.table, None);
        let table = store.keep_table(&ladder.rungs[0].path, b"").unwrap();
        assert_eq!(resolve(&catalog, &store, "l").unwrap().table, Some(table));
    }

    #[test]
    fn a_bad_file_in_the_store_is_set_aside_and_can_be_fetched_again() {
        let (target, draft) = files();
        let catalog = small_catalog(&target, &draft);
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().to_owned()).unwrap();
        let big = catalog.model("big").unwrap();
        let mut flipped = target.clone();
        flipped[target.len() - 9] ^= 1;
        for contents in
            [flipped, Vec::new(), target[..100].to_vec(), vec![9; target.len()], target[..target.len() - 1].to_vec()]
        {
            fs::write(store.place(&big.sha256), contents).unwrap();
            assert_eq!(resolve(&catalog, &store, "l").unwrap_err().code, Code::ModelDamaged);
            assert_eq!(resolve(&catalog, &store, "l").unwrap_err().code, Code::NotInstalled);
        }
    }

    #[test]
    fn any_gguf_file_is_a_ladder_of_one_rung() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("models")).unwrap();
        let path = folder.path().join("mine.GGUF");
        fs::write(&path, Gguf::small().bytes()).unwrap();
        let ladder = resolve(&Catalog::builtin(), &store, path.to_str().unwrap()).unwrap();
        assert_eq!((ladder.rungs[0].name.as_str(), ladder.rungs.len(), ladder.max_gram), ("Tiny 滝", 1, true));
        assert_eq!(ladder.rungs[0].path, path);
        let other = folder.path().join("model.bin");
        fs::copy(&path, &other).unwrap();
        assert!(resolve(&Catalog::builtin(), &store, other.to_str().unwrap()).is_ok(), "whatever it is called");
        let missing = resolve(&Catalog::builtin(), &store, "./model.bin").unwrap_err();
        assert_eq!(missing.code, Code::ModelUnreadable, "it is no name of a ladder");
        let mut part = Gguf::small();
        part.pairs.push(crate::sample::pair("split.count", 2, &3_u16.to_le_bytes()));
        fs::write(&path, part.bytes()).unwrap();
        let of_several = resolve(&Catalog::builtin(), &store, path.to_str().unwrap()).unwrap_err();
        assert!(of_several.details["reason"].contains("part 1 of 3"), "{of_several:?}");
        fs::write(&path, b"no").unwrap();
        assert_eq!(resolve(&Catalog::builtin(), &store, path.to_str().unwrap()).unwrap_err().code, Code::NotGguf);
        assert!(path.exists(), "the user's own file stays where it is");
    }
}
