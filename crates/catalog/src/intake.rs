//! Model files on their way into the store: a person's own, what was made here, and what lies beside a recipe.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use protocol::{Code, Problem};

use crate::entry::{MadeFrom, Sha256};
use crate::fetch::file_in;
use crate::header::{Header, check_header};
use crate::join::Parts;
use crate::manifest::Catalog;
use crate::mark::Mark;
use crate::own::about;
use crate::recipe::{Recipe, RecipeModel};
use crate::store::{ModelStore, unwritable};
use crate::whole::{copied, hashed, unreadable};
use crate::workplace::Workplace;

impl ModelStore {
    /// Takes the GGUF file at `path` in under its hash: by a link if it lies on the same disk, so that it takes no space twice, or as a
    /// copy. The first of several files is joined with the others beside it. `on` is told bytes done and bytes in all. `made_from` is
    /// of what it was made here.
    ///
    /// # Errors
    /// Those of [`check_header`]; [`Code::ModelRefused`] with what it is if it does not write text by itself; [`Code::FileUnusable`] for a part without the others; [`Code::DiskFull`],
    /// [`Code::FolderUnwritable`], [`Code::Cancelled`].
    pub fn take_in(
        &self,
        path: &Path,
        made_from: Option<MadeFrom>,
        cancel: &AtomicBool,
        on: &mut dyn FnMut(u64, u64),
    ) -> Result<RecipeModel, Problem> {
        // Before a gigabyte is read for nothing.
        let header = check_header(path)?;
        is_a_writer(&header, path)?;
        let staged = match header.part {
            Some((1, count)) => self.join(path, count, cancel, on)?,
            Some(_) => return Err(Problem::new(Code::FurtherPart).with("path", path.display())),
            None => self.stage(path, cancel, on)?,
        };
        let header = check_header(&staged.path())?;
        is_a_writer(&header, path)?;
        let model = self.told_apart(&about(&header, path, staged.hash.clone(), made_from));
        self.settle(&staged, &model)?;
        Ok(model)
    }

    /// Takes in those models of a recipe that are not here and lie beside `file`, the one it came in. `on` is told bytes done and bytes
    /// in all, of each. Returns how many bytes are missing then.
    ///
    /// # Errors
    /// [`Code::NotAsNamed`] if a file is another one than it should be; those of [`take_in`](Self::take_in).
    pub fn take_beside(
        &self,
        recipe: &Recipe,
        file: &Path,
        cancel: &AtomicBool,
        on: &mut dyn FnMut(u64, u64),
    ) -> Result<u64, Problem> {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        self.check_sizes(recipe, file)?;
        let mut missing = 0;
        for model in recipe.in_rungs().filter(|model| self.file_of(&model.sha256).is_none()) {
            let Some(path) = file_in(folder, &model.entry()) else {
                missing += model.bytes;
                continue;
            };
            check_header(&path)?;
            let staged = self.stage(&path, cancel, on)?;
            if staged.hash != model.sha256 || staged.bytes != model.bytes {
                return Err(Problem::new(Code::NotAsNamed).with("path", path.display()).with("name", &model.name));
            }
            check_header(&staged.path())?;
            self.settle(&staged, &self.told_apart(model))?;
        }
        Ok(missing)
    }

    /// A file has one size: a recipe that tells another one than is known would be no ladder.
    fn check_sizes(&self, recipe: &Recipe, file: &Path) -> Result<(), Problem> {
        let builtin = Catalog::builtin();
        for model in &recipe.models {
            let here = self.file_of(&model.sha256).and_then(|path| Some(fs::metadata(path).ok()?.len()));
            let known = builtin.models().iter().find(|known| known.sha256 == model.sha256).map(|known| known.bytes);
            if here.or(known).is_some_and(|bytes| bytes != model.bytes) {
                let reason = format!("the file of “{}” has another size than it tells", model.id);
                return Err(Problem::new(Code::FileUnusable).with("path", file.display()).with("reason", reason));
            }
        }
        Ok(())
    }

    /// Puts the file where nobody else looks, and reads it there.
    fn stage(&self, path: &Path, cancel: &AtomicBool, on: &mut dyn FnMut(u64, u64)) -> Result<Staged, Problem> {
        let bytes = fs::metadata(path).map_err(|error| unreadable(path, &error))?.len();
        let place = self.room_for(0)?;
        let own = place.path();
        // What turns out to be a link itself would follow wherever that leads later.
        let is_linked =
            fs::hard_link(path, &own).is_ok() && fs::symlink_metadata(&own).is_ok_and(|about| about.is_file());
        if !is_linked {
            let _ = fs::remove_file(&own);
            let place = self.room_for(bytes)?;
            let refused = |error: std::io::Error| unwritable(self.root(), &error);
            let mut file = fs::File::create_new(place.path()).map_err(refused)?;
            let unwritten = |done: u64, error: &std::io::Error| self.unwritten(bytes.saturating_sub(done), error);
            let hash = copied(path, &mut file, cancel, &mut |done| on(done, bytes), &unwritten)?;
            return Ok(Staged { bytes: file.metadata().map_err(refused)?.len(), place, hash });
        }
        // What was written just now must be on the disk before it is called whole; what somebody still writes is not.
        fs::File::open(&own).and_then(|file| file.sync_all()).map_err(|error| unreadable(path, &error))?;
        let before = Mark::of_contents(&own);
        let hash = hashed(&own, &mut |_| Ok(()), cancel, &mut |done| on(done, bytes))?;
        if Mark::of_contents(&own) != before {
            return Err(unreadable(path, &std::io::Error::other("it was changed while it was read")));
        }
        Ok(Staged { place, hash, bytes })
    }

    /// The same for the first of `count` files, with the others.
    fn join(
        &self,
        first: &Path,
        count: u64,
        cancel: &AtomicBool,
        on: &mut dyn FnMut(u64, u64),
    ) -> Result<Staged, Problem> {
        let parts = Parts::beside(first, count)?;
        let (bytes, place) = (parts.bytes, self.room_for(parts.bytes)?);
        let hash = parts.write(self, &place.path(), cancel, &mut |done| on(done, bytes))?;
        Ok(Staged { place, hash, bytes })
    }

    /// Moves a file that was read into the store, with a note of what it is.
    fn settle(&self, staged: &Staged, model: &RecipeModel) -> Result<(), Problem> {
        // Also where there is one of that name: this one was just read.
        self.install(&staged.path(), &staged.hash)?;
        // What was known of it stays: its id may be in use. Of what it was made may not have been known.
        match self.noted(&model.sha256) {
            Some(mut known) if known.made_from.is_none() && model.made_from.is_some() => {
                known.made_from.clone_from(&model.made_from);
                self.note(&known)
            }
            None if !self.note_of(&model.sha256).is_file() => self.note(model),
            _ => Ok(()),
        }
    }
}

/// A file on its way in.
struct Staged {
    place: Workplace,
    hash: Sha256,
    bytes: u64,
}

impl Staged {
    fn path(&self) -> PathBuf {
        self.place.path()
    }
}

/// Refuses what cannot answer or draft.
pub(crate) fn is_a_writer(header: &Header, path: &Path) -> Result<(), Problem> {
    let refused =
        |reason: &str| Err(Problem::new(Code::ModelRefused).with("path", path.display()).with("reason", reason));
    header.kind.instead().map_or(Ok(()), refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Gguf, entry, pair, store, take, text};

    #[test]
    fn a_file_of_ones_own_is_taken_in_once_and_stays_when_the_other_is_deleted() {
        let (folder, store) = store();
        let path = folder.path().join("My Model (滝).gguf");
        fs::write(&path, Gguf::small().bytes()).unwrap();
        let mut told = Vec::new();
        let model =
            store.take_in(&path, None, &AtomicBool::new(false), &mut |done, all| told.push((done, all))).unwrap();
        assert_eq!(
            (model.name.as_str(), model.id.as_str(), model.file.as_str()),
            ("Tiny 滝", "my-model", "my-model.gguf")
        );
        assert_eq!(told.last(), Some(&(model.bytes, model.bytes)));
        assert_eq!(take(&store, &path).unwrap(), model);
        // A damaged one in its place is as long.
        fs::remove_file(store.place(&model.sha256)).unwrap();
        fs::write(store.place(&model.sha256), vec![0; model.bytes as usize]).unwrap();
        assert_eq!(take(&store, &path).unwrap(), model);
        assert_eq!(fs::read(store.place(&model.sha256)).unwrap(), Gguf::small().bytes());
        fs::remove_file(&path).unwrap();
        assert_eq!(store.own_models(), (vec![model.clone()], Vec::new()));
        assert_eq!(store.path_of(&model.entry()), Some(store.place(&model.sha256)));
        store.remove(&model.sha256).unwrap();
        store.remove(&model.sha256).unwrap();
        assert_eq!(store.own_models(), (Vec::new(), Vec::new()));
        assert_eq!(fs::read_dir(store.staging()).unwrap().count(), 0);
    }

    #[test]
    fn of_what_a_file_was_made_is_learned_later_too() {
        let (folder, store) = store();
        let path = folder.path().join("mine.gguf");
        fs::write(&path, Gguf::small().bytes()).unwrap();
        let mut known = take(&store, &path).unwrap();
        let from = MadeFrom::new("Big".to_owned(), Sha256::parse(&"b".repeat(64)).unwrap(), "Q2_K");
        store.take_in(&path, Some(from.clone()), &AtomicBool::new(false), &mut |_, _| {}).unwrap();
        known.made_from = Some(from);
        assert_eq!(store.own_models().0, std::slice::from_ref(&known), "it is called as before");
        take(&store, &path).unwrap();
        assert_eq!(store.own_models().0, [known]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_once_and_copied() {
        let (folder, store) = store();
        let (path, link) = (folder.path().join("a.gguf"), folder.path().join("b.gguf"));
        fs::write(&path, Gguf::small().bytes()).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let model = take(&store, &link).unwrap();
        fs::write(&path, b"something else").unwrap();
        assert_eq!(fs::read(store.place(&model.sha256)).unwrap(), Gguf::small().bytes());
    }

    #[test]
    fn a_file_that_somebody_links_to_meanwhile_is_not_changed_by_that() {
        let (folder, store) = store();
        let path = folder.path().join("m.gguf");
        fs::write(&path, Gguf::small().bytes()).unwrap();
        let mut link = |_, _| drop(fs::hard_link(&path, folder.path().join("other.gguf")));
        assert!(store.take_in(&path, None, &AtomicBool::new(false), &mut link).is_ok());
        // Once: what grows as it is read has no end.
        let mut file = Some(fs::File::options().append(true).open(&path).unwrap());
        let mut changes = |_, _| {
            if let Some(mut file) = file.take() {
                std::io::Write::write_all(&mut file, b"more").unwrap();
            }
        };
        let (_other, elsewhere) = self::store();
        let problem = elsewhere.take_in(&path, None, &AtomicBool::new(false), &mut changes).unwrap_err();
        assert_eq!(problem.code, Code::ModelUnreadable);
    }

    #[test]
    fn what_writes_no_text_is_refused_as_what_it_is() {
        let (folder, store) = store();
        let path = folder.path().join("m.gguf");
        let of = |change: &dyn Fn(&mut Gguf)| {
            let mut gguf = Gguf::small();
            change(&mut gguf);
            fs::write(&path, gguf.bytes()).unwrap();
            take(&store, &path).unwrap_err()
        };
        let named =
            |name: &'static str| move |gguf: &mut Gguf| gguf.pairs[0] = pair("general.architecture", 8, &text(name));
        for (problem, word) in [
            (of(&named("bert")), "searching"),
            (of(&named("clip")), "eyes"),
            (of(&named("wavtokenizer-dec")), "speech"),
            (of(&named("t5")), "one half"),
            (of(&|gguf| gguf.pairs.push(pair("split.count", 4, &3_u32.to_le_bytes()))), "the first of 3 parts"),
        ] {
            assert!(matches!(problem.code, Code::ModelRefused | Code::FileUnusable), "{problem:?}");
            assert!(problem.details["reason"].contains(word), "{problem:?}");
        }
        fs::write(&path, b"no").unwrap();
        assert_eq!(take(&store, &path).unwrap_err().code, Code::NotGguf);
        fs::write(&path, Gguf::small().bytes()).unwrap();
        let stopped = store.take_in(&path, None, &AtomicBool::new(true), &mut |_, _| {}).unwrap_err();
        assert_eq!(stopped.code, Code::Cancelled);
        assert_eq!((store.own_models().0.len(), fs::read_dir(store.staging()).unwrap().count()), (0, 0));
    }

    #[test]
    fn what_lies_beside_a_recipe_is_taken_in_if_it_is_that_very_file() {
        let (folder, store) = store();
        let file = folder.path().join("tiny.gguf");
        fs::write(&file, Gguf::small().bytes()).unwrap();
        let (_elsewhere, other) = self::store();
        let model = take(&other, &file).unwrap();
        let recipe = Recipe::new("R", vec![model.clone()]).unwrap();
        let beside = |recipe: &Recipe| {
            store.take_beside(recipe, &folder.path().join("r.toml"), &AtomicBool::new(false), &mut |_, _| {})
        };
        let mut renamed = model.clone();
        renamed.file = "elsewhere.gguf".to_owned();
        assert_eq!(beside(&Recipe::new("R", vec![renamed]).unwrap()).unwrap(), model.bytes);
        let mut changed = Gguf::small().bytes();
        *changed.last_mut().unwrap() ^= 1;
        fs::write(&file, changed).unwrap();
        assert_eq!(beside(&recipe).unwrap_err().code, Code::NotAsNamed);
        assert_eq!(store.file_of(&model.sha256), None);
        fs::remove_file(&file).unwrap();
        let named_by_hash = folder.path().join(format!("{}.gguf", model.sha256));
        fs::write(named_by_hash, Gguf::small().bytes()).unwrap();
        let draft = RecipeModel::of(&entry("draft", b"weights", Vec::new()));
        let both = Recipe::new("Both", vec![model.clone(), draft]).unwrap();
        assert_eq!(beside(&both).unwrap(), 7, "what is there need not come again");
        assert!(store.file_of(&model.sha256).is_some());
        assert_eq!(beside(&recipe).unwrap(), 0);
        assert_eq!(store.own_models().0, [model], "it is in the list, whatever becomes of the ladder");
    }
}
