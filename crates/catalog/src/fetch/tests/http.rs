use std::fs::{self, TryLockError};
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use protocol::Code;

use super::bench::{Bench, Filling, hugging_face, parts};
use super::server::{Does, Server};
use crate::fetch::{SourceChoice, SourceKind, discardable, is_ours};

const BYTES: usize = 3_000_000;

fn bench(script: impl IntoIterator<Item = Does>) -> (Bench, Server) {
    let mut bench = Bench::new(BYTES, vec![hugging_face()]);
    let server = Server::start(&bench.contents, script);
    bench.options.endpoint.clone_from(&server.endpoint);
    (bench, server)
}

#[test]
fn a_file_comes_whole_with_progress_that_only_grows() {
    let (mut bench, server) = bench([]);
    bench.gets_it();
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].path, "/maker/model/resolve/0123abc/m.gguf");
    assert!(bench.reports.is_sorted_by_key(|report| report.done_bytes), "{:?}", bench.reports);
    assert!(bench.reports.iter().all(|report| report.source == Some(SourceKind::HuggingFace)));
    // It is there: nobody is asked again.
    bench.fetch().unwrap();
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn what_was_cut_off_is_gone_on_with() {
    let (mut bench, server) = bench([Does::Cut(1_200_000), Does::HangUp, Does::Cut(300_000)]);
    bench.options.retry.attempts = 4;
    bench.gets_it();
    assert_eq!(server.starts(), [None, Some(1_200_000), Some(1_200_000), Some(1_500_000)]);
    assert_eq!(bench.waited(), Duration::from_secs(1 + 2 + 4));
    let told: Vec<_> =
        bench.reports.iter().filter(|report| report.interrupted.is_some()).map(|report| report.done_bytes).collect();
    assert_eq!(told, [1_200_000, 1_200_000, 1_500_000], "and that it is tried again is told");
    assert!(bench.reports.last().is_some_and(|report| report.interrupted.is_none()));
}

#[test]
fn another_program_run_goes_on_where_the_last_one_stopped() {
    let (mut bench, server) = bench([Does::Cut(700_000), Does::HangUp, Does::HangUp, Does::HangUp, Does::HangUp]);
    let problem = bench.fails(Code::DownloadFailed);
    assert!(problem.details["reason"].starts_with("the mirror 127.0.0.1:"), "{problem:?}");
    assert_eq!(bench.part(), 700_000);
    let before = server.seen().len();
    bench.reports.clear();
    // The script may still hold a refusal or two.
    assert!((0..3).any(|_| bench.fetch().is_ok()));
    assert!(server.starts()[before..].iter().all(|from| *from == Some(700_000)), "{:?}", server.starts());
    bench.gets_it_was_there();
}

impl Bench {
    fn gets_it_was_there(&self) {
        assert!(fs::read(self.store.path_of(&self.model).unwrap()).unwrap() == self.contents);
    }
}

#[test]
fn a_page_that_wants_a_login_is_no_reason_for_another_taki() {
    for there in [0, 700_000] {
        let page = Does::Status("200 OK", "Content-Type: text/html; charset=utf-8\r\n");
        let before = (there > 0).then_some(Does::Cut(there));
        let (mut bench, _server) = bench(before.into_iter().chain([page]));
        let problem = bench.fails(Code::DownloadFailed);
        assert!(problem.details["reason"].contains("may want a login"), "{problem:?}");
        assert_eq!(bench.part(), there as u64, "what is here is gone on with");
    }
}

#[test]
fn a_server_without_ranges_sends_it_all_again() {
    let (mut bench, server) = bench([Does::Cut(1_000_000), Does::NoRanges]);
    bench.gets_it();
    assert_eq!(server.starts(), [None, Some(1_000_000)]);
}

#[test]
fn another_piece_than_asked_for_is_not_glued_on() {
    let (mut bench, server) = bench([Does::Cut(1_000_000), Does::OtherPiece]);
    bench.gets_it();
    assert_eq!(server.starts(), [None, Some(1_000_000), None]);
}

#[test]
fn wrong_contents_are_set_aside_and_never_installed() {
    let (mut bench, server) = bench([]);
    let mut other = bench.contents.clone();
    other[BYTES / 2] ^= 1;
    let server_of_others = Server::start(&other, []);
    bench.options.endpoint.clone_from(&server_of_others.endpoint);
    let problem = bench.fails(Code::DownloadMismatch);
    assert_eq!(problem.details["name"], "Model m");
    assert!(bench.quarantined() == other);
    assert_eq!(bench.part(), 0);
    // The real one is still welcome.
    bench.options.endpoint.clone_from(&server.endpoint);
    bench.gets_it();
    assert!(bench.quarantined().is_empty(), "the wrong one is of no use any more");
}

#[test]
fn what_is_not_whole_goes_with_the_model_unless_somebody_fetches_it_now() {
    let mut bench = Bench::new(BYTES, vec![hugging_face()]);
    bench.fails(Code::DownloadFailed);
    let (store, hash) = (&bench.store, &bench.model.sha256);
    let lock = fs::File::open(store.staging().join(format!("{hash}.lock"))).unwrap();
    let packages = store.staging().join(format!("{hash}.packages"));
    fs::write(store.part(hash), [1; 100]).unwrap();
    fs::create_dir_all(&packages).unwrap();
    fs::write(packages.join("some.whl"), [1; 10]).unwrap();
    let bad = store.root().join("bad");
    fs::write(&bad, [1; 1000]).unwrap();
    store.set_aside(&bad, hash);
    assert_eq!((discardable(store, hash), store.bytes_aside(hash)), (1110, 1000));
    lock.lock().unwrap();
    store.remove(hash).unwrap();
    assert_eq!(discardable(store, hash), 110, "another program goes on with it");
    lock.unlock().unwrap();
    store.remove(hash).unwrap();
    assert_eq!((discardable(store, hash), bench.part()), (0, 0));
}

#[test]
fn where_nothing_can_be_locked_nobody_is_said_to_have_it() {
    let failed = |kind: ErrorKind| is_ours(Err(TryLockError::Error(kind.into()))).ok();
    assert_eq!([failed(ErrorKind::Unsupported), failed(ErrorKind::PermissionDenied)], [Some(true), None]);
    assert_eq!([Ok(()), Err(TryLockError::WouldBlock)].map(|tried| is_ours(tried).unwrap()), [true, false]);
}

#[test]
fn a_file_that_changed_between_two_pieces_is_fetched_once_more_in_one_go() {
    let (mut bench, server) = bench([]);
    let mut other = bench.contents.clone();
    other[10] ^= 1;
    fs::write(bench.store.part(&bench.model.sha256), &other[..500_000]).unwrap();
    bench.gets_it();
    assert_eq!(server.starts(), [Some(500_000), None]);
    let told: Vec<_> = bench.reports.iter().map(|report| report.anew).collect();
    assert!(
        told.is_sorted() && told.first() == Some(&false) && told.last() == Some(&true),
        "it is told that all of it comes once more"
    );
}

#[test]
fn a_file_of_another_length_is_not_downloaded_at_all() {
    for length in [BYTES - 1, BYTES + 1] {
        let (mut bench, server) = bench([Does::Other(vec![7; length])]);
        bench.fails(Code::DownloadMismatch);
        assert_eq!((server.seen().len(), bench.part()), (1, 0), "{length}");
    }
}

#[test]
fn an_endless_file_ends_where_ours_does() {
    let (mut bench, _server) = bench([Does::Endless]);
    bench.fails(Code::DownloadMismatch);
    assert!(bench.part() <= BYTES as u64);
}

#[test]
fn a_leftover_longer_than_the_file_is_begun_anew() {
    let (mut bench, server) = bench([]);
    fs::write(bench.store.part(&bench.model.sha256), vec![1; BYTES + 5]).unwrap();
    bench.gets_it();
    assert_eq!(server.starts(), [None]);
}

#[test]
fn a_silent_server_is_asked_again() {
    let (mut bench, server) = bench([Does::Silent(1_000_000), Does::Silent(0)]);
    bench.options.stall_timeout = Duration::from_secs(2);
    bench.gets_it();
    assert_eq!(server.starts(), [None, Some(1_000_000), Some(1_000_000)]);
}

#[test]
fn a_busy_server_is_left_alone_as_long_as_it_asks() {
    let (mut bench, server) = bench([Does::Status("429 Too Many Requests", "Retry-After: 20\r\n")]);
    bench.gets_it();
    assert_eq!(server.seen().len(), 2);
    assert_eq!(bench.waited(), Duration::from_secs(20));
}

#[test]
fn a_redirect_is_followed_but_not_in_circles() {
    let target = Server::start(&Bench::new(BYTES, Vec::new()).contents, []);
    let location = format!("Location: {}/elsewhere\r\n", target.endpoint).leak();
    let (mut bench, _server) = bench([Does::Status("302 Found", location)]);
    bench.gets_it();
    assert_eq!(target.seen()[0].path, "/elsewhere");

    let (mut bench, server) = self::bench(vec![Does::Status("302 Found", "Location: /again\r\n"); 200]);
    let problem = bench.fails(Code::DownloadFailed);
    assert!(problem.details["reason"].contains("circles"), "{problem:?}");
    assert!(server.seen().len() < 60);
}

#[test]
fn a_refusal_is_final_and_told_in_words() {
    for (status, code, words) in [
        ("404 Not Found", Code::DownloadFailed, "not there any more (404)"),
        ("401 Unauthorized", Code::AccessRefused, "refuses access"),
        ("403 Forbidden", Code::AccessRefused, "refuses access"),
        ("407 Proxy Authentication Required", Code::DownloadFailed, "proxy"),
        ("418 I'm a teapot", Code::DownloadFailed, "unexpected"),
    ] {
        let (mut bench, server) = bench([Does::Status(status, "")]);
        let problem = bench.fails(code);
        assert!(problem.details["reason"].contains(words), "{status}: {problem:?}");
        assert_eq!(server.seen().len(), 1, "{status}");
    }
    let (mut bench, server) = bench(vec![Does::Status("503 Service Unavailable", ""); 9]);
    bench.fails(Code::DownloadFailed);
    assert_eq!(server.seen().len(), 3, "as many attempts as are allowed");
}

#[test]
fn cancelling_keeps_what_is_there_even_while_the_server_is_silent() {
    let (mut bench, server) = bench([Does::Silent(1_000_000)]);
    bench.options.stall_timeout = Duration::from_secs(600);
    let (cancel, part) = (Arc::clone(&bench.cancel), bench.store.part(&bench.model.sha256));
    // Once all has come that will come.
    let user = thread::spawn(move || {
        while fs::metadata(&part).map_or(0, |about| about.len()) < 1_000_000 {
            thread::yield_now();
        }
        cancel.store(true, Ordering::Release);
    });
    bench.fails(Code::Cancelled);
    user.join().unwrap();
    bench.cancel.store(false, Ordering::Release);
    bench.gets_it();
    assert_eq!(server.starts(), [None, Some(1_000_000)]);
}

#[test]
fn a_disk_without_room_is_found_before_anything_is_downloaded() {
    let (mut bench, server) = bench([]);
    bench.options.disk = Filling::with(2_999_999);
    let problem = bench.fails(Code::DiskFull);
    let (size, free) = (&problem.details["size"], &problem.details["free"]);
    assert!(size.starts_with('3') && free.starts_with("3.0 MB"), "{problem:?}");
    assert_eq!(server.seen().len(), 0);
    // What is there already needs no room again.
    fs::write(bench.store.part(&bench.model.sha256), &bench.contents[..100]).unwrap();
    bench.gets_it();
}

#[test]
fn a_disk_that_others_fill_on_the_way_keeps_what_came_until_there_is_room_again() {
    // Over one connection, and over four.
    for piece in [8 << 20, 1 << 16] {
        let mut bench = Bench::new(BYTES, vec![hugging_face()]);
        let disk = Filling::with(BYTES as u64);
        let filled = Arc::clone(&disk);
        let server = Server::with(&bench.contents, move |number, _| {
            if number == 0 {
                filled.leave(1_200_000);
            }
            Does::Right
        });
        bench.options.endpoint.clone_from(&server.endpoint);
        bench.options.piece = piece;
        bench.options.disk = disk.clone();
        let problem = bench.fails(Code::DiskFull);
        let there = bench.part();
        assert!((1..=1_200_000).contains(&there), "{there}");
        assert_eq!(problem.details["size"], protocol::bytes_in_words(BYTES as u64 - there));
        bench.fails(Code::DiskFull);
        assert_eq!((bench.part(), bench.waited()), (there, Duration::ZERO));
        disk.leave(BYTES as u64 - there);
        bench.gets_it();
        assert!(server.starts().contains(&Some(there as usize)), "{:?}", server.starts());
        assert!(bench.quarantined().is_empty());
    }
}

#[test]
fn the_next_source_takes_over_with_what_is_there() {
    let mut bench = Bench::new(BYTES, vec![hugging_face(), parts(1), hugging_face()]);
    bench.options.python = Some("/no/such/python".into());
    let server = Server::start(&bench.contents, [Does::Cut(900_000), Does::Status("404 Not Found", ""), Does::Right]);
    bench.options.endpoint.clone_from(&server.endpoint);
    bench.gets_it();
    assert_eq!(server.starts(), [None, Some(900_000), Some(900_000)]);
    assert!(bench.reports.iter().any(|report| report.source == Some(SourceKind::HuggingFace)));
}

#[test]
fn every_source_is_named_when_all_fail() {
    let mut bench = Bench::new(1000, vec![hugging_face(), parts(1)]);
    bench.options.python = Some("/no/such/python".into());
    let problem = bench.fails(Code::DownloadFailed);
    let reason = &problem.details["reason"];
    assert!(
        reason.starts_with("the mirror 127.0.0.1:") && reason.contains(": the server refuses connections"),
        "{reason}"
    );
    assert!(reason.contains("Python packages: Python is not installed"), "{reason}");
    assert_eq!(bench.waited(), Duration::ZERO, "a dead first source is not waited for");

    let mut bench = Bench::new(1000, vec![parts(1)]);
    bench.options.source = SourceChoice::HuggingFace;
    bench.fails(Code::DownloadFailed);
}

#[test]
fn a_folder_is_a_source_without_network() {
    let mut bench = Bench::new(BYTES, vec![hugging_face()]);
    let folder = tempfile::tempdir().unwrap();
    bench.options.source = SourceChoice::Folder(folder.path().to_owned());
    let problem = bench.fails(Code::NotInSource);
    assert_eq!((&*problem.details["name"], &*problem.details["file"]), ("Model m", "m.gguf"));
    fs::write(folder.path().join("m.gguf"), &bench.contents[1..]).unwrap();
    bench.fails(Code::DownloadMismatch);
    fs::write(folder.path().join("m.gguf"), &bench.contents).unwrap();
    bench.gets_it();
    assert!(bench.reports.iter().any(|report| report.source == Some(SourceKind::Folder) && !report.anew));
    // A stick that is not plugged in.
    let mut bench = Bench::new(BYTES, vec![hugging_face()]);
    let gone = folder.path().join("gone");
    bench.options.source = SourceChoice::Folder(gone.clone());
    assert_eq!(bench.fails(Code::SourceMissing).details["path"], gone.display().to_string());
}
