//! Reading a model's file into the memories that it was given. llama-cpp-2 has no way to say how many layers go to which device, and what
//! llama.cpp shares out by itself goes by all that is free, whatever is to be left to others.

use std::ffi::{CString, c_void};
use std::path::Path;
use std::ptr::NonNull;

use llama_cpp_2::model::LlamaModel;
use llama_cpp_sys_2 as sys;

use super::devices::numbered;
use crate::place::Place;

/// The model in the file at `path`, where `place` says. `progress` gets the share read, 0 to 1, and returns false to cancel. None if it was
/// cancelled or the library refuses the file; it only prints why.
pub(super) fn load(path: &Path, place: &Place, mut progress: &mut dyn FnMut(f32) -> bool) -> Option<LlamaModel> {
    let path = CString::new(path.to_str()?).ok()?;
    let mut devices = devices(place)?;
    let mut split: Vec<f32> = place.parts.iter().map(|(_, layers)| *layers as f32).collect();
    // SAFETY: it takes nothing.
    #[allow(unsafe_code)]
    let most = unsafe { sys::llama_max_devices() };
    if place.parts.len() > most {
        return None;
    }
    split.resize(most, 0.0);
    // SAFETY: it takes nothing and gives a plain struct.
    #[allow(unsafe_code)]
    let mut params = unsafe { sys::llama_model_default_params() };
    // Read into memory of its own, not mapped from the file: only such memory comes in huge pages (see `Launch`), and
    // what is repacked is then not held twice. docs/kernels.md has what it saves.
    params.load_mode = sys::LLAMA_LOAD_MODE_NONE;
    params.n_gpu_layers = i32::try_from(place.layers()).unwrap_or(i32::MAX);
    // An empty list is none at all, where no list would be every device.
    params.devices = devices.as_mut_ptr();
    // Whole layers, so that each is where it was reckoned: the library gives layer l of n to the first device whose share of them ends behind l / n.
    params.tensor_split = split.as_ptr();
    params.progress_callback = Some(tell);
    params.progress_callback_user_data = (&raw mut progress).cast();
    // SAFETY: the path ends with a zero, the devices with a null; all of it, and what the callback is given, lives until this returns.
    #[allow(unsafe_code)]
    let model = NonNull::new(unsafe { sys::llama_model_load_from_file(path.as_ptr(), params) })?;
    // SAFETY: `LlamaModel` is a transparent wrapper of just this pointer, which nothing else has: it is what its own way to load makes of it.
    #[allow(unsafe_code)]
    Some(unsafe { std::mem::transmute::<NonNull<sys::llama_model>, LlamaModel>(model) })
}

/// The devices of `place`, with a null behind them.
fn devices(place: &Place) -> Option<Vec<sys::ggml_backend_dev_t>> {
    let found = place.devices().map(|index| numbered(index).map(NonNull::as_ptr));
    found.chain(std::iter::once(Some(std::ptr::null_mut()))).collect()
}

extern "C" fn tell(fraction: f32, progress: *mut c_void) -> bool {
    // SAFETY: it is what `load` gave, which waits for the library in the meantime.
    #[allow(unsafe_code)]
    let progress = unsafe { &mut *progress.cast::<&mut dyn FnMut(f32) -> bool>() };
    progress(fraction)
}
