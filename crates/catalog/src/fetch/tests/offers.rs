//! Offered ladders whose files' facts are asked for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use protocol::Code;
use protocol::ladder::CacheType;
use sha2::Digest;

use super::bench::Bench;
use super::server::{Does, Seen, Server};
use crate::address::settle_at;
use crate::cards::Lists;
use crate::entry::{Sha256, Source};
use crate::fetch::{SourceChoice, begun, fetch};
use crate::manifest::Catalog;
use crate::offer::{look_for, settle};
use crate::recipes::Recipes;
use crate::recommend::Machine;
use crate::sample::{Gguf, pair, text};

/// Nobody cancels.
static GO: AtomicBool = AtomicBool::new(false);

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

const OFFERS: &str = r#"
[[offer]]
id = "big"
name = "Big"
file = "big.gguf"
about_bytes = 3_000
tokenizer = "t"
licence = { spdx = "MIT", url = "" }
repository = "maker/big"

[[offer]]
id = "small"
name = "Small"
file = "small.gguf"
about_bytes = 2_000
tokenizer = "t"
licence = { spdx = "Apache-2.0", url = "" }
repository = "maker/small"

[[ladder]]
id = "both"
name = "Both"
description = { en = "Two.", ja = "二つ。" }
rungs = ["big", "small"]
max_gram = true
k = [[3, 2], [0, 1]]
lenience = 1.0
"#;

/// Twice as many weights as the small sample.
pub(super) fn big() -> Vec<u8> {
    let mut gguf = Gguf::small();
    gguf.tensors[1] = ("output_norm.weight".into(), vec![64], 0, 64);
    gguf.data += 128;
    gguf.bytes()
}

/// The small sample with another word in its vocabulary.
pub(super) fn stranger() -> Vec<u8> {
    let mut gguf = Gguf::small();
    let words = [8_u32.to_le_bytes().as_slice(), &3_u64.to_le_bytes(), &text("a"), &text("x"), &text("yyy")].concat();
    gguf.pairs[5] = pair("tokenizer.ggml.tokens", 9, &words);
    gguf.bytes()
}

/// A repository that knows its files and gives them.
pub(super) fn repository(small: Vec<u8>) -> Server {
    let (big, small) = (Arc::new(big()), Arc::new(small));
    Server::with(&[], move |_, seen: &Seen| {
        let file = if seen.path.contains("big") { &big } else { &small };
        if seen.method != "HEAD" {
            return Does::Other(file.to_vec());
        }
        let hash = Sha256::of(&sha2::Sha256::digest(&**file));
        let facts =
            format!("X-Repo-Commit: {COMMIT}\r\nX-Linked-Etag: \"{hash}\"\r\nX-Linked-Size: {}\r\n", file.len());
        Does::Status("200 OK", facts.leak())
    })
}

#[test]
fn an_offered_ladder_becomes_a_known_one_and_is_fetched() {
    let mut bench = Bench::new(1, Vec::new());
    let server = repository(Gguf::small().bytes());
    bench.options.endpoint.clone_from(&server.endpoint);
    let catalog = Catalog::parse(OFFERS).unwrap();
    assert_eq!((catalog.ladders().len(), catalog.offered_ladders().len(), catalog.offers().count()), (0, 1, 2));
    assert_eq!(bench.store.ready(&catalog, "both").unwrap(), 5_000, "about");
    assert_eq!(look_for(&catalog, "small", &bench.options).unwrap().architecture, "llama");
    let settled = settle(&catalog, &bench.store, "both", &bench.options, &GO, &mut |_| {}).unwrap();
    assert!(settled.left_out.is_empty());
    let folder = tempfile::tempdir().unwrap();
    let recipes = Recipes::of(folder.path().to_owned());
    assert_eq!(recipes.add(&settled.recipe).unwrap().id, "both");
    let (catalog, problems) = catalog.with_own(&bench.store, &recipes);
    assert!(problems.is_empty() && catalog.offered_ladders().is_empty() && catalog.offers().count() == 0);
    let ladder = catalog.ladder("both").unwrap();
    assert_eq!(ladder.k, [[3, 2], [0, 1]]);
    let target = catalog.models_of("both").unwrap()[0];
    assert_eq!((target.bytes, target.licence.spdx.as_str()), (big().len() as u64, "MIT"));
    let pinned = Source::hugging_face("maker/big".to_owned(), COMMIT.to_owned());
    assert_eq!(target.sources, [pinned], "from now on it is this very file");
    let all = (big().len() + Gguf::small().bytes().len()) as u64;
    assert_eq!(begun(&catalog, &bench.store, "both").unwrap(), (0, all));
    std::fs::write(bench.store.part(&target.sha256), &big()[..100]).unwrap();
    assert_eq!(begun(&catalog, &bench.store, "both").unwrap(), (100, all), "what an earlier fetch left behind");
    let go = AtomicBool::new(false);
    let paths = fetch(&catalog, &bench.store, "both", &bench.options, &go, &mut |_| {}).unwrap();
    assert_eq!(std::fs::read(&paths[1]).unwrap(), Gguf::small().bytes());
    // The next ladder with one of them takes the very same file, whatever lies there by now.
    let asked = server.seen().len();
    settle(&catalog, &bench.store, "small", &bench.options, &GO, &mut |_| {}).unwrap();
    let heads = server.seen()[asked..].iter().filter(|seen| seen.method == "HEAD").count();
    assert_eq!(heads, 0);
}

#[test]
fn what_an_address_leads_to_becomes_a_ladder_of_that_very_file() {
    let mut bench = Bench::new(1, Vec::new());
    let server = repository(Gguf::small().bytes());
    bench.options.endpoint.clone_from(&server.endpoint);
    let none = Catalog::parse("").unwrap();
    let page = format!("{}/maker/small/blob/main/small-Q4_1.gguf", server.endpoint);
    let recipe = settle_at(&none, &bench.store, &page, &bench.options, &GO).unwrap();
    let recipes = Recipes::of(bench.store.root().join("ladders"));
    let kept = recipes.add(&recipe).unwrap();
    assert_eq!((kept.id.as_str(), kept.name.as_str(), kept.max_gram), ("tiny", "Tiny 滝", true));
    let (catalog, problems) = Catalog::parse("").unwrap().with_own(&bench.store, &recipes);
    assert!(problems.is_empty(), "{problems:?}");
    let model = catalog.models_of("tiny").unwrap()[0];
    assert_eq!((model.id.as_str(), model.bytes), ("small-q4-1", Gguf::small().bytes().len() as u64));
    let pinned = Source::hugging_face("maker/small".to_owned(), COMMIT.to_owned());
    assert_eq!(model.sources, [pinned]);
    let again = settle_at(&catalog, &bench.store, &page.replace("small-Q4_1", "renamed"), &bench.options, &GO).unwrap();
    assert_eq!(again.models[0].id, "small-q4-1", "the same file is the same model");
    let paths = fetch(&catalog, &bench.store, "tiny", &bench.options, &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert_eq!(std::fs::read(&paths[0]).unwrap(), Gguf::small().bytes());
    let refused = |problem: protocol::Problem| (problem.code, problem.details["reason"].clone());
    let single = format!("{}/maker/small/blob/main/small-00001-of-00001.gguf", server.endpoint);
    assert_eq!(
        settle_at(&none, &bench.store, &single, &bench.options, &GO).unwrap().models[0].file,
        "small-00001-of-00001.gguf"
    );
    bench.options.source = SourceChoice::PythonPackages;
    assert_eq!(refused(settle_at(&none, &bench.store, &page, &bench.options, &GO).unwrap_err()).0, Code::LookUpFailed);
    bench.options.source = SourceChoice::Any;
    let mut part = Gguf::small();
    part.pairs.push(pair("split.count", 2, &3_u16.to_le_bytes()));
    let parts = repository(part.bytes());
    bench.options.endpoint.clone_from(&parts.endpoint);
    let page = format!("{}/maker/small/blob/main/small-00001-of-00003.gguf", parts.endpoint);
    let (code, reason) = refused(settle_at(&none, &bench.store, &page, &bench.options, &GO).unwrap_err());
    assert!(code == Code::FileUnusable && reason.contains("part 1 of 3"), "{reason}");
    let mut searches = Gguf::small();
    searches.pairs[0] = pair("general.architecture", 8, &text("bert"));
    let other = repository(searches.bytes());
    bench.options.endpoint.clone_from(&other.endpoint);
    let page = format!("{}/maker/small/blob/main/small.gguf", other.endpoint);
    let (code, reason) = refused(settle_at(&none, &bench.store, &page, &bench.options, &GO).unwrap_err());
    assert!(code == Code::ModelRefused && reason.contains("searching"), "{reason}");
    bench.options.endpoint = "http://mirror.example".to_owned();
    let page = "https://huggingface.co/maker/small/blob/main/small.gguf";
    assert_eq!(refused(settle_at(&none, &bench.store, page, &bench.options, &GO).unwrap_err()).0, Code::LookUpFailed);
}

#[test]
fn a_file_of_quite_another_size_is_not_the_one_that_is_meant() {
    let catalog = Catalog::parse(OFFERS).unwrap();
    let offer = catalog.offers().find(|offer| offer.id == "big").unwrap();
    assert!([2_400, 3_000, 3_700].into_iter().all(|bytes| offer.is_about(bytes)));
    assert!([0, 98, 2_200, 3_800, u64::MAX].into_iter().all(|bytes| !offer.is_about(bytes)));
}

#[test]
fn a_draft_that_does_not_fit_is_left_out_before_anything_is_fetched() {
    let mut bench = Bench::new(1, Vec::new());
    let server = repository(stranger());
    bench.options.endpoint.clone_from(&server.endpoint);
    let settled =
        settle(&Catalog::parse(OFFERS).unwrap(), &bench.store, "both", &bench.options, &GO, &mut |_| {}).unwrap();
    assert_eq!(settled.left_out.iter().map(|problem| problem.code).collect::<Vec<_>>(), [Code::TokenizersDiffer]);
    assert_eq!((settled.recipe.rungs.len(), settled.recipe.k), (1, None));
}

#[test]
fn a_repository_that_does_not_answer_leaves_the_ladder_offered() {
    let mut bench = Bench::new(1, Vec::new());
    let catalog = Catalog::parse(OFFERS).unwrap();
    assert_eq!(
        settle(&catalog, &bench.store, "none", &bench.options, &GO, &mut |_| {}).unwrap_err().code,
        Code::NoSuchLadder
    );
    let server = Server::with(&[], |_, _| Does::Status("404 Not Found", ""));
    bench.options.endpoint.clone_from(&server.endpoint);
    let problem = settle(&catalog, &bench.store, "both", &bench.options, &GO, &mut |_| {}).unwrap_err();
    assert_eq!((problem.code, problem.details["name"].as_str()), (Code::NotThere, "big.gguf"));
}

#[test]
fn who_cancels_does_not_wait_for_a_repository_that_says_nothing() {
    let mut bench = Bench::new(1, Vec::new());
    // It answers nobody before this is over.
    let (over, ended) = mpsc::channel::<()>();
    let ended = Mutex::new(ended);
    let server = Server::with(&[], move |_, _| {
        let _ = ended.lock().unwrap().recv();
        Does::HangUp
    });
    bench.options.endpoint.clone_from(&server.endpoint);
    bench.options.stall_timeout = Duration::from_secs(120);
    let (begun, stop) = (Instant::now(), AtomicBool::new(false));
    let problem = std::thread::scope(|scope| {
        scope.spawn(|| {
            while server.seen().is_empty() {
                std::thread::yield_now();
            }
            stop.store(true, Ordering::Release);
        });
        settle(&Catalog::parse(OFFERS).unwrap(), &bench.store, "both", &bench.options, &stop, &mut |_| {}).unwrap_err()
    });
    drop(over);
    assert_eq!(problem.code, Code::Cancelled);
    assert!(begun.elapsed() < bench.options.stall_timeout / 2, "{:?}", begun.elapsed());
}

#[test]
fn a_folder_gives_what_it_has_and_nobody_else_is_asked() {
    let mut bench = Bench::new(1, Vec::new());
    let server = repository(Gguf::small().bytes());
    bench.options.endpoint.clone_from(&server.endpoint);
    let folder = tempfile::tempdir().unwrap();
    bench.options.source = SourceChoice::Folder(folder.path().to_owned());
    let catalog = Catalog::parse(OFFERS).unwrap();
    assert_eq!(
        settle(&catalog, &bench.store, "both", &bench.options, &GO, &mut |_| {}).unwrap_err().code,
        Code::NotInSource
    );
    let page = format!("{}/maker/big/blob/main/big.gguf", server.endpoint);
    let looked = || look_for(&catalog, "big", &bench.options).map(|header| header.file_bytes);
    let settled_at = || settle_at(&catalog, &bench.store, &page, &bench.options, &GO);
    let missing = [looked().map(|_| ()), settled_at().map(|_| ())].map(Result::unwrap_err);
    assert!(missing.iter().all(|problem| problem.code == Code::NotInSource && problem.details["file"] == "big.gguf"));
    std::fs::write(folder.path().join("big.gguf"), big()).unwrap();
    std::fs::write(folder.path().join("small.gguf"), Gguf::small().bytes()).unwrap();
    assert_eq!(looked(), Ok(big().len() as u64));
    let model = &settled_at().unwrap().models[0];
    assert_eq!((model.bytes, &*model.sources), (big().len() as u64, &[][..]), "whoever brings it answers for it");
    let mut told = Vec::new();
    let settled =
        settle(&catalog, &bench.store, "both", &bench.options, &GO, &mut |progress| told.push(progress)).unwrap();
    let shares: Vec<_> = told.iter().map(|told| (&*told.model, told.done_bytes, told.verifying)).collect();
    let whole = [("Big", big().len() as u64, true), ("Small", Gguf::small().bytes().len() as u64, true)];
    assert_eq!(shares, whole, "reading gigabytes takes its time");
    let recipes = Recipes::of(bench.store.root().join("ladders"));
    recipes.add(&settled.recipe).unwrap();
    let (catalog, _) = catalog.with_own(&bench.store, &recipes);
    assert_eq!(look_for(&catalog, "big", &bench.options).unwrap().file_bytes, big().len() as u64);
    let go = AtomicBool::new(false);
    fetch(&catalog, &bench.store, "both", &bench.options, &go, &mut |_| {}).unwrap();
    bench.options.source = SourceChoice::PythonPackages;
    assert!(settle(&Catalog::parse(OFFERS).unwrap(), &bench.store, "both", &bench.options, &GO, &mut |_| {}).is_err());
    assert!(server.seen().is_empty(), "not even for a look");
}

#[test]
fn of_a_model_that_is_known_a_folder_or_what_is_here_is_looked_at_and_nobody_is_asked() {
    let mut bench = Bench::new(1, Vec::new());
    let server = repository(Gguf::small().bytes());
    bench.options.endpoint.clone_from(&server.endpoint);
    // Its draft alone was fetched before.
    let catalog = Catalog::parse(OFFERS).unwrap();
    let recipes = Recipes::of(bench.store.root().join("ladders"));
    let draft = settle(&catalog, &bench.store, "small", &bench.options, &GO, &mut |_| {}).unwrap();
    recipes.add(&draft.recipe).unwrap();
    let (catalog, _) = catalog.with_own(&bench.store, &recipes);
    fetch(&catalog, &bench.store, "small", &bench.options, &GO, &mut |_| {}).unwrap();
    let (asked, hash) = (server.seen().len(), catalog.model("small").unwrap().sha256.clone());
    let folder = tempfile::tempdir().unwrap();
    let source = SourceChoice::Folder(folder.path().to_owned());
    std::fs::write(folder.path().join("big.gguf"), big()).unwrap();
    bench.options.source = source.clone();
    let settled = || settle(&catalog, &bench.store, "both", &bench.options, &GO, &mut |_| {});
    let (cache, machine) = (CacheType::F16, Machine { memory: None, cards: 0, reads: None, japanese: false });
    let is_listed = || {
        let (catalog, store, recipes, source) = (&catalog, &bench.store, &recipes, &source);
        let lists = Lists { catalog, store, recipes, context: None, cache, source };
        lists.ladders(machine, &|_, _| None).unwrap().iter().any(|card| card.id == "both")
    };
    assert_eq!(settled().unwrap().recipe.rungs.len(), 2, "it is here");
    assert!(is_listed());
    let there = bench.store.path_of(catalog.model("small").unwrap()).unwrap();
    std::fs::rename(there, folder.path().join(format!("{hash}.gguf"))).unwrap();
    assert_eq!(settled().unwrap().recipe.rungs.len(), 2, "it is there by its hash");
    assert!(is_listed());
    std::fs::remove_file(folder.path().join(format!("{hash}.gguf"))).unwrap();
    assert_eq!(settled().unwrap_err().code, Code::NotInSource);
    assert!(!is_listed());
    drop(folder);
    assert_eq!(settled().unwrap_err().code, Code::SourceMissing);
    assert!(is_listed(), "who wants it is told to plug the stick in");
    assert_eq!(server.seen().len(), asked, "not even for a look");
}

#[test]
fn offers_that_make_no_sense_are_named() {
    for (from, to) in [
        ("id = \"big\"\nname", "id = \"../big\"\nname"),
        ("file = \"big.gguf\"", "file = \"../big.gguf\""),
        ("about_bytes = 3_000", "about_bytes = 0"),
        ("about_bytes = 3_000", "about_bytes = 1_000"),
        ("repository = \"maker/big\"", "repository = \"maker/../big\""),
        ("id = \"big\"\nname = \"Big\"", "id = \"small\"\nname = \"Big\""),
        ("tokenizer = \"t\"", "tokenizer = \"\""),
        ("repository = \"maker/big\"", "repository = \"maker/big\"\nsha256 = \"x\""),
    ] {
        let changed = OFFERS.replacen(from, to, 1);
        assert_ne!(changed, OFFERS, "{from}");
        assert!(Catalog::parse(&changed).is_err(), "{from} → {to} must be refused");
    }
}
