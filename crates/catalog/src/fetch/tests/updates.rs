use std::fs;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use protocol::{Code, Problem};
use url::Url;

use super::server::{Does, Server};
use crate::fetch::FetchOptions;
use crate::fetch::updates::UpdateSource;

fn at(server: &Server) -> UpdateSource {
    UpdateSource::of(&format!("{}/latest.json", server.endpoint), "").unwrap().unwrap()
}

fn package(source: &UpdateSource, named: &str) -> Result<Vec<u8>, Problem> {
    let options = FetchOptions { stall_timeout: Duration::from_millis(300), ..FetchOptions::default() };
    source.package(&source.resolve(named).unwrap(), &options, &AtomicBool::new(false), &mut |_| ())
}

#[test]
fn a_setting_is_off_or_a_folder_or_an_address_that_nobody_can_change_on_the_way() {
    let of = |text: &str, built_in: &str| UpdateSource::of(text, built_in);
    let address = |text: &str| UpdateSource::Address(Url::parse(text).unwrap());
    assert_eq!(of("", ""), Ok(None));
    assert_eq!(of("", "https://a.example/l.json"), Ok(Some(address("https://a.example/l.json"))));
    assert_eq!(of("off", "https://a.example/l.json"), Ok(Some(UpdateSource::Off)));
    assert_eq!(of("http://127.0.0.1:9/l.json", ""), Ok(Some(address("http://127.0.0.1:9/l.json"))));
    let folder = std::env::temp_dir();
    assert_eq!(of(folder.to_str().unwrap(), ""), Ok(Some(UpdateSource::Folder(folder))));
    for bad in
        ["http://a.example/l.json", "http://127.0.0.1@a.example/", "https://me:secret@a.example/", "a", "ftp://a/b"]
    {
        assert_eq!(of(bad, "").unwrap_err().code, Code::SettingInvalid, "{bad}");
    }
}

#[test]
fn what_is_named_lies_beside_the_list_or_where_it_says() {
    let source = UpdateSource::of("https://a.example/taki/latest.json", "").unwrap().unwrap();
    assert_eq!(source.resolve("Taki.deb").unwrap().as_str(), "https://a.example/taki/Taki.deb");
    assert_eq!(source.resolve("https://b.example/Taki.deb").unwrap().as_str(), "https://b.example/Taki.deb");
}

#[test]
fn a_server_gives_all_of_it_or_nothing() {
    let file = vec![7; 300_000];
    let server = Server::start(&file, [Does::Right, Does::Cut(100_000), Does::Silent(100_000)]);
    assert!(package(&at(&server), "p").unwrap() == file);
    for _ in 0..2 {
        assert_eq!(package(&at(&server), "p").unwrap_err().code, Code::UpdateSourceFailed);
    }
    assert!(package(&at(&server), "p").unwrap() == file, "it can be tried again");
}

#[test]
fn nobody_is_led_to_where_somebody_on_the_way_could_change_it() {
    let away = Does::Status("302 Found", "Location: http://a.example/p\r\n");
    let server = Server::start(b"p", [away]);
    for named in ["p", "http://a.example/p"] {
        let problem = package(&at(&server), named).unwrap_err();
        assert_eq!(problem.details["reason"], "the server leads to an unprotected address", "{named}");
    }
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn whoever_cancels_waits_for_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let source =
        UpdateSource::of(&format!("http://{}/latest.json", silent.local_addr().unwrap()), "").unwrap().unwrap();
    let cancel = AtomicBool::new(false);
    let stopped = thread::scope(|scope| {
        // It is asked, says nothing, and then somebody cancels.
        let asked = scope.spawn(|| {
            let asked = silent.accept().unwrap();
            cancel.store(true, Ordering::Release);
            asked
        });
        let stopped = source.package(&source.resolve("p").unwrap(), &FetchOptions::default(), &cancel, &mut |_| ());
        drop(asked.join().unwrap());
        stopped
    });
    assert_eq!(stopped.unwrap_err().code, Code::Cancelled);
}

#[test]
fn a_folder_gives_what_is_in_it_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("updates");
    fs::create_dir_all(inside.join("more")).unwrap();
    fs::write(folder.path().join("secret"), "s").unwrap();
    fs::write(inside.join("p"), "p").unwrap();
    let source = UpdateSource::Folder(inside);
    assert_eq!(package(&source, "p").unwrap(), b"p");
    for named in
        ["../secret", "%2e%2e/secret", "..%2fsecret", "more", "none", "https://a.example/p", "http://localhost/p"]
    {
        assert_eq!(package(&source, named).unwrap_err().code, Code::UpdateSourceFailed, "{named}");
    }
}
