//! What can compute besides the processor, and the modules that bring it.

use std::ffi::{CStr, CString};
use std::path::PathBuf;

use llama_cpp_2::{LlamaBackendDeviceType, list_llama_ggml_backend_devices};
use protocol::worker::{Device, DeviceKind};

/// Names a folder of modules in place of the one beside the program.
const MODULES: &str = "TAKI_MODULES";

/// What connects to other computers, by llama.cpp's name.
pub(super) const RPC: &CStr = c"RPC";

/// Loads what lies in the folder of modules: `libggml-cuda.so` and the like. Each looks by itself whether there is something for it.
///
/// Before [`llama_cpp_2::llama_backend::LlamaBackend::init`].
pub(super) fn load_modules() {
    let Some(folder) = modules().filter(|folder| folder.is_dir()) else { return };
    let Ok(path) = CString::new(folder.as_os_str().as_encoded_bytes()) else { return };
    // SAFETY: the path ends with a zero and lives as long as the call; modules are loaded before anything computes.
    #[allow(unsafe_code)]
    unsafe {
        llama_cpp_sys_2::ggml_backend_load_all_from_path(path.as_ptr());
    }
}

/// The folder in which modules are looked for.
pub(crate) fn modules() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(MODULES) {
        return Some(PathBuf::from(named));
    }
    let program = std::env::current_exe().ok()?;
    Some(program.parent()?.join("modules"))
}

/// Every device besides the processor, with llama.cpp's number of it.
pub(crate) fn devices() -> Vec<(usize, Device)> {
    let all = list_llama_ggml_backend_devices().into_iter();
    all.filter_map(|device| {
        let kind = match device.device_type {
            LlamaBackendDeviceType::Gpu if device.backend.as_bytes() == RPC.to_bytes() => DeviceKind::Remote,
            LlamaBackendDeviceType::Gpu => DeviceKind::Card,
            LlamaBackendDeviceType::IntegratedGpu => DeviceKind::Integrated,
            // The processor itself, and what speeds up its matrices.
            _ => return None,
        };
        let (total, free) = (device.memory_total as u64, device.memory_free as u64);
        let (name, description, backend) = (device.name, device.description, device.backend);
        Some((device.index, Device { name, description, backend, kind, total, free }))
    })
    .collect()
}

/// What llama.cpp was built to use of the processor and finds there.
pub(crate) fn processor() -> Vec<String> {
    // SAFETY: it gives a text of its own that ends with a zero and stays for as long as the process.
    #[allow(unsafe_code)]
    let told = unsafe { CStr::from_ptr(llama_cpp_sys_2::llama_print_system_info()) }.to_string_lossy();
    // `CPU : SSE3 = 1 | AVX512 = 1 | …`, for each backend.
    let parts = told.split('|').filter_map(|part| part.rsplit(':').next()?.trim().strip_suffix("= 1"));
    parts.map(|name| name.trim().to_owned()).collect()
}
