//! An HTTP server on loopback that misbehaves as it is told.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::thread;

/// What the server does with one request.
#[derive(Debug, Clone)]
pub(crate) enum Does {
    /// Sends what was asked for.
    Right,
    /// Sends the whole file whatever was asked for.
    NoRanges,
    /// Promises all that was asked for and closes after so many bytes of it.
    Cut(usize),
    /// Promises all and falls silent after so many bytes.
    Silent(usize),
    /// Sends what was asked for out of these bytes, as if they were the file.
    Other(Vec<u8>),
    /// The same; it is the version of this name. Whoever asks for a piece of another version gets the whole of this one.
    Version(Vec<u8>, &'static str),
    /// Answers a question for some of the file with its beginning, and says so.
    OtherPiece,
    /// Sends the file without saying how long it is, and goes on with rubbish.
    Endless,
    /// Answers with this status line and these headers.
    Status(&'static str, &'static str),
    /// Closes the connection without a word.
    HangUp,
}

/// A server for one file.
pub(crate) struct Server {
    pub(crate) endpoint: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    /// First byte that was asked for.
    pub(crate) from: Option<usize>,
    /// Last byte that was asked for.
    pub(crate) to: Option<usize>,
    /// What it shows of who asks.
    pub(crate) authorization: Option<String>,
    /// Version that it wants a piece of.
    if_range: Option<String>,
}

impl Server {
    /// Handles requests in the order of the script, then all with [`Does::Right`].
    pub(crate) fn start(file: &[u8], script: impl IntoIterator<Item = Does>) -> Self {
        let script = Mutex::new(script.into_iter().collect::<VecDeque<_>>());
        Self::with(file, move |_, _| script.lock().unwrap().pop_front().unwrap_or(Does::Right))
    }

    /// Handles each request as `does` says of its number, from 0, and itself.
    pub(crate) fn with(file: &[u8], does: impl Fn(usize, &Seen) -> Does + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let does = Arc::new(does);
        let (file, requests) = (file.to_vec(), Arc::clone(&seen));
        // Lives as long as the test process: a listener cannot be woken without a connection.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (file, requests, does) = (file.clone(), Arc::clone(&requests), Arc::clone(&does));
                thread::spawn(move || {
                    let Some(request) = request(&stream) else { return };
                    let number = {
                        let mut requests = requests.lock().unwrap();
                        requests.push(request.clone());
                        requests.len() - 1
                    };
                    // The client may have gone.
                    let _ = answer(stream, &request, &file, &does(number, &request));
                });
            }
        });
        Self { endpoint, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// From where each request wanted the file.
    pub(crate) fn starts(&self) -> Vec<Option<usize>> {
        self.seen().into_iter().map(|request| request.from).collect()
    }
}

fn request(stream: &TcpStream) -> Option<Seen> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next()?;
    let mut words = first.split(' ').map(str::to_owned);
    let mut seen = Seen { method: words.next()?, path: words.next()?, ..Seen::default() };
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ")?;
        match name.to_lowercase().as_str() {
            "range" => {
                let (from, to) = value.strip_prefix("bytes=")?.split_once('-')?;
                (seen.from, seen.to) = (from.parse().ok(), to.parse().ok());
            }
            "authorization" => seen.authorization = Some(value.to_owned()),
            "if-range" => seen.if_range = Some(value.to_owned()),
            _ => {}
        }
    }
    Some(seen)
}

impl Seen {
    /// What of a file of `len` bytes it asks for; None for all of it.
    fn span(&self, len: usize) -> Option<Range<usize>> {
        let from = self.from?;
        Some(from..self.to.map_or(len, |to| (to + 1).min(len)))
    }
}

fn answer(mut to: TcpStream, request: &Seen, file: &[u8], does: &Does) -> std::io::Result<()> {
    let span = request.span(file.len());
    match does {
        Does::Right => right(&mut to, request, file, ""),
        Does::NoRanges => {
            head(&mut to, None, file.len(), "")?;
            to.write_all(file)
        }
        Does::Cut(count) | Does::Silent(count) => {
            head(&mut to, span.clone(), file.len(), "")?;
            let asked = &file[span.unwrap_or(0..file.len())];
            to.write_all(&asked[..(*count).min(asked.len())])?;
            if matches!(does, Does::Silent(_)) {
                // Until the client has had enough.
                let _ = to.read(&mut [0; 1])?;
            }
            Ok(())
        }
        Does::Other(other) => right(&mut to, request, other, ""),
        Does::Version(version, tag) => {
            let other = request.if_range.as_ref().is_some_and(|wanted| wanted != tag);
            let whole = Seen { from: None, ..request.clone() };
            right(&mut to, if other { &whole } else { request }, version, &format!("ETag: {tag}\r\n"))
        }
        Does::OtherPiece => {
            head(&mut to, Some(0..file.len()), file.len(), "")?;
            to.write_all(file)
        }
        Does::Endless => {
            to.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            to.write_all(file)?;
            to.write_all(&[7; 5000])
        }
        Does::Status(status, headers) => {
            write!(to, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n{headers}\r\n")
        }
        Does::HangUp => Ok(()),
    }
}

fn right(to: &mut TcpStream, request: &Seen, file: &[u8], headers: &str) -> std::io::Result<()> {
    let span = request.span(file.len());
    head(to, span.clone(), file.len(), headers)?;
    to.write_all(file.get(span.unwrap_or(0..file.len())).unwrap_or_default())
}

fn head(to: &mut TcpStream, span: Option<Range<usize>>, len: usize, headers: &str) -> std::io::Result<()> {
    let headers = format!("Connection: close\r\n{headers}");
    match span {
        None => write!(to, "HTTP/1.1 200 OK\r\n{headers}Content-Length: {len}\r\n\r\n"),
        Some(span) if span.start >= len => {
            write!(to, "HTTP/1.1 416 Range Not Satisfiable\r\n{headers}Content-Length: 0\r\n\r\n")
        }
        Some(Range { start, end }) => write!(
            to,
            "HTTP/1.1 206 Partial Content\r\n{headers}Content-Length: {}\r\nContent-Range: bytes {start}-{}/{len}\r\n\r\n",
            end - start,
            end - 1
        ),
    }
}
