//! An HTTP server on loopback that misbehaves as it is told.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the server does with one request.
#[derive(Debug, Clone)]
pub(crate) enum Does {
    /// Sends what was asked for, from where it was asked for.
    Right,
    /// Sends the whole file whatever was asked for.
    NoRanges,
    /// Promises all that was asked for and closes after so many bytes of it.
    Cut(usize),
    /// Promises all and falls silent after so many bytes.
    Silent(usize),
    /// Sends these bytes as if they were the file, from where it was asked for.
    Other(Vec<u8>),
    /// Answers a question for the end of the file with its beginning, and says so.
    OtherPiece,
    /// Sends the file without saying how long it is, and goes on with rubbish.
    Endless,
    /// Answers with this status line and these headers.
    Status(&'static str, &'static str),
    /// Closes the connection without a word.
    HangUp,
}

/// A server for one file; its requests are handled in the order of the script, then all with [`Does::Right`].
pub(crate) struct Server {
    pub(crate) endpoint: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) path: String,
    /// First byte that was asked for.
    pub(crate) from: Option<usize>,
}

impl Server {
    pub(crate) fn start(file: &[u8], script: impl IntoIterator<Item = Does>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(Mutex::new(script.into_iter().collect::<VecDeque<_>>()));
        let (file, requests) = (file.to_vec(), Arc::clone(&seen));
        // Lives as long as the test process: a listener cannot be woken without a connection.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (file, requests, script) = (file.clone(), Arc::clone(&requests), Arc::clone(&script));
                thread::spawn(move || {
                    let Some(request) = request(&stream) else { return };
                    requests.lock().unwrap().push(request.clone());
                    let does = script.lock().unwrap().pop_front().unwrap_or(Does::Right);
                    // The client may have gone.
                    let _ = answer(stream, &request, &file, &does);
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
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let mut from = None;
    for line in lines.take_while(|line| !line.is_empty()) {
        let line = line.to_lowercase();
        if let Some(range) = line.strip_prefix("range: bytes=") {
            from = range.strip_suffix('-').and_then(|from| from.parse().ok());
        }
    }
    Some(Seen { path, from })
}

fn answer(mut to: TcpStream, request: &Seen, file: &[u8], does: &Does) -> std::io::Result<()> {
    let from = request.from.unwrap_or(0);
    match does {
        Does::Right => {
            head(&mut to, request.from, file.len())?;
            to.write_all(&file[from.min(file.len())..])
        }
        Does::NoRanges => {
            head(&mut to, None, file.len())?;
            to.write_all(file)
        }
        Does::Cut(count) => {
            head(&mut to, request.from, file.len())?;
            to.write_all(&file[from..][..*count])
        }
        Does::Silent(count) => {
            head(&mut to, request.from, file.len())?;
            to.write_all(&file[from..][..*count])?;
            // Until the client has had enough.
            to.read(&mut [0; 1]).map(drop)
        }
        Does::Other(other) => {
            head(&mut to, request.from, other.len())?;
            to.write_all(&other[from.min(other.len())..])
        }
        Does::OtherPiece => {
            head(&mut to, Some(0), file.len())?;
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

fn head(to: &mut TcpStream, from: Option<usize>, len: usize) -> std::io::Result<()> {
    match from {
        None => write!(to, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n"),
        Some(from) if from >= len => {
            write!(to, "HTTP/1.1 416 Range Not Satisfiable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        }
        Some(from) => write!(
            to,
            "HTTP/1.1 206 Partial Content\r\nConnection: close\r\nContent-Length: {}\r\nContent-Range: bytes {from}-{}/{len}\r\n\r\n",
            len - from,
            len - 1
        ),
    }
}
