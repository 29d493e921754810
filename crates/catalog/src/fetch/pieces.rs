//! One file over several connections, each of which fetches a piece after the other.

use std::ops::Range;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ureq::http::{Method, Response, StatusCode, header};
use ureq::{Agent, Body};
use url::Url;

use crate::fetch::asking::{PAGE, in_words, is_page, range, refused, send};
use crate::fetch::hugging_face::{Miss, wait};
use crate::fetch::part::Part;
use crate::fetch::receiving::{self, BITES, Broken, News};
use crate::fetch::{FetchOptions, Job};

/// Pieces beyond one for each connection that may wait for an earlier one.
const SPARE_PIECES: u64 = 2;

/// Bytes of the first pieces. What has come in of pieces behind one that is not whole is lost with a stop: on slow lines they stay small.
const LEAST: u64 = 1 << 20;

/// Pieces grow or shrink until one takes about so long: asking for each takes its time too.
const LASTS: Duration = Duration::from_secs(1);

/// Bytes of the first piece, which is asked for before anybody knows whether there will be others.
pub(super) fn first_piece(options: &FetchOptions) -> u64 {
    LEAST.min(options.piece.max(1))
}

/// Where the pieces of a file lie.
#[derive(Clone)]
pub(super) struct Place {
    agent: Agent,
    /// Where the first answer came from in the end: nobody has to be asked the way again.
    url: Url,
    /// What the server calls this very version of the file, if it says so.
    tag: Option<String>,
    /// Size of the file.
    bytes: u64,
    options: FetchOptions,
}

impl Place {
    pub(super) fn of(agent: &Agent, first: &Response<Body>, url: Url, job: &Job<'_, '_>) -> Self {
        let tag = first.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
        // A weak one promises less than the very same bytes.
        let tag = tag.filter(|tag| tag.starts_with('"')).map(str::to_owned);
        Self { agent: agent.clone(), url, tag, bytes: job.model.bytes, options: job.options.clone() }
    }
}

/// Who fetches what.
pub(super) struct Plan {
    state: Mutex<State>,
    changed: Condvar,
    /// Bytes that a piece has at most.
    most: u64,
    /// So many pieces ahead of the end of the part something may be fetched.
    ahead: u64,
    bytes: u64,
    /// Whether the server sees to it that all pieces are of one version.
    is_vouched_for: bool,
}

struct State {
    /// From here on nothing was handed out.
    next: u64,
    /// What connections that ended left undone.
    left: Vec<Range<u64>>,
    /// Bytes in the part.
    appended: u64,
    /// Bytes of a piece, now.
    piece: u64,
    over: bool,
}

impl Plan {
    /// The first piece, behind what was `appended`, is under way.
    fn new(appended: u64, ahead: u64, place: &Place) -> Self {
        let (most, piece) = (place.options.piece.max(1), first_piece(&place.options));
        let state = Mutex::new(State { next: appended + piece, left: Vec::new(), appended, piece, over: false });
        let is_vouched_for = place.tag.is_some();
        Self { state, changed: Condvar::new(), most, ahead, bytes: place.bytes, is_vouched_for }
    }

    /// A connection has fetched so many bytes in so long.
    fn took(&self, bytes: u64, time: Duration) {
        let mut state = self.state();
        state.piece = sized(state.piece, bytes, time, self.most);
    }

    pub(super) fn is_vouched_for(&self) -> bool {
        self.is_vouched_for
    }

    /// What to fetch next, the earliest first, waited for while enough lies ready; None when all is there.
    fn take(&self) -> Option<Errand<'_>> {
        let errand = |left| Some(Errand { plan: self, left });
        let mut state = self.state();
        loop {
            if state.over {
                return None;
            }
            let earliest = (0..state.left.len()).min_by_key(|at| state.left[*at].start);
            if let Some(at) = earliest {
                return errand(state.left.swap_remove(at));
            }
            let ahead = state.piece.saturating_mul(self.ahead);
            if state.next < self.bytes.min(state.appended.saturating_add(ahead)) {
                let from = state.next;
                state.next = self.bytes.min(from.saturating_add(state.piece));
                return errand(from..state.next);
            }
            // Also at the end: another connection may leave something undone.
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The part has so many bytes now.
    pub(super) fn appended(&self, bytes: u64) {
        let mut state = self.state();
        state.appended = bytes;
        state.over |= bytes == self.bytes;
        self.changed.notify_all();
    }

    fn end(&self) {
        self.state().over = true;
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes of the next pieces after those of `piece` bytes, when so many bytes took so long.
fn sized(piece: u64, bytes: u64, time: Duration, most: u64) -> u64 {
    let lasts = bytes as f64 * LASTS.as_secs_f64() / time.as_secs_f64().max(1e-3);
    // One that was quick by chance must not make all of them eight times as large.
    (lasts as u64).min(piece.saturating_mul(2)).clamp(LEAST.min(most), most)
}

/// A piece that one connection fetches. What it does not get done is left to the others, however it ends.
struct Errand<'p> {
    plan: &'p Plan,
    left: Range<u64>,
}

impl Drop for Errand<'_> {
    fn drop(&mut self) {
        if !self.left.is_empty() {
            self.plan.state().left.push(self.left.clone());
            self.plan.changed.notify_all();
        }
    }
}

/// Receives the rest of the part over so many `connections`, on the first of which the first piece is under way. A connection that fails leaves its
/// piece to the others.
pub(super) fn receive(
    job: &mut Job<'_, '_>,
    part: &mut Part,
    place: &Place,
    first: Response<Body>,
    connections: usize,
) -> Result<(), Miss> {
    let from = part.len();
    let plan = Arc::new(Plan::new(from, connections as u64 + SPARE_PIECES, place));
    let (tell, news) = sync_channel(BITES);
    let mut first = Some((first, from..plan.state().next));
    for _ in 0..connections {
        let (place, plan, tell, first) = (place.clone(), Arc::clone(&plan), tell.clone(), first.take());
        thread::spawn(move || fetch(&place, &plan, &tell, first));
    }
    drop(tell);
    let received = receiving::receive(job, part, &news, Some(&plan));
    plan.end();
    received
}

/// Fetches piece after piece over one connection, until all are there or it fails.
fn fetch(place: &Place, plan: &Plan, tell: &SyncSender<News>, mut begun: Option<(Response<Body>, Range<u64>)>) {
    let mut has_fetched = false;
    loop {
        let (answer, mut errand) = match begun.take() {
            Some((response, left)) => (Ok(response), Errand { plan, left }),
            None => match plan.take() {
                Some(errand) => (ask(place, &errand.left, has_fetched), errand),
                None => return,
            },
        };
        let (clock, from) = (Instant::now(), errand.left.start);
        let ended = answer.and_then(|response| {
            receiving::read(response.into_body(), &mut errand.left.start, tell, &place.options).map_err(|broken| {
                match broken {
                    Broken::Early(reason) => Some(News::Lost(Miss::again(reason))),
                    Broken::Unheard => None,
                }
            })
        });
        let news = match ended {
            Ok(()) if errand.left.is_empty() => {
                plan.took(errand.left.start - from, clock.elapsed());
                has_fetched = true;
                continue;
            }
            Ok(()) => Some(News::Lost(Miss::again("the connection ended early"))),
            Err(news) => news,
        };
        drop(errand);
        if let Some(news) = news {
            // Whoever listened may have gone.
            let _ = tell.send(news);
        }
        return;
    }
}

/// Asks for a piece; anything but exactly that piece is a refusal. `has_fetched` says whether this connection was given one before.
fn ask(place: &Place, span: &Range<u64>, has_fetched: bool) -> Result<Response<Body>, Option<News>> {
    let mut headers = vec![("Range", format!("bytes={}-{}", span.start, span.end - 1))];
    headers.extend(place.tag.iter().map(|tag| ("If-Range", tag.clone())));
    let answer = send(&place.agent, &Method::GET, place.url.as_str(), &headers, &place.options, &|_, _| true);
    let lost = |reason: String, wait, alone| Some(News::Lost(Miss::Again { reason, wait, unreachable: false, alone }));
    let response = answer.map_err(|error| lost(in_words(&error, &place.options), None, false))?.response;
    let headers = response.headers();
    match response.status() {
        StatusCode::PARTIAL_CONTENT => {
            let very = range(headers) == Some((span.start, Some(place.bytes)))
                && response.body().content_length() == Some(span.end - span.start);
            if very { Ok(response) } else { Err(lost("the server sent another piece".to_owned(), None, true)) }
        }
        StatusCode::OK if is_page(headers) => Err(lost(PAGE.to_owned(), None, true)),
        StatusCode::OK if place.tag.is_some() => Err(Some(News::Changed)),
        // Not too many connections, but an address that was good for some time: the way is asked again.
        status @ (StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED) if has_fetched => {
            Err(lost(refused(status, headers, &place.options), None, false))
        }
        status => Err(lost(refused(status, headers, &place.options), wait(headers), true)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_as_large_as_comes_in_a_second() {
        let (mib, second) = (1 << 20, Duration::from_secs(1));
        assert_eq!(sized(mib, mib, second / 10, 8 * mib), 2 * mib, "twice as large at most");
        assert_eq!(sized(4 * mib, 4 * mib, second / 10, 8 * mib), 8 * mib);
        assert_eq!(sized(8 * mib, 8 * mib, second / 10, 8 * mib), 8 * mib);
        assert_eq!(sized(8 * mib, 8 * mib, 4 * second, 8 * mib), 2 * mib, "a slow line has small ones");
        assert_eq!(sized(2 * mib, 2 * mib, 60 * second, 8 * mib), mib);
        assert_eq!(sized(100, 100, Duration::ZERO, 100), 100, "whoever wants them small has them small");
    }
}
