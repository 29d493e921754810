use std::ffi::CString;
use std::path::Path;

use llama_cpp_sys_2 as sys;
use protocol::{Code, Mix, Problem};

use super::Llama;

/// Most bytes of rows that are held at once; llama.cpp would take eight gigabytes.
const BUFFER: usize = 256 << 20;

impl Llama {
    /// Writes the model in the file `from` anew as `mix`, to the file `to`, on `threads`. It cannot be stopped but with the process.
    ///
    /// # Errors
    /// [`Code::ModelRefused`].
    #[allow(unsafe_code, reason = "llama-cpp-2 has no call for it")]
    #[allow(clippy::unused_self, reason = "it must have been started")]
    pub(crate) fn requantize(&self, from: &Path, to: &Path, mix: Mix, threads: usize) -> Result<(), Problem> {
        let refused =
            |reason: &str| Problem::new(Code::ModelRefused).with("path", from.display()).with("reason", reason);
        let name = |path: &Path| {
            let text = path.to_str().ok_or_else(|| refused("its name is no UTF-8"))?;
            CString::new(text).map_err(|_| refused("its name has a zero in it"))
        };
        let (input, output) = (name(from)?, name(to)?);
        // SAFETY: it takes nothing and gives a plain struct, whose pointers are null.
        let mut params = unsafe { sys::llama_model_quantize_default_params() };
        params.nthread = i32::try_from(threads).unwrap_or(1);
        params.ftype = file_type(mix);
        params.allow_requantize = true;
        params.max_buf_size = BUFFER;
        // SAFETY: both names end with a zero and live until it returns, as does the struct; the backend runs as long as `self`.
        let status = unsafe { sys::llama_model_quantize(input.as_ptr(), output.as_ptr(), &raw const params) };
        if status == 0 { Ok(()) } else { Err(refused("llama.cpp cannot write it in this mix")) }
    }
}

fn file_type(mix: Mix) -> sys::llama_ftype {
    match mix {
        Mix::Q8_0 => sys::LLAMA_FTYPE_MOSTLY_Q8_0,
        Mix::Q6K => sys::LLAMA_FTYPE_MOSTLY_Q6_K,
        Mix::Q5KM => sys::LLAMA_FTYPE_MOSTLY_Q5_K_M,
        Mix::Q5KS => sys::LLAMA_FTYPE_MOSTLY_Q5_K_S,
        Mix::Q4KM => sys::LLAMA_FTYPE_MOSTLY_Q4_K_M,
        Mix::Q4KS => sys::LLAMA_FTYPE_MOSTLY_Q4_K_S,
        Mix::Q4_1 => sys::LLAMA_FTYPE_MOSTLY_Q4_1,
        Mix::Q4_0 => sys::LLAMA_FTYPE_MOSTLY_Q4_0,
        Mix::Iq4Nl => sys::LLAMA_FTYPE_MOSTLY_IQ4_NL,
        Mix::Iq4Xs => sys::LLAMA_FTYPE_MOSTLY_IQ4_XS,
        Mix::Q3KL => sys::LLAMA_FTYPE_MOSTLY_Q3_K_L,
        Mix::Q3KM => sys::LLAMA_FTYPE_MOSTLY_Q3_K_M,
        Mix::Q3KS => sys::LLAMA_FTYPE_MOSTLY_Q3_K_S,
        Mix::Q2K => sys::LLAMA_FTYPE_MOSTLY_Q2_K,
    }
}
