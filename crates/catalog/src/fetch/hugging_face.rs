use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use ureq::http::{HeaderMap, Method, Response, StatusCode};
use ureq::{Agent, Body};
use url::Url;

use crate::fetch::asking::{Answer, PAGE, agent, closed, in_words, is_page, range, refused, send};
use crate::fetch::part::Part;
use crate::fetch::pieces::{self, Place};
use crate::fetch::receiving::{in_one_go, receive};
use crate::fetch::{Cause, GLANCE, Job, Stop};

/// A failure after at least this many new bytes does not count towards giving up.
const REAL_PROGRESS: u64 = 1 << 20;

/// Fewer missing pieces than this are not worth several connections.
const FEW_PIECES: u64 = 4;

/// What came of one request.
pub(super) enum Miss {
    /// Asking again may help.
    Again {
        reason: String,
        /// How long the server wants to be left alone.
        wait: Option<Duration>,
        /// Whether no server answered at all.
        unreachable: bool,
        /// Whether only one connection may be used from now on.
        alone: bool,
    },
    /// It cannot help.
    Stop(Stop),
}

impl From<Stop> for Miss {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl Miss {
    pub(super) fn again(reason: impl Into<String>) -> Self {
        Self::Again { reason: reason.into(), wait: None, unreachable: false, alone: false }
    }

    /// The same over one connection.
    pub(super) fn alone(reason: impl Into<String>) -> Self {
        Self::Again { reason: reason.into(), wait: None, unreachable: false, alone: true }
    }
}

/// Downloads what the part lacks, over no more than so many `connections`. If `last` is false, a server that does not answer at all is given up
/// at once.
pub(super) fn fill(
    job: &mut Job<'_, '_>,
    part: &mut Part,
    (repository, revision): (&str, &str),
    last: bool,
    mut connections: usize,
) -> Result<(), Stop> {
    let url = job.model.address_in(&job.options.endpoint, repository, revision);
    let mut failures = 0;
    loop {
        let before = part.len();
        let asked = attempt(job, part, &url, connections);
        part.set_ahead(0);
        job.check_cancel()?;
        let (reason, wait, unreachable, alone) = match asked {
            Ok(()) => return Ok(()),
            Err(Miss::Stop(stop)) => return Err(stop),
            Err(Miss::Again { reason, wait, unreachable, alone }) => (reason, wait, unreachable, alone),
        };
        if alone {
            connections = 1;
        }
        if part.len() >= before + REAL_PROGRESS {
            failures = 0;
        }
        failures += 1;
        tracing::info!(model = %job.model.id, failures, %reason, bytes = part.len(), "download interrupted");
        if failures >= job.options.retry.attempts || (unreachable && !last) {
            return Err(Stop::source(reason));
        }
        job.meter.interrupted(reason, part.len());
        job.pause(job.options.retry.wait(failures, wait))?;
    }
}

fn attempt(job: &mut Job<'_, '_>, part: &mut Part, url: &str, connections: usize) -> Result<(), Miss> {
    let agent = agent(&job.options.endpoint, job.options);
    let agent = agent.map_err(|error| Stop::source(in_words(&error, job.options)))?;
    let asked = ask(job, part, &agent, url, connections);
    if asked.is_err() {
        // Nobody waits any longer for what may still come.
        agent.shutdown();
    }
    asked
}

fn ask(job: &mut Job<'_, '_>, part: &mut Part, agent: &Agent, url: &str, connections: usize) -> Result<(), Miss> {
    let (from, piece) = (part.len(), pieces::first_piece(job.options));
    let several = connections > 1 && part.missing() >= job.options.piece.max(1).saturating_mul(FEW_PIECES);
    let mut headers = Vec::new();
    if several {
        headers.push(("Range", format!("bytes={from}-{}", from + piece - 1)));
    } else if from > 0 {
        headers.push(("Range", format!("bytes={from}-")));
    }
    let Answer { response, url } = first(job, agent, url, headers)?;
    match response.status() {
        StatusCode::OK => {
            if is_page(response.headers()) && response.body().content_length() != Some(job.model.bytes) {
                return Err(Stop::source(PAGE).into());
            }
            check_length(&response, job.model.bytes)?;
            if from > 0 {
                part.restart(job)?;
            }
        }
        StatusCode::PARTIAL_CONTENT => match range(response.headers()) {
            Some((at, total)) if at == from && total.is_none_or(|total| total == job.model.bytes) => {
                part.resume();
                let is_piece = total.is_some() && response.body().content_length() == Some(piece);
                if several && is_piece {
                    let place = Place::of(agent, &response, url, job);
                    return pieces::receive(job, part, &place, response, connections);
                }
            }
            Some((_, Some(total))) if total != job.model.bytes => return Err(other_length(total, job.model.bytes)),
            _ => {
                part.restart(job)?;
                return Err(Miss::alone("the server sent another piece than it was asked for"));
            }
        },
        StatusCode::RANGE_NOT_SATISFIABLE => {
            part.restart(job)?;
            return Err(Miss::again("the server has a shorter file"));
        }
        status => return Err(refusal(status, response.headers(), &url, job)),
    }
    // A part of what was asked for, in a form that no second connection could rely on.
    let alone = several && response.status() == StatusCode::PARTIAL_CONTENT;
    receive(job, part, &in_one_go(response, part.len(), job), None).map_err(|miss| match miss {
        Miss::Again { reason, .. } if alone => Miss::alone(reason),
        miss => miss,
    })
}

/// The first answer, waited for on another thread: finding and connecting to a server cannot be broken off.
fn first(job: &Job<'_, '_>, agent: &Agent, url: &str, headers: Vec<(&'static str, String)>) -> Result<Answer, Miss> {
    let (agent, url, options) = (agent.clone(), url.to_owned(), job.options.clone());
    let (tell, told) = sync_channel(1);
    std::thread::spawn(move || {
        // Whoever asked may have gone.
        let _ = tell.send(send(&agent, &Method::GET, &url, &headers, &options, &|_, _| true));
    });
    loop {
        job.check_cancel()?;
        match told.recv_timeout(GLANCE) {
            Ok(answer) => {
                return answer.map_err(|error| Miss::Again {
                    reason: in_words(&error, job.options),
                    wait: None,
                    unreachable: true,
                    alone: false,
                });
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(Miss::again("the request was lost")),
        }
    }
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

fn refusal(status: StatusCode, headers: &HeaderMap, url: &Url, job: &Job<'_, '_>) -> Miss {
    let reason = refused(status, headers, job.options);
    match status.as_u16() {
        408 | 429 | 500..=510 | 512.. => Miss::Again { reason, wait: wait(headers), unreachable: false, alone: false },
        _ => {
            let cause = closed(status, url, job.options).map_or(Cause::Other, Cause::Closed);
            Miss::Stop(Stop::Source { reason, cause })
        }
    }
}

/// How long the server wants to be left alone.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
