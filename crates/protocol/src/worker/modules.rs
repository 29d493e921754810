//! Files of llama.cpp that are loaded where they suit the computer.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The file that computes with the processor: of several the one that suits it best.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ProcessorModule {
    /// Its name.
    pub file: String,
    /// All that lie beside it, itself among them, the best first; none where it is a part of the program and was built for this computer.
    pub rated: Vec<RatedModule>,
}

/// A module for processors, as llama.cpp rates it on this computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct RatedModule {
    /// The file's name.
    pub file: String,
    /// The more of the processor it uses, the higher; 0 if it needs what the processor does not have.
    pub score: u32,
}

/// A folder of modules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modules {
    /// Where it is.
    pub folder: PathBuf,
    /// Those for cards that the system refuses to load.
    pub refused: Vec<RefusedModule>,
}

impl AsRef<Path> for Modules {
    fn as_ref(&self) -> &Path {
        &self.folder
    }
}

/// A module that cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedModule {
    /// The file's name.
    pub file: String,
    /// Why, in the system's words: a library of the card's driver is missing, most often.
    pub reason: String,
}
