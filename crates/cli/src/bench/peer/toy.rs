//! A server that answers like llama-server, or misbehaves, on a real port of this computer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::{Value, json};

/// How it behaves once it has answered the first `good` questions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Behaviour {
    /// Goes on answering.
    Answers,
    /// Says that it cannot.
    Refuses,
    /// Says nothing and keeps the connection.
    Stalls,
    /// Closes the connection in the middle of a reply.
    Dies,
    /// Replies with something else.
    Babbles,
    /// Reads less than the whole prompt.
    Truncates,
}

/// A running server. What it was asked can be looked at.
pub(crate) struct Toy {
    pub(crate) address: SocketAddr,
    pub(crate) asked: Receiver<Value>,
    /// Lets go of stalled connections when it is dropped.
    _end: Sender<()>,
}

impl Toy {
    /// Answers `good` questions with `answer`, then behaves as said.
    pub(crate) fn start(answer: &[u32], good: usize, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (heard, asked) = channel();
        let (end, ended) = channel::<()>();
        let answer = answer.to_vec();
        thread::spawn(move || {
            for (index, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { return };
                let now = if index < good { Behaviour::Answers } else { behaviour };
                if let Some(stalled) = reply(stream, &answer, now, &heard) {
                    let _ = ended.recv();
                    drop(stalled);
                    return;
                }
            }
        });
        Self { address, asked, _end: end }
    }
}

/// Takes one question; a stalled connection comes back.
fn reply(mut stream: TcpStream, answer: &[u32], behaviour: Behaviour, heard: &Sender<Value>) -> Option<TcpStream> {
    let question = read(&stream)?;
    let prompt = question["prompt"].as_array().map_or(0, Vec::len);
    let most = question["n_predict"].as_u64().unwrap() as usize;
    let _ = heard.send(question);
    let tokens = &answer[..most.min(answer.len())];
    let good = |read: usize| {
        let timings = json!({
            "predicted_n": tokens.len(), "predicted_ms": 0.001, "draft_n": 3, "draft_n_accepted": 1
        });
        json!({ "content": "", "tokens": tokens, "tokens_evaluated": read, "timings": timings }).to_string()
    };
    let (status, body) = match behaviour {
        Behaviour::Answers | Behaviour::Dies => ("200 OK", good(prompt)),
        Behaviour::Truncates => ("200 OK", good(prompt - 1)),
        Behaviour::Babbles => ("200 OK", "<html>hello</html>".to_owned()),
        Behaviour::Refuses => ("400 Bad Request", "{\"error\":{\"message\":\"too long\"}}".to_owned()),
        Behaviour::Stalls => return Some(stream),
    };
    let sent = if behaviour == Behaviour::Dies { &body[..body.len() / 2] } else { &body };
    let status_line = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(format!("{status_line}{sent}").as_bytes());
    None
}

/// The JSON of a request.
fn read(stream: &TcpStream) -> Option<Value> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).ok()? > 2 {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
