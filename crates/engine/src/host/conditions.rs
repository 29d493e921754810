use std::path::Path;
use std::time::UNIX_EPOCH;

use protocol::ladder::{EngineSettings, Ladder};
use protocol::learned::{Conditions, FileMark};
use sysinfo::{CpuRefreshKind, RefreshKind, System};

/// Version of the library that computes; a test holds it against what is built.
const LLAMA: &str = "0.1.160";

/// Compiled for every processor it is not as fast as for the very one it runs on.
const MODULES: &str = if cfg!(feature = "dynamic-backends") { " in modules" } else { "" };

/// What figures measured with `ladder` under `settings` hold for, on this computer.
pub fn conditions(ladder: &Ladder, settings: EngineSettings) -> Conditions {
    Conditions {
        program: format!("taki {}, llama-cpp-2 {LLAMA}{MODULES}", env!("CARGO_PKG_VERSION")),
        processor: processor(),
        files: ladder.rungs.iter().map(|rung| mark(&rung.path)).collect(),
        exact: settings.exact,
        threads: settings.threads,
        cache: settings.cache,
        gpu_layers: settings.gpu_layers,
        drafts_on_processor: settings.drafts_on_processor,
    }
}

/// The processor's name and how many threads this process may use.
pub(super) fn processor() -> String {
    let kind = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
    let system = System::new_with_specifics(kind).ok();
    let name = system.as_ref().and_then(|system| system.cpus().first()).map_or("", |cpu| cpu.brand().trim());
    format!("{name} ×{}", num_cpus::get())
}

fn mark(path: &Path) -> FileMark {
    let about = std::fs::metadata(path).ok();
    let modified = about.as_ref().and_then(|about| about.modified().ok()?.duration_since(UNIX_EPOCH).ok());
    FileMark {
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        bytes: about.map_or(0, |about| about.len()),
        modified: modified.map_or(0, |since| since.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ladder::Rung;

    #[test]
    fn the_librarys_version_is_the_one_that_is_built() {
        let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock")).unwrap();
        assert!(lock.contains(&format!("name = \"llama-cpp-2\"\nversion = \"{LLAMA}\"")), "{LLAMA}");
    }

    #[test]
    fn another_file_or_mode_is_another_condition() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gguf");
        std::fs::write(&path, b"one").unwrap();
        let rungs = vec![Rung { name: "A".to_owned(), path: path.clone() }];
        let ladder = Ladder {
            id: "a".to_owned(),
            rungs,
            max_gram: true,
            k: vec![vec![8]],
            lenience: 1.0,
            table: None,
            by_text: false,
        };
        let fast = EngineSettings::default();
        let before = conditions(&ladder, fast);
        assert_eq!(before, conditions(&ladder, fast), "the same every time");
        assert_ne!(before, conditions(&ladder, EngineSettings { exact: true, ..fast }));
        assert_ne!(before, conditions(&ladder, EngineSettings { threads: Some(1), ..fast }));
        assert_ne!(before, conditions(&ladder, EngineSettings { cache: protocol::ladder::CacheType::Q8, ..fast }));
        std::fs::write(&path, b"another").unwrap();
        assert_ne!(before, conditions(&ladder, fast));
    }
}
