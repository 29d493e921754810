use protocol::Code;

use super::server::{Does, Server};
use crate::fetch::{FetchOptions, look};
use crate::sample::Gguf;

fn file() -> Vec<u8> {
    // Weights that nobody waits for.
    let mut gguf = Gguf::small();
    gguf.tensors[1] = ("output_norm.weight".into(), vec![1 << 20], 0, 64);
    gguf.data = 64 + (4 << 20);
    gguf.bytes()
}

#[test]
fn a_header_is_read_from_an_address_and_nothing_more() {
    let file = file();
    let server = Server::start(&file, [Does::Cut(20_000), Does::NoRanges]);
    let options = FetchOptions { endpoint: server.endpoint.clone(), ..FetchOptions::default() };
    let address = format!("{}/maker/model/blob/main/m.gguf", server.endpoint);
    for what in ["a connection that ends behind it", "a server without ranges"] {
        let header = look(&address, &options).unwrap_or_else(|problem| panic!("{what}: {problem:?}"));
        assert_eq!((header.architecture.as_str(), header.file_bytes), ("llama", file.len() as u64), "{what}");
    }
    assert_eq!(server.seen()[0].path, "/maker/model/resolve/main/m.gguf", "not the page about it");
    look(&address, &FetchOptions::default()).unwrap();
    assert_eq!(server.seen()[2].path, "/maker/model/blob/main/m.gguf", "others may call a file so");
}

#[test]
fn whoever_is_refused_a_look_is_told_the_page_of_the_repository() {
    let refused = vec![Does::Status("401 Unauthorized", "X-Error-Code: GatedRepo\r\n"); 2];
    let (server, other) = (Server::start(&[], refused.clone()), Server::start(&[], refused));
    let options = FetchOptions { endpoint: server.endpoint.clone(), ..FetchOptions::default() };
    let problem = |of: &Server| look(&format!("{}/maker/model/blob/main/m.gguf", of.endpoint), &options).unwrap_err();
    let told = problem(&server);
    assert_eq!((told.code, &told.details["page"]), (Code::AccessRefused, &format!("{}/maker/model", server.endpoint)));
    assert_eq!(problem(&other).code, Code::LookUpFailed, "a token would not go there");
}

#[test]
fn what_comes_from_an_address_is_not_believed() {
    let page = b"<html>Please log in</html>".to_vec();
    let server = Server::start(
        &file(),
        [
            Does::Status("404 Not Found", ""),
            Does::Status("401 Unauthorized", ""),
            Does::Cut(40),
            Does::HangUp,
            Does::Other(page),
            Does::Endless,
            Does::Other(Vec::new()),
        ],
    );
    let address = format!("{}/m.gguf", server.endpoint);
    let code = || look(&address, &FetchOptions::default()).map(|_| ()).unwrap_err();
    for (code, expected, word) in [
        (code(), Code::NotThere, "404"),
        (code(), Code::LookUpFailed, "401"),
        (code(), Code::LookUpFailed, "early"),
        (code(), Code::LookUpFailed, ""),
        (code(), Code::NotGguf, ""),
        (code(), Code::LookUpFailed, "large"),
        (code(), Code::ModelEmpty, ""),
    ] {
        assert_eq!(code.code, expected, "{code:?}");
        assert!(code.details.values().any(|detail| detail.contains(word)), "{code:?}");
    }
    for address in [
        "http://models.example/m.gguf",
        "http://127.0.0.1:80@models.example/m.gguf",
        "http://localhost.models.example/m.gguf",
        "ftp://x/m.gguf",
        "file:///etc/passwd",
    ] {
        assert_eq!(look(address, &FetchOptions::default()).unwrap_err().code, Code::AddressUnusable, "{address}");
    }
}
