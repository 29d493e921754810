//! `bench --peers` with a program that speaks like llama-server. (The real one takes ten minutes to build: `make bench`.)

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;

use serde_json::{Value, json};

use crate::run::{Taki, finish, tell};

/// Answers every question with as many tokens as it may; with `TOY_STALLS` it never does. As long as it lives it holds a
/// connection to `TOY_LISTENER`, over which it first tells its options.
const TOY: &str = r#"#!/usr/bin/env python3
import http.server, json, os, socket, sys, time
if "--version" in sys.argv:
    print("version: 7 (toy)")
    sys.exit()
def tell(text):
    line = socket.create_connection(("127.0.0.1", int(os.environ["TOY_LISTENER"])))
    line.sendall((text + "\n").encode())
    return line
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def say(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self): self.say(b"{}")
    def do_POST(self):
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "TOY_STALLS" in os.environ:
            self.server.asked = tell("asked")
            time.sleep(1000)
        tokens = list(range(100, 100 + question["n_predict"]))
        timings = {"predicted_n": len(tokens), "predicted_ms": 0.5}
        self.say(json.dumps({"tokens": tokens, "tokens_evaluated": len(question["prompt"]), "timings": timings}).encode())
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler)
life = tell(" ".join(sys.argv[1:]))
server.serve_forever()
"#;

/// A run with the toy, and what its servers connect to.
fn bench(taki: &Taki, configs: &str) -> (Command, TcpListener) {
    let toy = taki.home.path().join("llama-server");
    fs::write(&toy, TOY).unwrap();
    fs::set_permissions(&toy, fs::Permissions::from_mode(0o755)).unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/copying.jsonl").display().to_string();
    let toy = toy.display().to_string();
    let args = ["bench", "--json", "--ladder", "smollm2", "--suite", &suite, "--limit", "1", "--max-tokens", "4"];
    let more = ["--repeats", "1", "--context", "1024", "--threads", "1", "--peers", &toy, "--configs", configs];
    let mut command = taki.command([&args[..], &more].concat());
    command.env("TOY_LISTENER", listener.local_addr().unwrap().port().to_string());
    (command, listener)
}

/// What a server said until its end; it does not return before the server has ended.
fn said(mut line: TcpStream) -> String {
    let mut text = String::new();
    line.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn servers_are_measured_beside_the_engine_and_end_with_the_bench() {
    let taki = Taki::with_models();
    let (command, listener) = bench(&taki, "adaptive,llama-server/none,llama-server/ngram-simple");
    let measured = finish(command, b"").good();
    assert_eq!(measured["llama_server"], json!("7 (toy)"));
    assert_eq!(measured["failed"], json!([]));
    let find = |list: &str, name: &str, value: &str| -> Value {
        let rows = measured[list].as_array().unwrap();
        rows.iter().find(|row| row["category"] == "all" && row[name] == value).cloned().unwrap_or_default()
    };
    let (off, none) = (find("rows", "config", "off"), find("rows", "config", "llama-server/none"));
    assert_eq!(none["prompts"], off["prompts"], "{none}");
    assert_eq!(none["tokens"].as_u64(), off["prompts"].as_u64().map(|prompts| 4 * prompts), "{none}");
    assert_eq!(none["same_as_off"], json!(0.0), "it says other tokens: {none}");
    let against = find("against", "peer", "llama-server/ngram-simple");
    assert!(against["config"] == "adaptive" && against["ratio"].as_f64().unwrap() > 0.0, "{against}");
    for _ in 0..2 {
        // Behind the servers' own: without it a server that never came would be waited for.
        drop(TcpStream::connect(listener.local_addr().unwrap()));
    }
    for _ in 0..2 {
        let options = said(listener.accept().unwrap().0);
        for part in ["--threads 1", "--ctx-size 1024", "--host 127.0.0.1", ".gguf"] {
            assert!(options.contains(part), "{options}");
        }
    }
}

#[test]
fn ctrl_c_ends_the_bench_and_its_servers() {
    let taki = Taki::with_models();
    let (mut command, listener) = bench(&taki, "llama-server/none");
    let child = command.env("TOY_STALLS", "1").spawn().unwrap();
    let (process, address) = (child.id(), listener.local_addr().unwrap());
    let bench = thread::spawn(move || {
        let output = child.wait_with_output().unwrap();
        // A bench that ended too soon must not be waited for.
        (0..2).for_each(|_| drop(TcpStream::connect(address)));
        output
    });
    let (life, asked) = (listener.accept().unwrap().0, listener.accept().unwrap().0);
    // It works on a question that it will never answer.
    tell(process, "INT");
    let (life, asked) = (said(life), said(asked));
    let output = bench.join().unwrap();
    assert!(life.contains("--spec-type none") && asked.contains("asked"), "{output:?}");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let last = String::from_utf8(output.stdout).unwrap();
    let error: Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
    assert_eq!(error["error"]["code"], json!("cancelled"));
}
