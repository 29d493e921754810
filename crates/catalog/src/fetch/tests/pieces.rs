//! One file over several connections.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use protocol::Code;

use super::bench::{Bench, hugging_face};
use super::server::{Does, Seen, Server};
use crate::sample::Numbers;

const BYTES: usize = 1_000_003;
const PIECE: usize = 1 << 16;

/// A file that is worth four connections.
fn bench(does: impl Fn(usize, &Seen) -> Does + Send + Sync + 'static) -> (Bench, Server) {
    let mut bench = Bench::new(BYTES, vec![hugging_face()]);
    bench.options.piece = PIECE as u64;
    let server = Server::with(&bench.contents, does);
    bench.options.endpoint.clone_from(&server.endpoint);
    (bench, server)
}

/// Bytes that were asked for, in pieces.
fn asked(server: &Server) -> usize {
    server.seen().iter().map(|seen| seen.to.map_or(BYTES, |to| to + 1).min(BYTES) - seen.from.unwrap_or(0)).sum()
}

#[test]
fn the_pieces_come_over_several_connections_and_each_once() {
    let four = Barrier::new(4);
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, peak) = (Arc::clone(&open), Arc::clone(&most));
    let (mut bench, server) = bench(move |number, _| {
        peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        if (1..=4).contains(&number) {
            // Only four connections at once get by.
            four.wait();
        }
        now.fetch_sub(1, Ordering::SeqCst);
        Does::Right
    });
    bench.gets_it();
    assert_eq!(most.load(Ordering::SeqCst), 4);
    assert_eq!((server.seen().len(), asked(&server)), (BYTES.div_ceil(PIECE), BYTES));
    assert!(bench.reports.is_sorted_by_key(|report| report.done_bytes), "{:?}", bench.reports);
}

#[test]
fn on_a_fast_line_too_each_piece_comes_once() {
    // Larger pieces than the first one: those that follow begin where it ends.
    let (piece, first) = (3 << 19, 1 << 20);
    let mut bench = Bench::new(4 * piece + 3, vec![hugging_face()]);
    bench.options.piece = piece as u64;
    let server = Server::with(&bench.contents, |_, _| Does::Right);
    bench.options.endpoint.clone_from(&server.endpoint);
    bench.gets_it();
    let mut seen: Vec<_> = server.seen().iter().map(|seen| (seen.from.unwrap_or(0), seen.to)).collect();
    assert_eq!(seen[0], (0, Some(first - 1)));
    seen.sort_unstable();
    let mut end = 0;
    for (from, to) in seen {
        assert_eq!(from, end);
        end = to.map_or(bench.contents.len(), |to| to + 1);
    }
    assert_eq!(end, bench.contents.len());
}

#[test]
fn what_is_there_is_not_fetched_again() {
    let (mut bench, server) = bench(|_, _| Does::Right);
    fs::write(bench.store.part(&bench.model.sha256), &bench.contents[..300_001]).unwrap();
    bench.gets_it();
    assert_eq!((server.starts()[0], asked(&server)), (Some(300_001), BYTES - 300_001));
    // What is little is fetched in one go, and so is all if only one connection may be used.
    for (there, connections) in [(BYTES - 3 * PIECE, 4), (0, 1)] {
        let (mut bench, server) = self::bench(|_, _| Does::Right);
        bench.options.connections = connections;
        fs::write(bench.store.part(&bench.model.sha256), &bench.contents[..there]).unwrap();
        bench.gets_it();
        assert_eq!((server.seen().len(), server.seen()[0].to), (1, None));
    }
}

#[test]
fn a_server_that_wants_one_connection_gets_one_and_nothing_is_lost() {
    for refusal in [
        Does::Status("429 Too Many Requests", "Retry-After: 20\r\n"),
        Does::Status("503 Service Unavailable", ""),
        Does::Status("403 Forbidden", ""),
        Does::HangUp,
        Does::OtherPiece,
        Does::NoRanges,
    ] {
        let again = refusal.clone();
        let (mut bench, server) =
            bench(move |number, _| if (1..=3).contains(&number) { again.clone() } else { Does::Right });
        bench.gets_it();
        assert_eq!(asked(&server), BYTES + 3 * PIECE, "{refusal:?}");
        assert_eq!(bench.waited(), Duration::ZERO, "one goes on: {refusal:?}");
    }
}

#[test]
fn a_server_that_wants_no_more_pieces_at_all_is_asked_for_the_rest_in_one() {
    let (mut bench, server) = bench(|_, seen| match seen.to {
        Some(to) if to >= 6 * PIECE => Does::Status("429 Too Many Requests", "Retry-After: 20\r\n"),
        _ => Does::Right,
    });
    bench.gets_it();
    let last = server.seen().pop().unwrap();
    assert_eq!((last.from, last.to), (Some(6 * PIECE), None));
    assert_eq!(bench.waited(), Duration::from_secs(20));
}

#[test]
fn an_address_that_is_good_for_some_time_is_asked_for_again() {
    let four = Barrier::new(4);
    let (mut bench, elsewhere) = bench(move |number, seen| {
        if (1..=4).contains(&number) {
            // Each connection has a piece before the time is over.
            four.wait();
        }
        let is_over = seen.path == "/signed-0" && seen.from.is_some_and(|from| from >= 6 * PIECE);
        if is_over { Does::Status("403 Forbidden", "") } else { Does::Right }
    });
    let there = elsewhere.endpoint.clone();
    let server = Server::with(&[], move |number, _| {
        Does::Status("302 Found", format!("Location: {there}/signed-{number}\r\n").leak())
    });
    bench.options.endpoint.clone_from(&server.endpoint);
    bench.gets_it();
    assert_eq!((server.seen().len(), bench.waited()), (2, Duration::from_secs(1)));
    let seen = elsewhere.seen();
    let again: Vec<_> = seen.iter().filter(|seen| seen.path == "/signed-1").collect();
    assert_eq!((again.len(), again[0].from), ((BYTES - 6 * PIECE).div_ceil(PIECE), Some(6 * PIECE)));
    assert!(again.iter().all(|seen| seen.to.is_some()), "in pieces, as before: {again:?}");
}

#[test]
fn connections_that_are_cut_anywhere_do_no_harm() {
    for seed in 0..24 {
        let numbers = Mutex::new(Numbers(seed));
        let (mut bench, _server) = bench(move |_, _| {
            let mut numbers = numbers.lock().unwrap();
            match numbers.below(12) {
                0 | 1 => Does::Cut(numbers.below(PIECE)),
                2 => Does::HangUp,
                3 if seed.is_multiple_of(8) => Does::Silent(numbers.below(PIECE)),
                _ => Does::Right,
            }
        });
        bench.options.retry.attempts = 99;
        bench.options.stall_timeout = Duration::from_millis(200);
        bench.gets_it();
    }
}

#[test]
fn a_file_that_changes_on_the_way_is_noticed_by_its_tag_and_fetched_in_one_go() {
    let (mut bench, _) = bench(|_, _| Does::HangUp);
    let (mut old, new) = (bench.contents.clone(), bench.contents.clone());
    old[3] ^= 1;
    let server = Server::with(&[], move |number, _| match number {
        0..5 => Does::Version(old.clone(), "\"old\""),
        _ => Does::Version(new.clone(), "\"new\""),
    });
    bench.options.endpoint.clone_from(&server.endpoint);
    bench.gets_it();
    // What other connections asked for meanwhile may be heard later.
    assert!(server.seen().iter().any(|seen| (seen.from, seen.to) == (None, None)), "the whole of it in one go");
    assert!(bench.quarantined().is_empty(), "it was noticed at once");
}

#[test]
fn a_file_that_changes_on_the_way_is_noticed_by_its_hash_without_a_tag() {
    // A weak tag promises nothing.
    for tag in [None, Some("W/\"weak\"")] {
        let (mut bench, _) = bench(|_, _| Does::HangUp);
        let (mut old, new) = (bench.contents.clone(), bench.contents.clone());
        old[3] ^= 1;
        let server = Server::with(&[], move |number, _| {
            let file = if number < 5 { &old } else { &new };
            tag.map_or_else(|| Does::Other(file.clone()), |tag| Does::Version(file.clone(), tag))
        });
        bench.options.endpoint.clone_from(&server.endpoint);
        bench.gets_it();
        let last = server.seen().pop().unwrap();
        assert_eq!((last.from, last.to), (None, None));
    }
}

#[test]
fn a_page_that_wants_a_login_in_the_middle_throws_nothing_away() {
    let (mut bench, _) = bench(|_, _| Does::HangUp);
    let file = bench.contents.clone();
    let server = Server::with(&[], move |_, seen| match seen.from {
        Some(from) if from >= 6 * PIECE => Does::Status("200 OK", "Content-Type: text/html\r\n"),
        _ => Does::Version(file.clone(), "\"one\""),
    });
    bench.options.endpoint.clone_from(&server.endpoint);
    let problem = bench.fails(Code::DownloadFailed);
    assert!(problem.details["reason"].contains("may want a login"), "{problem:?}");
    assert_eq!(bench.part(), 6 * PIECE as u64);
}

#[test]
fn a_wrong_file_is_fetched_no_more_often_than_its_server_leaves_open() {
    for (tag, times) in [(None, 2), (Some("\"wrong\""), 1)] {
        let (mut bench, _) = bench(|_, _| Does::HangUp);
        let mut wrong = bench.contents.clone();
        wrong[BYTES - 1] ^= 1;
        let server = Server::with(&[], move |_, _| {
            tag.map_or_else(|| Does::Other(wrong.clone()), |tag| Does::Version(wrong.clone(), tag))
        });
        bench.options.endpoint.clone_from(&server.endpoint);
        bench.fails(Code::DownloadMismatch);
        assert_eq!((asked(&server), bench.part()), (times * BYTES, 0), "{tag:?}");
    }
    // One that is cut all the time is not fetched for ever either.
    let (mut bench, _) = bench(|_, _| Does::HangUp);
    let mut wrong = bench.contents.clone();
    wrong[BYTES - 1] ^= 1;
    let server =
        Server::with(
            &wrong,
            |_, seen| if seen.to.is_none() && seen.from.is_none() { Does::Cut(9) } else { Does::Right },
        );
    bench.options.endpoint.clone_from(&server.endpoint);
    bench.fails(Code::DownloadMismatch);
    assert!(asked(&server) < 6 * BYTES);
}

#[test]
fn another_length_is_a_mismatch_as_ever() {
    let (mut bench, server) = bench(|_, _| Does::Other(vec![7; BYTES + 1]));
    bench.fails(Code::DownloadMismatch);
    assert_eq!((server.seen().len(), bench.part()), (1, 0));
}

#[test]
fn a_cancel_waits_for_no_connection() {
    let (mut bench, server) =
        bench(|_, seen| if seen.from.is_some_and(|from| from < 4 * PIECE) { Does::Right } else { Does::Silent(0) });
    bench.options.stall_timeout = Duration::from_secs(600);
    let (cancel, part) = (Arc::clone(&bench.cancel), bench.store.part(&bench.model.sha256));
    let user = thread::spawn(move || {
        while fs::metadata(&part).map_or(0, |about| about.len()) < 4 * PIECE as u64 {
            thread::yield_now();
        }
        cancel.store(true, Ordering::Release);
        Instant::now()
    });
    bench.fails(Code::Cancelled);
    let took = user.join().unwrap().elapsed();
    assert!(took < bench.options.stall_timeout / 2, "below what a server may be silent for: {took:?}");
    assert_eq!(bench.part(), 4 * PIECE as u64);
    assert!(server.seen().len() <= 8);
}
