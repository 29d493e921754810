//! What llama.cpp, and the system, say of files of modules that are not in use.

use std::ffi::{CStr, CString, c_int, c_void};
use std::path::Path;
use std::ptr::NonNull;

use protocol::worker::{RatedModule, RefusedModule};

/// How the files of modules begin, those for processors, and what is for no card.
const MODULE: &str = "libggml-";
const FOR_PROCESSORS: &str = "libggml-cpu-";
const FOR_NO_CARD: [&str; 3] = ["libggml-cpu", "libggml-rpc", "libggml-base"];

/// The modules for processors in `folder`, the best for this one first, as llama.cpp itself rates them to choose one.
pub(super) fn rated(folder: &Path) -> Vec<RatedModule> {
    let files = modules(folder).into_iter().filter(|file| file.starts_with(FOR_PROCESSORS));
    let mut rated: Vec<RatedModule> = files
        .filter_map(|file| {
            let score = Library::open(&folder.join(&file)).ok()?.score()?;
            Some(RatedModule { file, score })
        })
        .collect();
    rated.sort_by(|one, other| (other.score, &one.file).cmp(&(one.score, &other.file)));
    rated
}

/// The modules for cards in `folder` that the system does not load.
pub(super) fn refused(folder: &Path) -> Vec<RefusedModule> {
    let is_for_none = |file: &str| FOR_NO_CARD.iter().any(|part| file.starts_with(part));
    let files = modules(folder).into_iter().filter(|file| !is_for_none(file));
    files
        .filter_map(|file| {
            let reason = Library::open(&folder.join(&file)).err()?;
            Some(RefusedModule { file, reason })
        })
        .collect()
}

/// The files in `folder` that llama.cpp would try, by name.
fn modules(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "so") && path.is_file());
    let mut names: Vec<String> = files
        .filter_map(|path| path.file_name()?.to_str().map(str::to_owned))
        .filter(|name| name.starts_with(MODULE))
        .collect();
    names.sort();
    names
}

/// A file of a module, loaded for as long as this is there. Once more where it is in use: then it stays.
struct Library(NonNull<c_void>);

impl Library {
    fn open(path: &Path) -> Result<Self, String> {
        let path = CString::new(path.as_os_str().as_encoded_bytes()).map_err(|error| error.to_string())?;
        // SAFETY: the path ends with a zero and lives as long as the call. What code runs as the file is loaded has run once before: llama.cpp
        // loads every file of these names as it starts, in the very same way.
        #[allow(unsafe_code)]
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        NonNull::new(handle).map(Self).ok_or_else(why)
    }

    /// What llama.cpp chooses by; None if the module does not tell.
    fn score(&self) -> Option<u32> {
        // SAFETY: the library is open for as long as `self`; the name ends with a zero.
        #[allow(unsafe_code)]
        let found = unsafe { libc::dlsym(self.0.as_ptr(), c"ggml_backend_score".as_ptr()) };
        let found = NonNull::new(found)?;
        // SAFETY: llama.cpp's modules export this name as `int ggml_backend_score(void)`, compiled for every processor, and the code stays for
        // as long as `self`.
        #[allow(unsafe_code)]
        let score = unsafe { std::mem::transmute::<*mut c_void, unsafe extern "C" fn() -> c_int>(found.as_ptr())() };
        u32::try_from(score).ok()
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: it was opened once by `open`, and nothing of it is kept.
        #[allow(unsafe_code)]
        unsafe {
            libc::dlclose(self.0.as_ptr());
        }
    }
}

/// Why the last library was not loaded, in the system's words.
fn why() -> String {
    // SAFETY: it gives nothing or a text that ends with a zero and stays until the next call of this thread.
    #[allow(unsafe_code)]
    let told = unsafe {
        let told = libc::dlerror();
        (!told.is_null()).then(|| CStr::from_ptr(told).to_string_lossy().into_owned())
    };
    told.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    /// A module whose code is `text`, made by the compiler that made llama.cpp.
    fn module(folder: &Path, file: &str, text: &str) {
        let source = folder.join("module.c");
        fs::write(&source, text).unwrap();
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-o"]).arg(folder.join(file)).arg(&source);
        assert!(compile.status().unwrap().success());
    }

    #[test]
    fn modules_for_processors_are_rated_by_themselves_and_others_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        for (name, score) in [("old", 5), ("alder", 40), ("new", 40), ("newest", 0)] {
            let text = format!("int ggml_backend_score(void) {{ return {score}; }}");
            module(at, &format!("libggml-cpu-{name}.so"), &text);
        }
        module(at, "libggml-cpu-mute.so", "int nothing;");
        module(at, "libggml-cuda.so", "int ggml_backend_score(void) { return 99; }");
        fs::write(at.join("libggml-cpu-cut.so"), "cut off").unwrap();
        fs::write(at.join("libggml-cpu-note.txt"), "no module").unwrap();
        let told: Vec<(String, u32)> = rated(at).into_iter().map(|one| (one.file, one.score)).collect();
        let expected = [("alder", 40), ("new", 40), ("old", 5), ("newest", 0)];
        assert_eq!(told, expected.map(|(name, score)| (format!("libggml-cpu-{name}.so"), score)));
        assert!(rated(&at.join("none")).is_empty());
    }

    #[test]
    fn a_card_s_module_that_the_system_does_not_load_is_told_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        module(at, "libggml-vulkan.so", "int nothing;");
        for file in ["libggml-cuda.so", "libggml-cpu-cut.so", "libggml-rpc.so", "notes.so"] {
            fs::write(at.join(file), "cut off").unwrap();
        }
        let told = refused(at);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].file == "libggml-cuda.so" && !told[0].reason.is_empty(), "{told:?}");
    }
}
