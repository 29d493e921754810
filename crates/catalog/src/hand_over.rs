//! A ladder handed on as files: its recipe, and its models beside it.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use protocol::{Code, Problem};

use crate::entry::ModelEntry;
use crate::recipe::Recipe;
use crate::store::{ModelStore, disk_full, is_full};
use crate::whole::{copied, hashed, put};

impl ModelStore {
    /// Writes `recipe` to `file`, where nothing may be yet, and with `with_models` its model files beside it. `on` is told bytes done and bytes
    /// in all. Returns how many bytes of models were written.
    ///
    /// # Errors
    /// [`Code::FolderMissing`], [`Code::FileUnusable`], [`Code::DiskFull`], those of [`ModelEntry::missing`], [`Code::ModelDamaged`] if a file
    /// is no longer what it was, [`Code::Cancelled`]. Nothing of it stays then.
    pub fn hand_over(
        &self,
        mut recipe: Recipe,
        file: &Path,
        with_models: bool,
        cancel: &AtomicBool,
        on: &mut dyn FnMut(u64, u64),
    ) -> Result<u64, Problem> {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match fs::metadata(folder) {
            Ok(about) if about.is_dir() => {}
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Err(unusable(file, &error));
            }
            _ => return Err(Problem::new(Code::FolderMissing).with("path", folder.display())),
        }
        // All that could stand in the way is looked at before a gigabyte is copied.
        let mut copies = Vec::<Copy>::new();
        let rungs = recipe.rungs.clone();
        for model in recipe.models.iter_mut().filter(|model| with_models && rungs.contains(&model.id)) {
            let from = self.file_of(&model.sha256);
            let from = from.ok_or_else(|| model.missing(&recipe.id))?;
            // Sticks do not tell small letters from large ones.
            if copies.iter().any(|copy| copy.entry.file.eq_ignore_ascii_case(&model.file)) {
                model.file = format!("{}.gguf", model.sha256);
            }
            let (to, entry) = (folder.join(&model.file), model.entry());
            let is_there = match fs::symlink_metadata(&to) {
                // Whoever was stopped in the middle has the first ones already.
                Ok(about) if about.is_file() && about.len() == entry.bytes => true,
                Ok(_) => return Err(taken(&to)),
                Err(_) => false,
            };
            copies.push(Copy { from, to, entry, is_there });
        }
        if fs::symlink_metadata(file).is_ok() {
            return Err(taken(file));
        }
        let all = copies.iter().map(|copy| copy.entry.bytes).sum::<u64>();
        let new = copies.iter().filter(|copy| !copy.is_there).map(|copy| copy.entry.bytes).sum::<u64>();
        clear(folder);
        match fs4::available_space(folder) {
            Ok(free) if free < new => return Err(disk_full(folder, new, 0, free)),
            // A system that does not tell is no reason to refuse.
            _ => {}
        }
        let mut written = Vec::<&Path>::new();
        let mut done = 0;
        let all_there = copies.iter().try_for_each(|copy| {
            let mut on = |bytes| on(done + bytes, all);
            if copy.is_there {
                let hash = hashed(&copy.to, &mut |_| Ok(()), cancel, &mut on)?;
                if hash != copy.entry.sha256 {
                    return Err(taken(&copy.to));
                }
            } else {
                self.copy(copy, cancel, &mut on, all - done)?;
                written.push(&copy.to);
            }
            done += copy.entry.bytes;
            Ok(())
        });
        // Last, so that a recipe is never there without what it names.
        let handed = all_there.and_then(|()| write_recipe(&recipe, file, false));
        if handed.is_err() {
            // Half of it helps nobody.
            for path in written {
                let _ = fs::remove_file(path);
            }
        }
        handed.map(|()| all)
    }

    /// Makes one copy, under a name of its own until it is whole: whoever is killed meanwhile leaves nothing that looks like a model. With it so many
    /// bytes are still `missing`.
    fn copy(
        &self,
        Copy { from, to, entry, .. }: &Copy,
        cancel: &AtomicBool,
        on: &mut dyn FnMut(u64),
        missing: u64,
    ) -> Result<(), Problem> {
        let folder = to.parent().unwrap_or(Path::new("."));
        let mut named = tempfile::Builder::new();
        named.prefix(PART.0).suffix(PART.1);
        #[cfg(unix)]
        named.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut part = named.tempfile_in(folder).map_err(|error| unusable(to, &error))?;
        // Held as long as somebody writes to it.
        let _ = part.as_file().try_lock();
        let unwritten = |bytes: u64, error: &io::Error| unwritten(to, missing.saturating_sub(bytes), error);
        if copied(from, part.as_file_mut(), cancel, on, &unwritten)? != entry.sha256 {
            return Err(self.refuse(from, entry));
        }
        // Nothing takes the place of what came there meanwhile.
        let kept = part.persist_noclobber(to).or_else(|kept| match kept.error.kind() {
            ErrorKind::AlreadyExists => Err(taken(to)),
            // A stick whose file system cannot promise that.
            _ if fs::symlink_metadata(to).is_err() => kept.file.persist(to).map_err(|kept| unusable(to, &kept.error)),
            _ => Err(taken(to)),
        });
        kept.map(|_| ())
    }
}

/// How names of files begin and end that are not whole yet.
const PART: (&str, &str) = ("taki-", ".part");

/// Takes away what somebody left there who was killed.
fn clear(folder: &Path) {
    let is_part = |name: &str| name.starts_with(PART.0) && name.ends_with(PART.1);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_part =
            entry.file_name().to_str().is_some_and(is_part) && entry.file_type().is_ok_and(|kind| kind.is_file());
        let left = is_part.then(|| File::open(entry.path()).ok()).flatten();
        if left.is_some_and(|left| left.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Writes `recipe` to `file`, wholly or not at all: where `over`, in the place of the file that may be there.
///
/// # Errors
/// [`Code::FileUnusable`], [`Code::DiskFull`]: what was there is there still.
pub fn write_recipe(recipe: &Recipe, file: &Path, over: bool) -> Result<(), Problem> {
    let text = recipe.to_toml()?;
    let unwritten = |error: io::Error| unwritten(file, text.len() as u64, &error);
    // A link goes on leading to it.
    if let Some(there) = fs::canonicalize(file).ok().filter(|there| over && there.is_file()) {
        return put(&there, text.as_bytes()).map_err(unwritten);
    }
    let mut new = File::create_new(file).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => taken(file),
        _ => unusable(file, &error),
    })?;
    new.write_all(text.as_bytes()).and_then(|()| new.sync_all()).map_err(|error| {
        // Half of it helps nobody.
        let _ = fs::remove_file(file);
        unwritten(error)
    })
}

/// A model file on its way.
struct Copy {
    from: PathBuf,
    to: PathBuf,
    entry: ModelEntry,
    /// A file of that name and size is there, which may be it.
    is_there: bool,
}

/// The problem of a file that could not be written to its end; `bytes` of it and of what was to follow are missing.
fn unwritten(path: &Path, bytes: u64, error: &io::Error) -> Problem {
    if !is_full(error) {
        return unusable(path, error);
    }
    let folder = path.parent().unwrap_or(path);
    disk_full(folder, bytes, 0, fs4::available_space(folder).unwrap_or(0))
}

fn taken(path: &Path) -> Problem {
    unusable(path, &"there is a file of that name already")
}

fn unusable(path: &Path, reason: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::FileUnusable).with("path", path.display()).with("reason", reason)
}

#[cfg(test)]
mod tests {
    use protocol::Language;

    use super::*;
    use crate::recipe::RecipeModel;
    use crate::recipes::read;
    use crate::sample::entry;

    #[test]
    fn a_ladder_is_handed_on_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("models")).unwrap();
        let models = [entry("big", b"larger", Vec::new()), entry("small", b"less", Vec::new())];
        for (model, contents) in models.iter().zip([&b"larger"[..], b"less"]) {
            fs::write(store.place(&model.sha256), contents).unwrap();
        }
        let recipe = Recipe::new("L", models.iter().map(RecipeModel::of).collect()).unwrap();
        let stick = folder.path().join("stick");
        fs::create_dir(&stick).unwrap();
        let names = || {
            let mut names: Vec<_> = fs::read_dir(&stick).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let file = stick.join("l.toml");
        let go = AtomicBool::new(false);
        let over = |with, cancel: &AtomicBool| store.hand_over(recipe.clone(), &file, with, cancel, &mut |_, _| {});
        let nowhere = store.hand_over(recipe.clone(), &folder.path().join("none/l.toml"), true, &go, &mut |_, _| {});
        let (nowhere, none) = (nowhere.unwrap_err(), folder.path().join("none").display().to_string());
        assert_eq!((nowhere.code, &nowhere.details["path"]), (Code::FolderMissing, &none));
        // Whoever runs the tests may look into every folder: where this one leads to nobody can tell.
        #[cfg(unix)]
        {
            let round = folder.path().join("round");
            std::os::unix::fs::symlink(&round, &round).unwrap();
            let odd = store.hand_over(recipe.clone(), &round.join("l.toml"), true, &go, &mut |_, _| {}).unwrap_err();
            assert_eq!(odd.code, Code::FileUnusable, "it is not said that it is not there: {odd:?}");
        }
        // Left by somebody who was killed, and written by somebody who was not.
        fs::write(stick.join("taki-a1b2c3.part"), b"lar").unwrap();
        let others = stick.join("taki-d4e5f6.part");
        let at_work = File::create(&others).unwrap();
        at_work.try_lock().unwrap();
        assert_eq!(over(true, &AtomicBool::new(true)).unwrap_err().code, Code::Cancelled);
        assert_eq!(names(), ["taki-d4e5f6.part"], "what was stopped leaves nothing");
        drop(at_work);
        // The first one is there from then.
        fs::write(stick.join("big.gguf"), b"larger").unwrap();
        assert_eq!(over(true, &go), Ok(10));
        assert_eq!(names(), ["big.gguf", "l.toml", "small.gguf"]);
        assert_eq!(read(&file).unwrap(), recipe);
        assert_eq!(fs::read(stick.join("big.gguf")).unwrap(), b"larger");
        assert_eq!(over(true, &go).unwrap_err().code, Code::FileUnusable, "nothing is written over");
        fs::remove_file(&file).unwrap();
        fs::write(stick.join("big.gguf"), b"lurker").unwrap();
        let other = over(true, &go).unwrap_err();
        assert!(other.details["path"].ends_with("big.gguf"), "{other:?}");
        assert_eq!(fs::read(stick.join("big.gguf")).unwrap(), b"lurker");
        assert_eq!(names(), ["big.gguf", "small.gguf"]);
        for name in names() {
            fs::remove_file(stick.join(name)).unwrap();
        }
        assert_eq!(over(false, &go), Ok(0));
        fs::remove_file(&file).unwrap();
        fs::write(store.place(&models[1].sha256), b"lost").unwrap();
        assert_eq!(over(true, &go).unwrap_err().code, Code::OwnDamaged);
        assert!(names().is_empty() && store.file_of(&models[1].sha256).is_none(), "it is set aside");
    }

    #[test]
    fn names_that_a_stick_takes_for_one_become_two() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::open(folder.path().join("models")).unwrap();
        let mut models = [entry("big", b"larger", Vec::new()), entry("small", b"less", Vec::new())];
        for (model, (file, contents)) in models.iter_mut().zip([("M.gguf", &b"larger"[..]), ("m.gguf", b"less")]) {
            file.clone_into(&mut model.file);
            fs::write(store.place(&model.sha256), contents).unwrap();
        }
        let recipe = Recipe::new("L", models.iter().map(RecipeModel::of).collect()).unwrap();
        let file = folder.path().join("l.toml");
        store.hand_over(recipe, &file, true, &AtomicBool::new(false), &mut |_, _| {}).unwrap();
        let files: Vec<_> = read(&file).unwrap().models.into_iter().map(|model| model.file).collect();
        assert_eq!(files, ["M.gguf".to_owned(), format!("{}.gguf", models[1].sha256)]);
        assert_eq!(fs::read(folder.path().join(&files[1])).unwrap(), b"less");
    }

    #[test]
    fn a_recipe_takes_the_place_of_another_wholly_and_only_where_that_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("l.toml");
        let recipe = |name: &str| Recipe::new(name, vec![RecipeModel::of(&entry("m", b"w", Vec::new()))]).unwrap();
        write_recipe(&recipe("First"), &file, true).unwrap();
        assert_eq!(write_recipe(&recipe("Second"), &file, false).unwrap_err().code, Code::FileUnusable);
        assert_eq!(read(&file).unwrap(), recipe("First"));
        // Whoever reads it just then has the whole of it.
        let mut before = File::open(&file).unwrap();
        #[cfg(unix)]
        let link = {
            use std::os::unix::fs::{PermissionsExt, symlink};
            fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).unwrap();
            symlink(&file, folder.path().join("link.toml")).unwrap();
            folder.path().join("link.toml")
        };
        #[cfg(not(unix))]
        let link = file.clone();
        write_recipe(&recipe("Second"), &link, true).unwrap();
        assert_eq!(read(&file).unwrap(), recipe("Second"));
        let mut old = String::new();
        std::io::Read::read_to_string(&mut before, &mut old).unwrap();
        assert_eq!(Recipe::parse(&old, "here").unwrap(), recipe("First"));
        #[cfg(unix)]
        {
            let rights = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
            assert_eq!(rights & 0o777, 0o664, "it can be read by whoever could read the other");
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        }
        assert_eq!(write_recipe(&recipe("Third"), folder.path(), true).unwrap_err().code, Code::FileUnusable);
        let nowhere = write_recipe(&recipe("Third"), &folder.path().join("none/l.toml"), true).unwrap_err();
        assert_eq!(nowhere.code, Code::FileUnusable, "no folder is made for it");
    }

    #[test]
    fn what_cannot_be_written_is_told_of_the_place_where_it_was_to_be() {
        let stick = tempfile::tempdir().unwrap();
        let path = stick.path().join("big.gguf");
        fs::write(&path, b"half of it").unwrap();
        let full = unwritten(&path, 7, &ErrorKind::StorageFull.into());
        assert_eq!((full.code, full.details["size"].as_str()), (Code::DiskFull, "7 bytes"));
        assert_eq!(full.details["path"], stick.path().display().to_string());
        // A stick whose format knows no files above 4 GB.
        let other = unwritten(&path, 7, &ErrorKind::FileTooLarge.into());
        assert_eq!((other.code, &other.details["path"]), (Code::FileUnusable, &path.display().to_string()));
        assert!(other.sentence(Language::English).contains("holds no file of this size"), "{other:?}");
        assert!(other.sentence(Language::Japanese).contains("この大きさのファイル"), "{other:?}");
    }
}
