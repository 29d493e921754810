//! What arrives, put together in its order. Connections are read on threads of their own, so that nobody who cancels has to wait for one.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};

use ureq::http::Response;
use ureq::{Body, Error};

use crate::fetch::asking::in_words;
use crate::fetch::hugging_face::Miss;
use crate::fetch::part::Part;
use crate::fetch::pieces::Plan;
use crate::fetch::{FetchOptions, GLANCE, Job};

/// Bytes that are read at a time.
const BITE: usize = 1 << 17;

/// Bites that may wait to be put together.
pub(super) const BITES: usize = 16;

/// What a connection has to tell.
pub(super) enum News {
    /// Bytes of the file, from `at` on.
    Came { at: u64, bytes: Vec<u8> },
    /// It has ended early.
    Lost(Miss),
    /// The file there is no longer the same.
    Changed,
}

/// Why reading a connection ended before all was there.
pub(super) enum Broken {
    /// In words.
    Early(String),
    /// Nobody listens any more.
    Unheard,
}

/// Reads a body to its end and tells what comes; `at` is where in the file it stands and is moved along.
pub(super) fn read(body: Body, at: &mut u64, tell: &SyncSender<News>, options: &FetchOptions) -> Result<(), Broken> {
    let mut body = body.into_reader();
    let mut bite = vec![0; BITE];
    loop {
        match body.read(&mut bite) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                let came = News::Came { at: *at, bytes: bite[..count].to_vec() };
                tell.send(came).map_err(|_| Broken::Unheard)?;
                *at += count as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Broken::Early(in_words(&Error::from(error), options))),
        }
    }
}

/// What comes over one connection, whose answer begins at `at`.
pub(super) fn in_one_go(response: Response<Body>, mut at: u64, job: &Job<'_, '_>) -> Receiver<News> {
    let (tell, news) = sync_channel(BITES);
    let options = job.options.clone();
    std::thread::spawn(move || {
        if let Err(Broken::Early(reason)) = read(response.into_body(), &mut at, &tell, &options) {
            let _ = tell.send(News::Lost(Miss::again(reason)));
        }
    });
    news
}

/// Appends what comes to the part until every connection has ended. With a `plan` there may be several of them.
pub(super) fn receive(
    job: &mut Job<'_, '_>,
    part: &mut Part,
    news: &Receiver<News>,
    plan: Option<&Plan>,
) -> Result<(), Miss> {
    let (mut early, mut waiting, mut lost) = (BTreeMap::new(), 0, None);
    loop {
        job.check_cancel()?;
        match news.recv_timeout(GLANCE) {
            Ok(News::Came { at, bytes }) => {
                waiting += bytes.len() as u64;
                early.insert(at, bytes);
                while let Some(bytes) = early.remove(&part.len()) {
                    waiting -= bytes.len() as u64;
                    part.set_ahead(waiting);
                    if plan.is_some_and(|plan| !plan.is_vouched_for()) {
                        part.resume();
                    }
                    part.append(job, &bytes, false)?;
                }
                part.set_ahead(waiting);
                part.report(job);
                if let Some(plan) = plan {
                    plan.appended(part.len());
                }
            }
            Ok(News::Lost(miss)) => lost = Some(worse(lost, miss)),
            Ok(News::Changed) => {
                part.restart(job)?;
                return Err(Miss::alone("the file changed on the way"));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) if part.is_whole() => return Ok(()),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(lost.unwrap_or_else(|| Miss::again("the connection ended early")));
            }
        }
    }
}

/// What is to be heeded of two: a refusal of several connections is not forgotten over a lost one.
fn worse(before: Option<Miss>, now: Miss) -> Miss {
    match (before, now) {
        (Some(Miss::Again { alone: true, wait: earlier, .. }), Miss::Again { reason, wait, unreachable, .. }) => {
            Miss::Again { reason, wait: wait.max(earlier), unreachable, alone: true }
        }
        (_, now) => now,
    }
}
