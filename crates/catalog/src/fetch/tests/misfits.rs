//! Drafts that never go with their target, found before they are downloaded.

use std::sync::atomic::AtomicBool;

use protocol::Code;

use super::bench::Bench;
use super::offers::{big, repository, stranger};
use super::server::{Does, Server};
use crate::address::settle_at;
use crate::entry::Source;
use crate::fetch::fetch;
use crate::manifest::Catalog;
use crate::match_up::in_order;
use crate::misfits::misfits;
use crate::recipe::{Recipe, RecipeModel};
use crate::recipes::Recipes;
use crate::sample::{Gguf, entry};

/// Nobody cancels.
static GO: AtomicBool = AtomicBool::new(false);

/// A computer without files that has a ladder of somebody's own: a target and this draft.
fn computer(draft: &[u8], by_text: bool) -> (Bench, Recipes, Catalog) {
    let bench = Bench::new(1, Vec::new());
    let recipes = Recipes::of(bench.store.root().join("ladders"));
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let model = |id: &str, contents: &[u8]| {
        let source = Source::hugging_face(format!("maker/{id}"), commit.to_owned());
        RecipeModel::of(&entry(id, contents, vec![source]))
    };
    let mut recipe = Recipe::new("Mine", vec![model("big", &big()), model("small", draft)]).unwrap();
    recipe.by_text = by_text;
    recipes.add(&recipe).unwrap();
    let (catalog, problems) = Catalog::parse("").unwrap().with_own(&bench.store, &recipes);
    assert_eq!(problems, []);
    (bench, recipes, catalog)
}

#[test]
fn a_draft_of_ones_own_ladder_that_never_fits_is_not_downloaded() {
    let (mut bench, recipes, catalog) = computer(&stranger(), false);
    let server = repository(stranger());
    bench.options.endpoint.clone_from(&server.endpoint);
    let found = misfits(&catalog, &bench.store, "mine", &bench.options, &GO).unwrap();
    let codes: Vec<_> =
        found.iter().map(|misfit| (misfit.problem.code, misfit.problem.details["rung"].as_str())).collect();
    assert_eq!(codes, [(Code::TokenizersDiffer, "Model small")]);
    assert_eq!(server.seen().len(), 2, "both beginnings");
    assert_eq!(misfits(&catalog, &bench.store, "mine", &bench.options, &GO).unwrap(), found);
    assert_eq!(server.seen().len(), 2, "which are known from then on");
    // It was begun before anybody looked.
    let part = bench.store.part(&found[0].sha256);
    std::fs::write(&part, b"GGUF").unwrap();
    std::fs::write(part.with_extension("lock"), b"").unwrap();
    bench.store.leave_out(&recipes, "mine", &found).unwrap();
    assert!(!part.exists(), "no list has it any more");
    let (catalog, _) = Catalog::parse("").unwrap().with_own(&bench.store, &recipes);
    let ladder = catalog.ladder("mine").unwrap();
    assert_eq!((ladder.rungs.len(), ladder.left_out[0].code), (1, Code::TokenizersDiffer));
    let paths = fetch(&catalog, &bench.store, "mine", &bench.options, &GO, &mut |_| {}).unwrap();
    assert_eq!(paths.len(), 1);
    assert_eq!(recipes.back("mine", None).unwrap().rungs.len(), 2, "it can be had back");
}

#[test]
fn what_fits_or_cannot_be_looked_at_is_no_misfit() {
    let none = |bench: &Bench, catalog: &Catalog| {
        assert_eq!(misfits(catalog, &bench.store, "mine", &bench.options, &GO).unwrap(), []);
    };
    let (mut bench, _recipes, catalog) = computer(&Gguf::small().bytes(), false);
    none(&bench, &catalog);
    // A page of a network that wants people to log in first.
    let page = Server::with(&[], |_, _| Does::Other(b"<html>Please log in</html>".to_vec()));
    bench.options.endpoint.clone_from(&page.endpoint);
    none(&bench, &catalog);
    let other = repository(stranger().repeat(2));
    bench.options.endpoint.clone_from(&other.endpoint);
    none(&bench, &catalog);
    let server = repository(Gguf::small().bytes());
    bench.options.endpoint.clone_from(&server.endpoint);
    none(&bench, &catalog);

    let (mut bench, _recipes, catalog) = computer(&stranger(), true);
    let server = repository(stranger());
    bench.options.endpoint.clone_from(&server.endpoint);
    none(&bench, &catalog);
    assert_eq!(server.seen().len(), 2, "it drafts by text");
    let unknown = misfits(&catalog, &bench.store, "none", &bench.options, &GO).unwrap_err();
    assert_eq!(unknown.code, Code::NoSuchLadder);
}

#[test]
fn what_an_address_told_is_known_when_a_ladder_is_made() {
    let mut bench = Bench::new(1, Vec::new());
    let server = repository(stranger());
    bench.options.endpoint.clone_from(&server.endpoint);
    let none = Catalog::parse("").unwrap();
    let model = |id: &str| {
        let page = format!("{}/maker/{id}/blob/main/{id}.gguf", server.endpoint);
        settle_at(&none, &bench.store, &page, &bench.options, &GO).unwrap().models[0].clone()
    };
    let models = vec![model("big"), model("small")];
    assert_eq!(in_order(&bench.store, models).unwrap_err().code, Code::TokenizersDiffer);
}
