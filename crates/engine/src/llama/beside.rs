//! A thread for a model's passes, so that another model can compute on the caller's meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Builder;

use cascade::Meanwhile;
use llama_cpp_2::DecodeError;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;

/// What the thread tells of a pass that it could not run: there is no such number among llama.cpp's.
const GONE: DecodeError = DecodeError::Unknown(i32::MIN);

/// One pass: a context and its batch.
struct Pass {
    context: *mut LlamaContext<'static>,
    batch: *mut LlamaBatch<'static>,
}

// SAFETY: llama.cpp's contexts and batches belong to no thread; one at a time may use them. `Helper::decode` has both mutably borrowed from before the
// pass is sent until its end is told, and whoever has them uses them in between no more. What a context shares with others (weights) nobody writes.
#[allow(unsafe_code)]
unsafe impl Send for Pass {}

/// The thread. It ends with this.
pub(super) struct Helper {
    passes: Sender<Pass>,
    ends: Receiver<Result<(), DecodeError>>,
    is_done: Arc<AtomicBool>,
}

/// Waits for the end of a pass that was begun, whatever happens meanwhile.
struct Begun<'h> {
    ends: &'h Receiver<Result<(), DecodeError>>,
    end: Option<Result<(), DecodeError>>,
}

impl Begun<'_> {
    fn wait(&mut self) -> Result<(), DecodeError> {
        let end = self.end.take().unwrap_or_else(|| self.ends.recv().unwrap_or(Err(GONE)));
        self.end = Some(Ok(()));
        end
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        let _ = self.wait();
    }
}

impl Helper {
    pub(super) fn new() -> Result<Self, std::io::Error> {
        let (passes, asked) = channel::<Pass>();
        let (told, ends) = channel();
        let is_done = Arc::new(AtomicBool::new(false));
        let done = is_done.clone();
        Builder::new().name("beside".to_owned()).spawn(move || {
            for Pass { context, batch } in asked {
                // SAFETY: see `Pass`: nobody else has them until the end is told.
                #[allow(unsafe_code)]
                let (context, batch) = unsafe { (&mut *context, &mut *batch) };
                let end = context.decode(batch);
                // A device may compute on when llama.cpp is back.
                context.synchronize();
                done.store(true, Ordering::Release);
                if told.send(end).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { passes, ends, is_done })
    }

    /// One pass; `meanwhile` is called while it runs.
    pub(super) fn decode(
        &mut self,
        context: &mut LlamaContext<'_>,
        batch: &mut LlamaBatch<'_>,
        meanwhile: &mut Meanwhile<'_>,
    ) -> Result<(), DecodeError> {
        self.is_done.store(false, Ordering::Release);
        let pass = Pass { context: std::ptr::from_mut(context).cast(), batch: std::ptr::from_mut(batch).cast() };
        if self.passes.send(pass).is_err() {
            return Err(GONE);
        }
        let mut begun = Begun { ends: &self.ends, end: None };
        meanwhile(&|| self.is_done.load(Ordering::Acquire));
        begun.wait()
    }
}
