use std::io::{ErrorKind, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ureq::http::{HeaderMap, Response, StatusCode};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Error};

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
    let agent = agent(&job.options.endpoint, job.options);
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

/// What asks `address` for files.
pub(super) fn agent(address: &str, options: &FetchOptions) -> Agent {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .https_only(address.starts_with("https://"))
        // The system's certificates: offices often inspect traffic with one of their own.
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        .user_agent(concat!("taki/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .timeout_resolve(Some(options.connect_timeout))
        .timeout_connect(Some(options.connect_timeout))
        .timeout_recv_response(Some(options.stall_timeout))
        .timeout_per_read(Some(options.stall_timeout));
    if is_own(address) {
        config = config.proxy(None);
    }
    config.build().new_agent()
}

/// Whether `address` is on this computer.
pub(super) fn is_own(address: &str) -> bool {
    ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"].iter().any(|own| address.starts_with(own))
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
    let mut request = agent.get(url);
    if part.len() > 0 {
        request = request.header("Range", format!("bytes={}-", part.len()));
    }
    let response = request.call().map_err(|error| Miss::Again {
        reason: in_words(&error, job.options),
        wait: None,
        unreachable: true,
    })?;
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
        status => return Err(refusal(status, response.headers())),
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

/// Start and total of a `Content-Range: bytes 5-9/10`; the total may be unknown (`*`).
pub(super) fn range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let text = headers.get("content-range")?.to_str().ok()?;
    let (span, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let from = span.split_once('-')?.0.trim().parse().ok()?;
    Some((from, total.trim().parse().ok()))
}

/// Why a server does not give a file, in words.
pub(super) fn refused(status: StatusCode, headers: &HeaderMap) -> String {
    match refusal(status, headers) {
        Miss::Again { reason, .. } | Miss::Stop(Stop::Source { reason, .. }) => reason,
        Miss::Stop(_) => status.to_string(),
    }
}

fn refusal(status: StatusCode, headers: &HeaderMap) -> Miss {
    let number = status.as_u16();
    let wait = || {
        let seconds = headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    };
    let stop = |words: &str| Miss::Stop(Stop::source(format!("{words} ({number})")));
    match number {
        401 | 403 => stop("the server refuses access to the file"),
        404 | 410 => stop("the file is not there any more"),
        407 => stop("the proxy wants a name and a password"),
        429 => Miss::Again { reason: "too many requests (429)".to_owned(), wait: wait(), unreachable: false },
        408 | 500.. => {
            Miss::Again { reason: format!("the server has a problem ({number})"), wait: wait(), unreachable: false }
        }
        _ => stop("the server gave an unexpected answer"),
    }
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

pub(super) fn in_words(error: &Error, options: &FetchOptions) -> String {
    match error {
        Error::HostNotFound => "the server cannot be found".to_owned(),
        Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            format!("no connection within {} s", options.connect_timeout.as_secs_f32())
        }
        Error::Timeout(_) => format!("the server sent nothing for {} s", options.stall_timeout.as_secs_f32()),
        Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => "the server refuses connections".to_owned(),
        Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => "the connection ended early".to_owned(),
        Error::RequireHttpsOnly(_) => "the server leads to an unprotected address".to_owned(),
        Error::TooManyRedirects => "the server sends us around in circles".to_owned(),
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_nonsense_is_not() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("content-range", text.parse().unwrap());
            range(&headers)
        };
        assert_eq!(read("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(read("bytes 5-9/*"), Some((5, None)));
        for nonsense in ["", "bytes", "bytes */10", "items 5-9/10", "bytes x-9/10", "bytes -1-9/10"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
        assert_eq!(range(&HeaderMap::new()), None);
    }
}
