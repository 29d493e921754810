//! What can compute besides the processor, and the modules that bring it.

use std::ffi::{CStr, CString};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::OnceLock;

use llama_cpp_2::{LlamaBackendDevice, LlamaBackendDeviceType, list_llama_ggml_backend_devices};
use protocol::worker::{Device, DeviceKind, Modules, ProcessorModule};
use protocol::{Code, Problem};

use crate::host::free_memory;

/// Names a folder of modules in place of the one beside the program.
const MODULES: &str = "TAKI_MODULES";

/// What connects to other computers, by llama.cpp's name.
pub(super) const RPC: &CStr = c"RPC";

/// What computes with Apple's devices, by llama.cpp's name.
const METAL: &CStr = c"MTL";

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

/// Every device besides the processor, with llama.cpp's number of it. What several modules found is the first one's, as it is for llama.cpp.
pub(crate) fn devices() -> Vec<(usize, Device)> {
    let mut known = Vec::new();
    let all = list_llama_ggml_backend_devices().into_iter();
    let described = all.filter_map(|found| {
        let kind = kind(found.device_type, &found.backend, ONE_MEMORY)?;
        // Asking another computer takes its time, and it has no such place.
        let slot = if kind == DeviceKind::Remote { None } else { slot(found.index) };
        is_new(&mut known, slot).then(|| (found.index, device(found, kind, free_memory)))
    });
    described.collect()
}

/// Whether the processor and what draws share one memory, whatever is said of it: Apple's do.
const ONE_MEMORY: bool = cfg!(all(target_vendor = "apple", target_arch = "aarch64"));

/// None for the processor itself, and what speeds up its matrices.
fn kind(told: LlamaBackendDeviceType, backend: &str, one_memory: bool) -> Option<DeviceKind> {
    match told {
        LlamaBackendDeviceType::Gpu if backend.as_bytes() == RPC.to_bytes() => Some(DeviceKind::Remote),
        // Metal calls every device a card.
        LlamaBackendDeviceType::Gpu if one_memory && backend.as_bytes() == METAL.to_bytes() => {
            Some(DeviceKind::Integrated)
        }
        LlamaBackendDeviceType::Gpu => Some(DeviceKind::Card),
        LlamaBackendDeviceType::IntegratedGpu => Some(DeviceKind::Integrated),
        _ => None,
    }
}

/// As it is told. Of memory that it shares with the processor no more is free than the system has `left`: what other programs hold there, it does not know.
fn device(found: LlamaBackendDevice, kind: DeviceKind, left: impl FnOnce() -> Option<u64>) -> Device {
    let (total, mut free) = (found.memory_total as u64, found.memory_free as u64);
    if kind == DeviceKind::Integrated {
        free = free.min(left().unwrap_or(u64::MAX));
    }
    Device { name: found.name, description: found.description, backend: found.backend, kind, total, free }
}

/// Notes where a device is. Not again what another module found there; what does not tell its place is taken for one of its own.
fn is_new(known: &mut Vec<String>, slot: Option<String>) -> bool {
    let Some(slot) = slot else { return true };
    let is_new = known.iter().all(|other| !other.eq_ignore_ascii_case(&slot));
    known.push(slot);
    is_new
}

/// llama.cpp's device of this number, which stays for as long as the process; None if there is none.
pub(super) fn numbered(index: usize) -> Option<NonNull<llama_cpp_sys_2::ggml_backend_device>> {
    // SAFETY: a number below the count is a device.
    #[allow(unsafe_code)]
    let device = unsafe {
        (index < llama_cpp_sys_2::ggml_backend_dev_count()).then(|| llama_cpp_sys_2::ggml_backend_dev_get(index))
    };
    NonNull::new(device?)
}

/// Where in the computer the device with this number of llama.cpp's is, as `0000:01:00.0`; None where that is not told.
fn slot(index: usize) -> Option<String> {
    let device = numbered(index)?;
    // SAFETY: the device is llama.cpp's own; what is written is a plain struct, for which zeros are a valid value, and its text is null
    // or ends with a zero and stays for as long as the device.
    #[allow(unsafe_code)]
    unsafe {
        let mut told: llama_cpp_sys_2::ggml_backend_dev_props = std::mem::zeroed();
        llama_cpp_sys_2::ggml_backend_dev_get_props(device.as_ptr(), &raw mut told);
        let slot = NonNull::new(told.device_id.cast_mut())?;
        Some(CStr::from_ptr(slot.as_ptr()).to_string_lossy().into_owned()).filter(|slot| !slot.is_empty())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(backend: &str, told: LlamaBackendDeviceType) -> LlamaBackendDevice {
        LlamaBackendDevice {
            index: 0,
            name: format!("{backend}0"),
            description: "One".to_owned(),
            backend: backend.to_owned(),
            memory_total: 12 << 30,
            memory_free: 11 << 30,
            device_type: told,
        }
    }

    #[test]
    fn what_apple_calls_a_card_shares_the_processors_memory_and_has_no_more_than_is_free_of_it() {
        use LlamaBackendDeviceType::{Accelerator, Cpu, Gpu, IntegratedGpu};
        for (backend, told, one_memory, is) in [
            ("MTL", Gpu, true, Some(DeviceKind::Integrated)),
            ("MTL", Gpu, false, Some(DeviceKind::Card)),
            ("RPC", Gpu, true, Some(DeviceKind::Remote)),
            ("CUDA", Gpu, false, Some(DeviceKind::Card)),
            ("Vulkan", IntegratedGpu, false, Some(DeviceKind::Integrated)),
            ("BLAS", Accelerator, true, None),
            ("CPU", Cpu, true, None),
        ] {
            assert_eq!(kind(told, backend, one_memory), is, "{backend}");
        }
        let free = |kind, left| device(found("MTL", Gpu), kind, || left).free;
        assert_eq!(free(DeviceKind::Integrated, Some(4 << 30)), 4 << 30, "other programs hold the rest");
        assert_eq!(free(DeviceKind::Integrated, Some(64 << 30)), 11 << 30);
        assert_eq!(free(DeviceKind::Integrated, None), 11 << 30, "a system that does not tell");
        assert_eq!(free(DeviceKind::Card, Some(4 << 30)), 11 << 30, "its memory is its own");
    }

    #[test]
    fn a_card_that_two_modules_find_is_one() {
        let mut known = Vec::new();
        let mut is_new = |slot: Option<&str>| is_new(&mut known, slot.map(str::to_owned));
        assert!(is_new(Some("0000:0a:00.0")) && is_new(Some("0000:0b:00.0")));
        assert!(!is_new(Some("0000:0A:00.0")), "written otherwise by another module");
        assert!(is_new(None) && is_new(None), "nobody knows where these are");
    }

    #[test]
    fn what_computes_with_the_processor_does_not_say_where_it_is() {
        let _started = crate::llama::for_tests();
        let all = list_llama_ggml_backend_devices();
        let processor = all.iter().find(|found| found.device_type == LlamaBackendDeviceType::Cpu).unwrap();
        assert_eq!(slot(processor.index), None);
    }
}
