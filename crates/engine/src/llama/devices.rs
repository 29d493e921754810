//! What can compute besides the processor, and the modules that bring it.

use std::ffi::{CStr, CString};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::OnceLock;

use llama_cpp_2::{LlamaBackendDeviceType, list_llama_ggml_backend_devices};
use protocol::worker::{Device, DeviceKind, Modules, ProcessorModule};
use protocol::{Code, Problem};

/// Names a folder of modules in place of the one beside the program.
const MODULES: &str = "TAKI_MODULES";

/// What connects to other computers, by llama.cpp's name.
pub(super) const RPC: &CStr = c"RPC";

/// What computes with the processor, by llama.cpp's name.
const PROCESSOR: &CStr = c"CPU";

/// Where an installed program has its modules, seen from its folder.
const INSTALLED: &str = if cfg!(target_os = "macos") { "../Frameworks/modules" } else { "../lib/taki/modules" };

/// Loads what lies in the folder of modules: `libggml-cuda.so` and the like. Each looks by itself whether there is something for it. Where
/// the processor's own is a module, too, the best of the program's own is loaded unless the folder had one.
///
/// Before [`llama_cpp_2::llama_backend::LlamaBackend::init`].
///
/// # Errors
/// [`Code::Internal`]: nothing here computes with this processor.
pub(super) fn load_modules() -> Result<(), Problem> {
    if let Some(folder) = folder() {
        load_from(&folder);
    }
    if registry(PROCESSOR).is_none()
        && let Some(folder) = own_modules()
    {
        load_from(&folder);
    }
    if registry(PROCESSOR).is_some() {
        return Ok(());
    }
    let folder = own_modules().map_or_else(|| "modules".to_owned(), |folder| folder.display().to_string());
    Err(Problem::new(Code::Internal).with("reason", format!("no module in {folder} computes with this processor")))
}

fn load_from(folder: &Path) {
    if !folder.is_dir() {
        return;
    }
    let Ok(path) = CString::new(folder.as_os_str().as_encoded_bytes()) else { return };
    // SAFETY: the path ends with a zero and lives as long as the call; modules are loaded before anything computes.
    #[allow(unsafe_code)]
    unsafe {
        llama_cpp_sys_2::ggml_backend_load_all_from_path(path.as_ptr());
    }
}

/// The folder in which modules are looked for, and what the system does not load of it. Looked at once.
pub(crate) fn modules() -> Option<Modules> {
    static FOUND: OnceLock<Option<Modules>> = OnceLock::new();
    let look = || {
        let folder = folder()?;
        #[cfg(unix)]
        let refused = super::rated::refused(&folder);
        #[cfg(not(unix))]
        let refused = Vec::new();
        Some(Modules { folder, refused })
    };
    FOUND.get_or_init(look).clone()
}

/// The folder in which modules are looked for.
fn folder() -> Option<PathBuf> {
    std::env::var_os(MODULES).map(PathBuf::from).or_else(own_modules)
}

/// The program's own: beside it, or where packages put them.
fn own_modules() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?;
    // As it is called, without a step up in the middle: it is told.
    let installed = folder.join(INSTALLED).canonicalize();
    let beside = folder.join("modules");
    if beside.is_dir() { Some(beside) } else { Some(installed.unwrap_or(beside)) }
}

fn registry(name: &CStr) -> Option<NonNull<llama_cpp_sys_2::ggml_backend_reg>> {
    // SAFETY: the name ends with a zero; what is found stays for as long as the process.
    #[allow(unsafe_code)]
    NonNull::new(unsafe { llama_cpp_sys_2::ggml_backend_reg_by_name(name.as_ptr()) })
}

/// The file whose code computes with the processor, and what lay beside it to choose from. None where the system does not tell.
#[cfg(unix)]
pub(crate) fn processor_module() -> Option<ProcessorModule> {
    static FOUND: OnceLock<Option<ProcessorModule>> = OnceLock::new();
    let look = || {
        let path = processor_path()?;
        let file = path.file_name()?.to_string_lossy().into_owned();
        let rated = path.parent().map(super::rated::rated).unwrap_or_default();
        // A part of the program may lie beside modules that nobody asked.
        let rated = if rated.iter().any(|module| module.file == file) { rated } else { Vec::new() };
        Some(ProcessorModule { file, rated })
    };
    FOUND.get_or_init(look).clone()
}

#[cfg(not(unix))]
pub(crate) fn processor_module() -> Option<ProcessorModule> {
    None
}

#[cfg(unix)]
fn processor_path() -> Option<PathBuf> {
    let registry = registry(PROCESSOR)?;
    let mut about = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: the address lies in a library that stays loaded, and so does the name that is told of it; zeros are a valid answer.
    #[allow(unsafe_code)]
    let name = unsafe {
        let found = libc::dladdr(registry.as_ptr().cast(), about.as_mut_ptr()) != 0;
        let name = about.assume_init().dli_fname;
        (found && !name.is_null()).then(|| CStr::from_ptr(name))
    }?;
    Some(PathBuf::from(name.to_str().ok()?))
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
