use std::io::{ErrorKind, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ureq::http::{HeaderMap, Method, Response, StatusCode};
use ureq::{Agent, Body, Error};

use crate::fetch::asking::{agent, in_words, range, refused, send};
use crate::fetch::part::Part;
use crate::fetch::{FetchOptions, GLANCE, Job, Stop};

/// A failure after at least this many new bytes does not count towards giving up.
const REAL_PROGRESS: u64 = 1 << 20;

/// What came of one request.
enum Miss {
    /// Asking again may help.
    Again {
        reason: String,
        /// How long the server wants to be left alone.
        wait: Option<Duration>,
        /// Whether no server answered at all.
        unreachable: bool,
    },
    /// It cannot help.
    Stop(Stop),
}

impl From<Stop> for Miss {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

fn again(reason: impl Into<String>) -> Miss {
    Miss::Again { reason: reason.into(), wait: None, unreachable: false }
}

/// Downloads what the part lacks. If `last` is false, a server that does not answer at all is given up at once.
pub(super) fn fill(
    job: &mut Job<'_, '_>,
    part: &mut Part,
    repository: &str,
    revision: &str,
    last: bool,
) -> Result<(), Stop> {
    let url = job.model.address_in(&job.options.endpoint, repository, revision);
    let agent =
        agent(&job.options.endpoint, job.options).map_err(|error| Stop::source(in_words(&error, job.options)))?;
    let over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        // Closes the connection when the user cancels: the reading side may be waiting for a silent server.
        let (watched, cancel, over) = (agent.clone(), job.cancel, &over);
        let watch = threads.spawn(move || {
            while !over.load(Ordering::Acquire) {
                if cancel.load(Ordering::Relaxed) {
                    return watched.shutdown();
                }
                std::thread::park_timeout(GLANCE);
            }
        });
        let filled = ask_until_whole(job, part, &agent, &url, last);
        over.store(true, Ordering::Release);
        watch.thread().unpark();
        filled
    })
}

fn ask_until_whole(job: &mut Job<'_, '_>, part: &mut Part, agent: &Agent, url: &str, last: bool) -> Result<(), Stop> {
    let mut failures = 0;
    loop {
        let before = part.len();
        let asked = ask(job, part, agent, url);
        job.check_cancel()?;
        let (reason, wait, unreachable) = match asked {
            Ok(()) => return Ok(()),
            Err(Miss::Stop(stop)) => return Err(stop),
            Err(Miss::Again { reason, wait, unreachable }) => (reason, wait, unreachable),
        };
        if part.len() >= before + REAL_PROGRESS {
            failures = 0;
        }
        failures += 1;
        tracing::info!(model = %job.model.id, failures, %reason, bytes = part.len(), "download interrupted");
        if failures >= job.options.retry.attempts || (unreachable && !last) {
            return Err(Stop::source(reason));
        }
        job.pause(job.options.retry.wait(failures, wait))?;
    }
}

fn ask(job: &mut Job<'_, '_>, part: &mut Part, agent: &Agent, url: &str) -> Result<(), Miss> {
    let mut headers = Vec::new();
    if part.len() > 0 {
        headers.push(("Range", format!("bytes={}-", part.len())));
    }
    let answer = send(agent, &Method::GET, url, &headers, job.options, &|_, _| true);
    let response = answer
        .map_err(|error| Miss::Again { reason: in_words(&error, job.options), wait: None, unreachable: true })?
        .response;
    match response.status() {
        StatusCode::OK => {
            check_length(&response, job.model.bytes)?;
            if part.len() > 0 {
                part.restart(job)?;
            }
        }
        StatusCode::PARTIAL_CONTENT => match range(response.headers()) {
            Some((from, total)) if from == part.len() && total.is_none_or(|total| total == job.model.bytes) => {
                part.resume();
            }
            Some((_, Some(total))) if total != job.model.bytes => return Err(other_length(total, job.model.bytes)),
            _ => {
                part.restart(job)?;
                return Err(again("the server sent another piece than it was asked for"));
            }
        },
        StatusCode::RANGE_NOT_SATISFIABLE => {
            part.restart(job)?;
            return Err(again("the server has a shorter file"));
        }
        status => return Err(refusal(status, response.headers(), job.options)),
    }
    receive(job, part, response)
}

fn check_length(response: &Response<Body>, want: u64) -> Result<(), Miss> {
    match response.body().content_length() {
        Some(length) if length != want => Err(other_length(length, want)),
        _ => Ok(()),
    }
}

fn other_length(length: u64, want: u64) -> Miss {
    Miss::Stop(Stop::mismatch(format!("the file there has {length} bytes instead of {want}")))
}

fn refusal(status: StatusCode, headers: &HeaderMap, options: &FetchOptions) -> Miss {
    let reason = refused(status, headers, options);
    match status.as_u16() {
        408 | 429 | 500.. => Miss::Again { reason, wait: wait(headers), unreachable: false },
        _ => Miss::Stop(Stop::source(reason)),
    }
}

/// How long the server wants to be left alone.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn receive(job: &mut Job<'_, '_>, part: &mut Part, response: Response<Body>) -> Result<(), Miss> {
    let mut body = response.into_body().into_reader();
    let mut piece = vec![0; 1 << 17];
    loop {
        match body.read(&mut piece) {
            Ok(0) if part.is_whole() => return Ok(()),
            Ok(0) => return Err(again("the connection ended early")),
            Ok(count) => part.append(job, &piece[..count], false)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(again(in_words(&Error::from(error), job.options))),
        }
    }
}
