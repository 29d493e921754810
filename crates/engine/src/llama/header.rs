//! What the beginning of a model's file says of its size, before anything of it is read: by llama.cpp's own reader, which reads the file
//! next. (`catalog::header` reads files that nobody trusts yet, in the window's process; the engine knows no catalogue.)

use std::ffi::{CStr, CString};
use std::path::Path;

use protocol::ladder::CacheType;

use crate::place::Need;

/// Bytes per figure of keys and values, times 32: the smaller types come in blocks of 32 with a scale.
pub(super) fn bytes_of_32(cache: CacheType) -> u64 {
    match cache {
        CacheType::F16 => 64,
        CacheType::Q8 => 34,
        CacheType::Q4 => 18,
    }
}

/// An open header.
struct Header {
    gguf: *mut llama_cpp_sys_2::gguf_context,
}

impl Drop for Header {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: it came from `gguf_init_from_file`, is not null and is freed once.
        unsafe { llama_cpp_sys_2::gguf_free(self.gguf) }
    }
}

impl Header {
    #[allow(unsafe_code)]
    fn open(path: &Path) -> Option<Self> {
        let path = CString::new(path.as_os_str().as_encoded_bytes()).ok()?;
        let only_sizes = llama_cpp_sys_2::gguf_init_params { no_alloc: true, ctx: std::ptr::null_mut() };
        // SAFETY: the path ends with a zero and lives as long as the call; no tensors are wanted.
        let gguf = unsafe { llama_cpp_sys_2::gguf_init_from_file(path.as_ptr(), only_sizes) };
        (!gguf.is_null()).then_some(Self { gguf })
    }

    #[allow(unsafe_code)]
    fn key(&self, name: &str) -> Option<i64> {
        let name = CString::new(name).ok()?;
        // SAFETY: the header is open and the name ends with a zero.
        let key = unsafe { llama_cpp_sys_2::gguf_find_key(self.gguf, name.as_ptr()) };
        (key >= 0).then_some(key)
    }

    #[allow(unsafe_code)]
    fn kind(&self, key: i64) -> llama_cpp_sys_2::gguf_type {
        // SAFETY: the header is open and the key is one of its own.
        unsafe { llama_cpp_sys_2::gguf_get_kv_type(self.gguf, key) }
    }

    /// A number of 32 bits, or the largest one of a list: some models' layers differ.
    #[allow(unsafe_code)]
    fn number(&self, name: &str) -> Option<u64> {
        let key = self.key(name)?;
        let is_number = |kind| kind == llama_cpp_sys_2::GGUF_TYPE_UINT32 || kind == llama_cpp_sys_2::GGUF_TYPE_INT32;
        if is_number(self.kind(key)) {
            // SAFETY: the key is the header's own and of 32 bits; a signed one reads the same while it is not negative.
            return Some(u64::from(unsafe { *llama_cpp_sys_2::gguf_get_val_data(self.gguf, key).cast::<u32>() }));
        }
        if self.kind(key) != llama_cpp_sys_2::GGUF_TYPE_ARRAY {
            return None;
        }
        // SAFETY: the key is the header's own and of a list.
        let (kind, len) = unsafe {
            (llama_cpp_sys_2::gguf_get_arr_type(self.gguf, key), llama_cpp_sys_2::gguf_get_arr_n(self.gguf, key))
        };
        if !is_number(kind) || len == 0 {
            return None;
        }
        // SAFETY: the list has `len` numbers of 32 bits.
        let all = unsafe {
            std::slice::from_raw_parts(llama_cpp_sys_2::gguf_get_arr_data(self.gguf, key).cast::<u32>(), len)
        };
        all.iter().max().map(|most| u64::from(*most))
    }

    #[allow(unsafe_code)]
    fn text(&self, name: &str) -> Option<String> {
        let key = self.key(name).filter(|key| self.kind(*key) == llama_cpp_sys_2::GGUF_TYPE_STRING)?;
        // SAFETY: the key is the header's own and of a text, which ends with a zero and lives as long as the header.
        let text = unsafe { CStr::from_ptr(llama_cpp_sys_2::gguf_get_val_str(self.gguf, key)) };
        Some(text.to_string_lossy().into_owned())
    }

    /// How many entries a list has.
    #[allow(unsafe_code)]
    fn len_of(&self, name: &str) -> Option<u64> {
        let key = self.key(name).filter(|key| self.kind(*key) == llama_cpp_sys_2::GGUF_TYPE_ARRAY)?;
        // SAFETY: the key is the header's own and of a list.
        Some(unsafe { llama_cpp_sys_2::gguf_get_arr_n(self.gguf, key) } as u64)
    }

    /// Name and bytes of every tensor.
    #[allow(unsafe_code)]
    fn tensors(&self) -> Vec<(String, u64)> {
        // SAFETY: the header is open, every number below the count is a tensor of it, names end with a zero.
        unsafe {
            let count = llama_cpp_sys_2::gguf_get_n_tensors(self.gguf);
            let name = |at| CStr::from_ptr(llama_cpp_sys_2::gguf_get_tensor_name(self.gguf, at));
            let bytes = |at| llama_cpp_sys_2::gguf_get_tensor_size(self.gguf, at) as u64;
            (0..count).map(|at| (name(at).to_string_lossy().into_owned(), bytes(at))).collect()
        }
    }
}

/// What the model at `path` needs with a context of at most `context` tokens; None for a file that says too little. With `whole_scores` passes write down how
/// every token looks at every other one, as flash attention does not.
pub(crate) fn need(path: &Path, context: u32, cache: CacheType, widest: usize, whole_scores: bool) -> Option<Need> {
    let header = Header::open(path)?;
    let architecture = header.text("general.architecture")?;
    let of = |what: &str| header.number(&format!("{architecture}.{what}"));
    let layers = of("block_count").filter(|layers| *layers > 0)?;
    // Of a mixture of experts a token asks only some.
    let asked = of("expert_used_count").unwrap_or(0);
    let experts = of("expert_count").filter(|experts| *experts > 0 && (1..*experts).contains(&asked));
    let (mut inner, mut idle, mut table, mut written, mut has_output) = (0_u64, 0_u64, 0_u64, 0_u64, false);
    for (name, bytes) in header.tensors() {
        match name.as_str() {
            name if name.starts_with("blk.") => {
                inner = bytes.saturating_add(inner);
                if let Some(experts) = experts.filter(|_| name.contains("_exps.")) {
                    idle = idle.saturating_add(bytes / experts * (experts - asked));
                }
            }
            // Looked up, not computed with: it always stays with the processor.
            "token_embd.weight" => table = bytes,
            name => {
                has_output |= name == "output.weight";
                written = bytes.saturating_add(written);
            }
        }
    }
    // A model without scores of its own takes the table for them, and has it twice then.
    if !has_output {
        written = table.saturating_add(written);
    }
    let heads = of("attention.head_count").unwrap_or(1).max(1);
    let usual = of("embedding_length").unwrap_or(0) / heads;
    let both =
        of("attention.key_length").unwrap_or(usual).saturating_add(of("attention.value_length").unwrap_or(usual));
    let length = of("context_length").map_or(u64::from(context), |trained| trained.min(u64::from(context)));
    let held = both.saturating_mul(of("attention.head_count_kv").unwrap_or(heads)).saturating_mul(length);
    let figures = if whole_scores { heads.saturating_mul(length) } else { 0 };
    let vocabulary = header.len_of("tokenizer.ggml.tokens").unwrap_or(0);
    let cached = (held / 32).saturating_mul(bytes_of_32(cache));
    Some(Need {
        layers: u32::try_from(layers).ok()?,
        layer: (inner / layers).saturating_add(cached),
        read: (inner.saturating_sub(idle) / layers).saturating_add(cached),
        output: written,
        table,
        is_shared: !has_output,
        // Scores of the widest pass, and what passes through the layers.
        passes: vocabulary
            .saturating_add(figures)
            .saturating_mul((widest * size_of::<f32>()) as u64)
            .saturating_add(PASSES),
    })
}

/// About what passes take on a device besides their scores.
const PASSES: u64 = 96 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn smollm2() -> std::path::PathBuf {
        let models = catalog::ModelStore::open(store::Places::find().unwrap().models).unwrap();
        let ladder = catalog::resolve(&catalog::Catalog::builtin(), &models, "smollm2");
        ladder.unwrap_or_else(|problem| panic!("{problem} Run `make models`.")).rungs.remove(0).path
    }

    #[test]
    fn a_model_needs_what_the_catalogue_foretells_of_its_file() {
        let path = smollm2();
        let header = catalog::check_header(&path).unwrap();
        let cache = header.cache_bytes.unwrap();
        for context in [0, 512, 8192] {
            let need = need(&path, context, CacheType::F16, 512, false).unwrap();
            let (reckoned, foretold) = (need.on_processor(0), header.weight_bytes() + cache * u64::from(context));
            assert!(reckoned.abs_diff(foretold) < 64 << 10, "{context}: {reckoned}, foretold {foretold}");
            // It has no scores of its own, and takes the table for them a second time where they are on a device.
            assert!(need.is_shared && need.table < need.output && need.on_processor(31) == need.table, "{need:?}");
        }
    }

    #[test]
    fn passes_without_flash_attention_need_more_the_longer_the_context() {
        let path = smollm2();
        let passes = |context, whole| need(&path, context, CacheType::F16, 512, whole).unwrap().passes;
        assert_eq!(passes(1024, false), passes(8192, false));
        // Nine heads.
        assert_eq!(passes(1024, true) - passes(1024, false), 9 * 1024 * 512 * 4);
        assert_eq!(passes(8192, true) - passes(8192, false), 9 * 8192 * 512 * 4);
    }
}
