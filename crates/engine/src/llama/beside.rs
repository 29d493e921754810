//! A thread for a model's passes, so that another model can compute on the caller's meanwhile.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SendError, Sender, channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

use cascade::Meanwhile;
use llama_cpp_2::DecodeError;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;

/// What the thread tells of a pass that it could not run: there is no such number among llama.cpp's.
const GONE: DecodeError = DecodeError::Unknown(i32::MIN);

/// Bytes of its stack: what a main thread has.
const STACK: usize = 8 << 20;

/// One pass: a context and its batch.
struct Pass {
    context: *mut LlamaContext<'static>,
    batch: *mut LlamaBatch<'static>,
}

// SAFETY: llama.cpp's contexts and batches belong to no thread; one at a time may use them. `Helper::decode` has both mutably borrowed from before the
// pass is sent until its end is told, and whoever has them uses them in between no more. What a context shares with others (weights) nobody writes.
#[allow(unsafe_code)]
unsafe impl Send for Pass {}

/// What came of a pass, and how long it took.
type End = (Result<(), DecodeError>, Duration);

/// The thread. It ends with this.
pub(super) struct Helper {
    passes: Sender<Pass>,
    ends: Receiver<End>,
    is_done: Arc<AtomicBool>,
}

/// Waits for the end of a pass that was begun, whatever happens meanwhile.
struct Begun<'h> {
    ends: &'h Receiver<End>,
    has_ended: bool,
}

impl Begun<'_> {
    fn wait(&mut self) -> End {
        self.has_ended = true;
        self.ends.recv().unwrap_or((Err(GONE), Duration::ZERO))
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            let _ = self.wait();
        }
    }
}

impl Helper {
    pub(super) fn new() -> Result<Self, std::io::Error> {
        let (passes, asked) = channel::<Pass>();
        let (told, ends) = channel();
        let is_done = Arc::new(AtomicBool::new(false));
        let done = is_done.clone();
        Builder::new().name("beside".to_owned()).stack_size(STACK).spawn(move || {
            for Pass { context, batch } in asked {
                // SAFETY: see `Pass`: nobody else has them until the end is told.
                #[allow(unsafe_code)]
                let (context, batch) = unsafe { (&mut *context, &mut *batch) };
                let began = Instant::now();
                let end = context.decode(batch);
                // A device may compute on when llama.cpp is back.
                context.synchronize();
                done.store(true, Ordering::Release);
                if told.send((end, began.elapsed())).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { passes, ends, is_done })
    }

    /// One pass; `meanwhile` is called while it runs, and `lasted` filled with how long it took of itself.
    pub(super) fn decode(
        &mut self,
        context: &mut LlamaContext<'_>,
        batch: &mut LlamaBatch<'_>,
        meanwhile: &mut Meanwhile<'_>,
        lasted: &Cell<Option<Duration>>,
    ) -> Result<(), DecodeError> {
        self.is_done.store(false, Ordering::Release);
        let pass = Pass { context: std::ptr::from_mut(context).cast(), batch: std::ptr::from_mut(batch).cast() };
        if let Err(SendError(_)) = self.passes.send(pass) {
            // There is no such thread any more.
            return context.decode(batch);
        }
        let mut begun = Begun { ends: &self.ends, has_ended: false };
        meanwhile(&|| self.is_done.load(Ordering::Acquire));
        let (end, time) = begun.wait();
        lasted.set(Some(time));
        end
    }
}
