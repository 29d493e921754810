//! How fast a device reads weights, measured by what answers wait for: matrices times one column.

use std::ffi::c_int;
use std::ptr::NonNull;
use std::time::Instant;

use llama_cpp_sys_2::{
    GGML_BACKEND_DEVICE_TYPE_CPU, GGML_STATUS_SUCCESS, GGML_TYPE_F32, GGML_TYPE_Q8_0, ggml_backend,
    ggml_backend_buffer, ggml_backend_dev_t, ggml_cgraph, ggml_context, ggml_init_params, ggml_tensor,
};

use super::devices::numbered;

/// What a pass takes at a device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pace {
    /// Bytes of weights that are read in a second.
    pub(crate) speed: f64,
    /// Seconds that it takes at least, however little there is to read: the way there and back.
    pub(crate) least: f64,
}

/// Rows and columns of a matrix; with the scales of their type so many bytes; and at most so many matrices: more than any cache holds.
const ROWS: i64 = 4096;
const COLUMNS: i64 = 4096;
const BYTES: u64 = 17_825_792;
const MATRICES: usize = 16;

/// How often: the fastest counts. What records passes that repeat has done so after the first ones.
const ROUNDS: usize = 6;

/// The pace of the device with this number of llama.cpp's, of which so many bytes are `free`. None where that is too little, or it does not compute
/// such things.
pub(crate) fn pace(index: usize, free: u64) -> Option<Pace> {
    measured(numbered(index)?.as_ptr(), free, None)
}

/// The processor's, on so many threads.
#[allow(unsafe_code)]
pub(crate) fn pace_of_processor(free: u64, threads: usize) -> Option<Pace> {
    // SAFETY: it gives null or a device that stays for as long as the process.
    let device = unsafe { llama_cpp_sys_2::ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU) };
    measured(device, free, c_int::try_from(threads).ok())
}

fn measured(device: ggml_backend_dev_t, free: u64, threads: Option<c_int>) -> Option<Pace> {
    // A quarter of what is free at most.
    let matrices = usize::try_from(free / 4 / BYTES).ok()?.min(MATRICES);
    let probe = Probe::new(device, threads, matrices).filter(|_| matrices > 0)?;
    let (least, all) = (probe.seconds(0)?, probe.seconds(matrices)?);
    let reading = (all - least).max(0.1 * all);
    Some(Pace { speed: (BYTES * matrices as u64) as f64 / reading, least })
}

/// Matrices on a device, and a column that each is multiplied with.
struct Probe {
    backend: NonNull<ggml_backend>,
    context: NonNull<ggml_context>,
    buffer: Option<NonNull<ggml_backend_buffer>>,
    /// A small product, then the large ones.
    products: Vec<*mut ggml_tensor>,
}

impl Drop for Probe {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: all three came from the library, nothing else has them, and each is given back once; what they made goes with them.
        unsafe {
            if let Some(buffer) = self.buffer {
                llama_cpp_sys_2::ggml_backend_buffer_free(buffer.as_ptr());
            }
            llama_cpp_sys_2::ggml_free(self.context.as_ptr());
            llama_cpp_sys_2::ggml_backend_free(self.backend.as_ptr());
        }
    }
}

impl Probe {
    #[allow(unsafe_code)]
    fn new(device: ggml_backend_dev_t, threads: Option<c_int>, matrices: usize) -> Option<Self> {
        if device.is_null() {
            return None;
        }
        // A matrix and what comes of it for each product, one column for all, and two graphs.
        // SAFETY: sizes of the library's own.
        let each = unsafe { (llama_cpp_sys_2::ggml_tensor_overhead(), llama_cpp_sys_2::ggml_graph_overhead()) };
        let mem_size = each.0 * (2 * (matrices + 1) + 1) + each.1 * 2;
        let params = ggml_init_params { mem_size, mem_buffer: std::ptr::null_mut(), no_alloc: true };
        // SAFETY: the device is not null; what is null here is not used.
        let backend = NonNull::new(unsafe { llama_cpp_sys_2::ggml_backend_dev_init(device, std::ptr::null()) })?;
        // SAFETY: the memory is the library's own.
        let Some(context) = NonNull::new(unsafe { llama_cpp_sys_2::ggml_init(params) }) else {
            // SAFETY: nothing else has it.
            unsafe { llama_cpp_sys_2::ggml_backend_free(backend.as_ptr()) };
            return None;
        };
        let mut probe = Self { backend, context, buffer: None, products: Vec::new() };
        // SAFETY: the context has room for so many tensors, which live as long as it; a buffer for all of them follows, and is cleared before
        // anything is computed, so that no figure in it is undefined.
        unsafe {
            let context = context.as_ptr();
            let column = llama_cpp_sys_2::ggml_new_tensor_2d(context, GGML_TYPE_F32, COLUMNS, 1);
            for rows in std::iter::once(32).chain(std::iter::repeat_n(ROWS, matrices)) {
                let matrix = llama_cpp_sys_2::ggml_new_tensor_2d(context, GGML_TYPE_Q8_0, COLUMNS, rows);
                probe.products.push(llama_cpp_sys_2::ggml_mul_mat(context, matrix, column));
            }
            let can = |product: &*mut ggml_tensor| llama_cpp_sys_2::ggml_backend_dev_supports_op(device, *product);
            if !probe.products.iter().all(can) {
                return None;
            }
            probe.buffer = NonNull::new(llama_cpp_sys_2::ggml_backend_alloc_ctx_tensors(context, backend.as_ptr()));
            llama_cpp_sys_2::ggml_backend_buffer_clear(probe.buffer?.as_ptr(), 0);
        }
        if let Some(threads) = threads {
            probe.set_threads(device, threads);
        }
        Some(probe)
    }

    #[allow(unsafe_code)]
    fn set_threads(&self, device: ggml_backend_dev_t, threads: c_int) {
        // SAFETY: the device is not null; the function of that name has that type (`ggml_backend_set_n_threads_t` of ggml-backend.h).
        unsafe {
            let registry = llama_cpp_sys_2::ggml_backend_dev_backend_reg(device);
            let name = c"ggml_backend_set_n_threads".as_ptr();
            let found = llama_cpp_sys_2::ggml_backend_reg_get_proc_address(registry, name);
            if !found.is_null() {
                type SetThreads = unsafe extern "C" fn(*mut ggml_backend, c_int);
                std::mem::transmute::<*mut std::ffi::c_void, SetThreads>(found)(self.backend.as_ptr(), threads);
            }
        }
    }

    /// What so many of the large products take with the small one, in seconds.
    fn seconds(&self, large: usize) -> Option<f64> {
        let graph = self.graph(large)?;
        let times = (0..ROUNDS).map(|_| self.compute(graph, large));
        times.collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::min)
    }

    #[allow(unsafe_code)]
    fn graph(&self, large: usize) -> Option<NonNull<ggml_cgraph>> {
        // SAFETY: the context has room for two graphs; the products are its own.
        unsafe {
            let graph = NonNull::new(llama_cpp_sys_2::ggml_new_graph(self.context.as_ptr()))?;
            for product in &self.products[..=large] {
                llama_cpp_sys_2::ggml_build_forward_expand(graph.as_ptr(), *product);
            }
            Some(graph)
        }
    }

    #[allow(unsafe_code)]
    fn compute(&self, graph: NonNull<ggml_cgraph>, large: usize) -> Option<f64> {
        let began = Instant::now();
        let mut first = 0.0_f32;
        // SAFETY: the graph is of this context, whose tensors have a buffer of this backend; the figure is the first of a product's.
        let status = unsafe {
            let status = llama_cpp_sys_2::ggml_backend_graph_compute(self.backend.as_ptr(), graph.as_ptr());
            // Other computers are not waited for until something is asked back.
            let last = self.products[large];
            llama_cpp_sys_2::ggml_backend_tensor_get(last, (&raw mut first).cast(), 0, size_of::<f32>());
            status
        };
        (status == GGML_STATUS_SUCCESS && first == 0.0).then(|| began.elapsed().as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_reads_at_some_speed_and_nothing_where_there_is_no_room() {
        let _started = crate::llama::for_tests();
        let pace = pace_of_processor(1 << 30, 1).unwrap();
        assert!((1e8..1e13).contains(&pace.speed) && (0.0..0.1).contains(&pace.least), "{pace:?}");
        assert_eq!(pace_of_processor(1 << 20, 1), None);
        assert_eq!(super::pace(usize::MAX, 1 << 30), None);
    }
}
