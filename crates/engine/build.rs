//! Puts llama.cpp's libraries beside the programs that use them: they are loaded by the names with a version in them, while
//! `llama-cpp-sys-2` puts there only links to those, leading nowhere (and stumbles over such a link the next time). Built with
//! `dynamic-backends`, the modules that it loads go into the folder `modules` there.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=DEP_LLAMA_GGML_CMAKE_DIR");
    // …/lib/cmake
    let Some(libraries) = env::var_os("DEP_LLAMA_GGML_CMAKE_DIR").map(PathBuf::from) else { return Ok(()) };
    let libraries = libraries.parent().ok_or("llama.cpp's libraries are nowhere")?;
    // …/release/build/engine-…/out
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let programs = out.ancestors().nth(3).ok_or("OUT_DIR is not deep enough")?;
    let folders = [programs.to_owned(), programs.join("deps"), programs.join("examples")];
    if let Some(modules) = env::var_os("DEP_LLAMA_BACKENDS_DIR").map(PathBuf::from) {
        println!("cargo:rerun-if-changed={}", modules.display());
        for entry in fs::read_dir(modules)? {
            let path = entry?.path();
            for folder in folders.iter().filter(|folder| folder.is_dir()).map(|folder| folder.join("modules")) {
                fs::create_dir_all(&folder)?;
                put(&path, &folder.join(path.file_name().unwrap_or_default()))?;
            }
        }
    }
    println!("cargo:rerun-if-changed={}", libraries.display());
    for entry in fs::read_dir(libraries)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.contains(".so.") || path.extension().is_some_and(|extension| extension == "dylib") {
            for folder in folders.iter().filter(|folder| folder.is_dir()) {
                put(&path, &folder.join(name))?;
            }
        }
    }
    Ok(())
}

/// The library itself, also where `from` is only a link to it.
fn put(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    if fs::symlink_metadata(to).is_ok() {
        fs::remove_file(to)?;
    }
    fs::hard_link(fs::canonicalize(from)?, to)?;
    Ok(())
}
