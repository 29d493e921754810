//! What drafting brings on real recorded answers: 80 questions of all kinds, answered by Qwen2.5-Coder 1.5B, with what its
//! 0.5B would have said. The figures of `docs/paper.md` come from the same trace.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use lab::{Costs, Plan, Study, Trace, categories, study};

fn data(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data")).join(name)
}

fn improvement(study: &Study, name: &str) -> f64 {
    study.plans.iter().find(|best| best.name == name).unwrap().improvement
}

#[test]
fn the_papers_ordering_holds_with_the_papers_costs() {
    let trace = Trace::load(&data("qwen-coder.trace.gz")).unwrap();
    let study = study(&trace, &Costs::by_call(&[1.0, 0.04]), 1.0).unwrap();
    let of = |name| improvement(&study, name);
    assert!(of("both") >= of("vertical") && of("both") >= of("horizontal"));
    assert!(of("vertical") > of("speculative") && of("horizontal") > of("speculative"));
    assert!(of("adaptive") > of("both"), "{study:?}");
}

#[test]
fn on_a_flat_machine_the_adaptive_cascade_is_ahead_of_the_best_fixed_draft_in_every_category() {
    let trace = Trace::load(&data("qwen-coder.trace.gz")).unwrap();
    let costs = Costs::load(&data("flat.costs.json")).unwrap();
    let study = study(&trace, &costs, 1.0).unwrap();
    assert!(improvement(&study, "adaptive") > 1.15 * improvement(&study, "speculative"), "{study:?}");
    let plans = [study.plans[0].plan.clone(), Plan::Adaptive];
    for category in categories(&trace, &costs, &plans).unwrap() {
        assert!(category.improvements[1] >= category.improvements[0], "{category:?}");
    }
}

#[test]
fn on_a_machine_where_width_costs_the_adaptive_cascade_loses_at_most_its_budget() {
    let trace = Trace::load(&data("qwen-coder.trace.gz")).unwrap();
    // Two cores of a shared server, measured on a quiet day.
    let costs = Costs::load(&data("two-cores.costs.json")).unwrap();
    let study = study(&trace, &costs, 1.0).unwrap();
    assert!(improvement(&study, "speculative") < 0.8, "a fixed draft loses here");
    assert!(improvement(&study, "adaptive") > 0.99, "{study:?}");
    for category in categories(&trace, &costs, &[Plan::Adaptive]).unwrap() {
        assert!(category.improvements[0] > 0.96, "{category:?}");
    }
}
