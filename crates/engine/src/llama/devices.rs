//! What can compute besides the processor, and the modules that bring it.

use std::ffi::CString;
use std::path::{Path, PathBuf};

use llama_cpp_2::{LlamaBackendDeviceType, list_llama_ggml_backend_devices};

/// Names a folder of modules in place of the one beside the program.
const MODULES: &str = "TAKI_MODULES";

/// A graphics card, or whatever else computes and has memory of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Device {
    /// llama.cpp's number of it.
    pub(crate) index: usize,
    /// llama.cpp's name, for example `CUDA0`.
    pub(crate) name: String,
    /// What it is called, for example `NVIDIA GeForce RTX 4060`.
    pub(crate) description: String,
    /// Bytes of memory that are free now.
    pub(crate) free: u64,
    /// Whether it shares the processor's memory.
    pub(crate) is_integrated: bool,
    /// Whether it is another program's or computer's, reached over a connection.
    pub(crate) is_remote: bool,
}

impl Device {
    /// As a person would call it.
    pub(crate) fn called(&self) -> String {
        if self.description.is_empty() { self.name.clone() } else { self.description.clone() }
    }
}

/// Loads what lies in the folder of modules: `libggml-cuda.so` and the like. Each looks by itself whether there is something for it.
///
/// Before [`llama_cpp_2::llama_backend::LlamaBackend::init`].
pub(super) fn load_modules() {
    let Some(folder) = folder().filter(|folder| folder.is_dir()) else { return };
    let Ok(path) = CString::new(folder.as_os_str().as_encoded_bytes()) else { return };
    // SAFETY: the path is a string that ends with a zero and lives as long as the call; modules are loaded before anything computes.
    #[allow(unsafe_code)]
    unsafe {
        llama_cpp_sys_2::ggml_backend_load_all_from_path(path.as_ptr());
    }
}

fn folder() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(MODULES) {
        return Some(PathBuf::from(named));
    }
    let program = std::env::current_exe().ok()?;
    program.parent().map(|beside: &Path| beside.join("modules"))
}

/// Every device with memory of its own or a graphics processor, in llama.cpp's order.
pub(crate) fn devices() -> Vec<Device> {
    let usable = |kind| matches!(kind, LlamaBackendDeviceType::Gpu | LlamaBackendDeviceType::IntegratedGpu);
    let all = list_llama_ggml_backend_devices().into_iter().filter(|device| usable(device.device_type));
    all.map(|device| Device {
        index: device.index,
        is_remote: device.backend.starts_with("RPC"),
        is_integrated: device.device_type == LlamaBackendDeviceType::IntegratedGpu,
        free: device.memory_free as u64,
        name: device.name,
        description: device.description,
    })
    .collect()
}
