//! Who is shown the token, and what a repository tells of a file.

use std::io::{BufRead, BufReader, Write};
use std::thread;

use protocol::{Code, Language};

use super::bench::{Bench, hugging_face};
use super::server::{Does, Server};
use crate::fetch::{FetchOptions, Token, facts, look};
use crate::sample::Gguf;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const SHA: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn token() -> Option<Token> {
    Token::parse("HF_TOKEN", "hf_secret").unwrap()
}

fn sends_on(to: &str) -> Does {
    Does::Status("302 Found", format!("Location: {to}\r\n").leak())
}

#[test]
fn the_token_is_shown_to_the_endpoint_and_to_nobody_behind_it() {
    let mut bench = Bench::new(300_000, vec![hugging_face()]);
    (bench.options.token, bench.options.piece) = (token(), 1 << 16);
    let contents = bench.contents.clone();
    let elsewhere = Server::start(&contents, []);
    let there = format!("{}/signed?for=me", elsewhere.endpoint);
    // By way of its own host, to another one.
    let server =
        Server::with(&[], move |number, _| sends_on(if number == 0 { "/maker/renamed/m.gguf" } else { &there }));
    bench.options.endpoint.clone_from(&server.endpoint);
    bench.gets_it();
    assert!(server.seen().iter().all(|seen| seen.authorization.as_deref() == Some("Bearer hf_secret")));
    assert_eq!((server.seen().len(), server.seen()[1].path.as_str()), (2, "/maker/renamed/m.gguf"));
    assert!(elsewhere.seen().len() > 4, "pieces");
    assert!(elsewhere.seen().iter().all(|seen| seen.authorization.is_none() && seen.path == "/signed?for=me"));
}

#[test]
fn a_look_shows_the_token_to_the_endpoint_alone_too() {
    let file = Gguf::small().bytes();
    let (server, other) = (Server::start(&file, []), Server::start(&file, []));
    let options = FetchOptions { endpoint: server.endpoint.clone(), token: token(), ..FetchOptions::default() };
    for server in [&server, &other] {
        look(&format!("{}/m.gguf", server.endpoint), &options).unwrap();
    }
    assert_eq!(server.seen()[0].authorization.as_deref(), Some("Bearer hf_secret"));
    assert_eq!(other.seen()[0].authorization, None);
}

#[test]
fn a_gated_model_says_what_is_to_be_done() {
    let gated = Does::Status("403 Forbidden", "X-Error-Code: GatedRepo\r\n");
    for (answer, token, words) in [
        (gated.clone(), None, ["terms accepted", "and then a token"]),
        (gated, token(), ["terms accepted", "this token"]),
        (Does::Status("401 Unauthorized", ""), None, ["may not be there", "and then a token"]),
        (Does::Status("401 Unauthorized", ""), token(), ["may not be there", "this token"]),
    ] {
        let mut bench = Bench::new(1000, vec![hugging_face()]);
        let server = Server::start(&[], [answer]);
        bench.options.endpoint.clone_from(&server.endpoint);
        bench.options.token = token;
        let problem = bench.fails(Code::AccessRefused);
        let reason = &problem.details["reason"];
        assert!(words.iter().all(|word| reason.contains(word)), "{reason}");
        assert_eq!(problem.details["page"], format!("{}/maker/model", server.endpoint));
        for language in Language::ALL {
            let next = problem.next_step(language);
            let places = [problem.details["page"].as_str(), "taki models token", "›"];
            assert!(places.iter().all(|place| next.contains(place)), "{next}");
        }
        assert!(!format!("{problem:?}").contains("hf_secret"), "{problem:?}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn who_is_refused_by_another_than_the_repository_needs_no_token() {
    let mut bench = Bench::new(1000, vec![hugging_face()]);
    let elsewhere = Server::start(&[], [Does::Status("403 Forbidden", "")]);
    let server = Server::start(&[], [sends_on(&format!("{}/signed", elsewhere.endpoint))]);
    bench.options.endpoint.clone_from(&server.endpoint);
    bench.fails(Code::DownloadFailed);
    assert_eq!(elsewhere.seen().len(), 1);
}

fn told(commit: &str, tag: &str, size: &str) -> Does {
    let headers = [("X-Repo-Commit", commit), ("X-Linked-Etag", tag), ("X-Linked-Size", size)];
    let headers = headers.into_iter().filter(|(_, value)| !value.is_empty());
    let headers: String = headers.flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect();
    // As Hugging Face does: the file lies elsewhere.
    Does::Status("302 Found", format!("{headers}Location: http://127.0.0.1:1/elsewhere\r\n").leak())
}

fn at(server: &Server) -> FetchOptions {
    FetchOptions { endpoint: server.endpoint.clone(), token: token(), ..FetchOptions::default() }
}

#[test]
fn a_repository_tells_revision_hash_and_size_and_nothing_is_downloaded() {
    let tag = format!("\"{SHA}\"");
    let server = Server::start(
        &[],
        [told(COMMIT, &tag, "12345"), sends_on("/maker/renamed/resolve/v1/m.gguf"), told(COMMIT, SHA, "12345")],
    );
    for revision in [None, Some("v1")] {
        let facts = facts("maker/model", revision, "m.gguf", &at(&server)).unwrap();
        assert_eq!((facts.revision.as_str(), facts.sha256.as_str(), facts.bytes), (COMMIT, SHA, 12_345));
    }
    let paths: Vec<_> = server.seen().into_iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect();
    assert_eq!(
        paths,
        [
            "HEAD /maker/model/resolve/main/m.gguf",
            "HEAD /maker/model/resolve/v1/m.gguf",
            "HEAD /maker/renamed/resolve/v1/m.gguf",
        ]
    );
    assert!(server.seen().iter().all(|seen| seen.authorization.is_some()));
}

#[test]
fn facts_that_are_none_are_refused_with_a_reason() {
    let other = Server::start(&[], []);
    let away = sends_on(&format!("{}/m.gguf", other.endpoint));
    for (answer, word) in [
        (told("", SHA, "5"), "revision"),
        (told("main", SHA, "5"), "revision"),
        (told(&COMMIT.to_uppercase(), SHA, "5"), "revision"),
        (told(COMMIT, "", "5"), "SHA-256"),
        (told(COMMIT, &SHA[1..], "5"), "SHA-256"),
        (told(COMMIT, "\"../../etc\"", "5"), "SHA-256"),
        (told(COMMIT, SHA, ""), "size"),
        (told(COMMIT, SHA, "0"), "size"),
        (told(COMMIT, SHA, "-5"), "size"),
        (told(COMMIT, SHA, "99999999999999999999999"), "size"),
        (away, "revision"),
        (sends_on("/round/and/round"), ""),
        (Does::Status("404 Not Found", ""), "not there"),
        (Does::Status("401 Unauthorized", "X-Error-Code: GatedRepo\r\n"), "terms accepted"),
        (Does::Status("500 Internal Server Error", ""), "problem"),
        (Does::HangUp, ""),
    ] {
        let server = Server::with(&[], move |_, _| answer.clone());
        let problem = facts("maker/model", None, "m.gguf", &at(&server)).unwrap_err();
        let code = match word {
            "not there" => Code::NotThere,
            "terms accepted" => Code::AccessRefused,
            _ => Code::LookUpFailed,
        };
        assert_eq!(problem.code, code);
        assert!(problem.details["reason"].contains(word), "{word}: {problem:?}");
    }
    assert_eq!(other.seen().len(), 0, "another host knows nothing of it");
    let server = Server::with(&[], |_, _| told(COMMIT, SHA, "5"));
    let other = COMMIT.replace('0', "1");
    let problem = facts("maker/model", Some(&other), "m.gguf", &at(&server)).unwrap_err();
    assert!(problem.details["reason"].contains("another revision"), "{problem:?}");
}

#[test]
fn names_that_could_lead_elsewhere_are_never_part_of_an_address() {
    let server = Server::start(&[], []);
    for (repository, revision, file) in [
        ("maker", None, "m.gguf"),
        ("maker/../other", None, "m.gguf"),
        ("../maker/model", None, "m.gguf"),
        ("maker/model?x", None, "m.gguf"),
        ("maker/mo#del", None, "m.gguf"),
        ("maker/", None, "m.gguf"),
        ("@evil.example/model", None, "m.gguf"),
        ("maker/model", Some("refs/../.."), "m.gguf"),
        ("maker/model", Some(""), "m.gguf"),
        ("maker/model", Some("a b"), "m.gguf"),
        ("maker/model", None, "../m.gguf"),
        ("maker/model", None, "m.gguf?download=true"),
        ("maker/model", None, "m\r\nHost: evil"),
        ("maker/model", None, ".gguf"),
        ("maker/model", None, ""),
    ] {
        let problem = facts(repository, revision, file, &at(&server)).unwrap_err();
        assert_eq!(problem.code, Code::LookUpFailed, "{repository} {revision:?} {file}");
    }
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn a_proxy_of_the_settings_is_asked_for_other_hosts_only() {
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let seen = thread::spawn(move || {
        let (stream, _) = proxy.accept().unwrap();
        BufReader::new(stream).lines().next().unwrap().unwrap()
    });
    let server = Server::with(&[], |_, _| told(COMMIT, SHA, "5"));
    let own = FetchOptions { proxy: Some(address.clone()), ..at(&server) };
    facts("maker/model", None, "m.gguf", &own).unwrap();
    let far =
        FetchOptions { endpoint: "https://models.example".into(), proxy: Some(address), ..FetchOptions::default() };
    facts("maker/model", None, "m.gguf", &far).unwrap_err();
    let seen = seen.join().unwrap();
    assert!(seen.starts_with("CONNECT models.example:443"), "{seen}");
}

#[test]
fn a_proxy_that_is_wrong_is_named_without_its_password() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = |host: &str| {
        let endpoint = "https://models.example".to_owned();
        let proxy = Some(format!("http://me:secret@{host}:{port}"));
        facts("maker/model", None, "m.gguf", &FetchOptions { endpoint, proxy, ..FetchOptions::default() }).unwrap_err()
    };
    let answers = thread::spawn(move || {
        for status in ["407 Proxy Authentication Required", "405 Method Not Allowed"] {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").unwrap();
        }
    });
    let [password, none] = [asked("127.0.0.1"), asked("127.0.0.1")];
    answers.join().unwrap();
    // Nobody listens any more.
    let gone = asked("127.0.0.1");
    for (problem, host, what) in [
        (&password, "127.0.0.1", "wants a name and a password"),
        (&none, "127.0.0.1", "lets nothing through"),
        (&gone, "127.0.0.1", "could not be reached"),
        (&asked("no-such-proxy.invalid"), "no-such-proxy.invalid", "could not be reached"),
    ] {
        let reason = &problem.details["reason"];
        assert_eq!(*reason, format!("the proxy {host}:{port} {what}: it stands in the settings"));
        assert!(problem.details["reason_ja"].contains("設定"), "{problem:?}");
        assert!(!format!("{problem:?}").contains("secret"), "{problem:?}");
    }
}
