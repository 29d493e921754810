//! What drafting brings on real recorded answers: 80 questions of all kinds, answered by Qwen2.5-Coder 1.5B, with what its
//! 0.5B would have said. The figures of `docs/paper.md` come from the same trace.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use lab::{Costs, Plan, Study, Trace, Weather, categories, least_cost, play, study};

fn data(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data")).join(name)
}

fn trace() -> Trace {
    Trace::load(&data("qwen-coder.trace.gz")).unwrap()
}

fn improvement(study: &Study, name: &str) -> f64 {
    study.plans.iter().find(|best| best.name == name).unwrap().improvement
}

#[test]
fn the_papers_ordering_holds_with_the_papers_costs() {
    let study = study(&trace(), &Costs::by_call(&[1.0, 0.04]), 1.0).unwrap();
    let of = |name| improvement(&study, name);
    assert!(of("both") >= of("vertical") && of("both") >= of("horizontal"));
    assert!(of("vertical") > of("speculative") && of("horizontal") > of("speculative"));
    assert!(of("adaptive") > 1.15 * of("both"), "{study:?}");
}

#[test]
fn on_a_flat_machine_the_adaptive_cascade_is_ahead_of_the_best_fixed_draft_in_every_category() {
    let trace = trace();
    let costs = Costs::load(&data("flat.costs.json")).unwrap();
    let study = study(&trace, &costs, 1.0).unwrap();
    // 1.279 when written; the aim is 1.25.
    assert!(improvement(&study, "adaptive") > 1.27 * improvement(&study, "speculative"), "{study:?}");
    let plans = [study.plans[0].plan.clone(), Plan::Adaptive];
    for category in categories(&trace, &costs, &plans).unwrap() {
        assert!(category.improvements[1] >= 1.08 * category.improvements[0], "{category:?}");
    }
    // The odd ones had no say in the constants that decide how far to draft, but in those of what an answer may lose.
    let ratio = |half: usize| {
        let cost = |plan: &Plan| -> f64 {
            let played = play(&trace.questions, &costs, 1, plan).unwrap();
            played.iter().skip(half).step_by(2).map(|played| played.cost).sum()
        };
        cost(&plans[0]) / cost(&plans[1])
    };
    assert!(ratio(0) > 1.26 && ratio(1) > 1.25, "even {}, odd {}", ratio(0), ratio(1));
}

#[test]
fn nothing_beats_hindsight_and_the_adaptive_policy_reaches_two_thirds_of_it_on_a_flat_machine() {
    let trace = trace();
    let costs = Costs::load(&data("flat.costs.json")).unwrap();
    let played = play(&trace.questions, &costs, 1, &Plan::Adaptive).unwrap();
    let least: Vec<f64> = trace.questions.iter().map(|question| least_cost(question, &costs)).collect();
    // The bound is of what Max-Gram's first drafter copies; what its others find is little.
    assert!(played.iter().zip(&least).all(|(played, least)| played.cost > 0.95 * least));
    let (spent, least): (f64, f64) = (played.iter().map(|played| played.cost).sum(), least.iter().sum());
    assert!(least / spent > 0.67, "{}", least / spent);
}

#[test]
fn on_two_cores_a_fixed_draft_loses_and_the_adaptive_cascade_does_not() {
    // A shared server, measured on a quiet day.
    let costs = Costs::load(&data("two-cores.costs.json")).unwrap();
    let study = study(&trace(), &costs, 1.0).unwrap();
    assert!(improvement(&study, "speculative") < 0.8 && improvement(&study, "adaptive") > 1.0, "{study:?}");
}

/// Tokens of an answer that is not to be slower.
const LONG: usize = 64;

/// How many times faster each answer is than with the target alone, and whether it is a long one, by category, where everything is asked twice
/// in a row: the first time and, with what was learned of it, the second.
fn asked_twice(trace: &Trace, costs: &Costs, drafts: usize) -> [BTreeMap<String, Vec<(f64, bool)>>; 2] {
    let questions: Vec<_> = trace.questions.iter().chain(&trace.questions).collect();
    let [alone, cascade] =
        [Plan::Off, Plan::Adaptive].map(|plan| play(questions.iter().copied(), costs, drafts, &plan).unwrap());
    let mut times = [BTreeMap::new(), BTreeMap::new()];
    for (index, question) in questions.into_iter().enumerate() {
        let ratios: &mut Vec<(f64, bool)> =
            times[index / trace.questions.len()].entry(question.category.clone()).or_default();
        ratios.push((alone[index].cost / cascade[index].cost, question.answer.len() >= LONG));
    }
    times
}

/// The recorded ladders with what their passes take on two cores, and how many drafts they have.
fn on_two_cores() -> [(&'static str, Trace, Costs, usize); 2] {
    [("qwen-coder", "two-cores", 1), ("smollm2", "smollm2", 0)].map(|(name, costs, drafts)| {
        let trace = Trace::load(&data(&format!("{name}.trace.gz"))).unwrap();
        // A draft has to read the question too before it drafts.
        let costs = Costs { drafts_read: true, ..Costs::load(&data(&format!("{costs}.costs.json"))).unwrap() };
        (name, trace, costs, drafts)
    })
}

/// What all of it takes without drafts over what it takes with them, and the share of long answers that take more than 3% longer, asked in four
/// orders, twice in each, each time in another weather of the kind.
fn in_four_orders(trace: &Trace, costs: &Costs, drafts: usize) -> (f64, f64) {
    let count = trace.questions.len();
    let alone = play(&trace.questions, costs, drafts, &Plan::Off).unwrap();
    let (mut times, mut long, mut slow) = ([0.0; 2], 0, 0);
    for order in 0..4 {
        // 37 has no divisor in common with the number of questions.
        let at = |index: usize| (index * if order % 2 == 0 { 1 } else { 37 } + order * count / 4) % count;
        let asked: Vec<usize> = (0..2 * count).map(|index| at(index % count)).collect();
        let costs = Costs { weather: Weather { seed: order as u64, ..costs.weather }, ..costs.clone() };
        let played = play(asked.iter().map(|index| &trace.questions[*index]), &costs, drafts, &Plan::Adaptive).unwrap();
        for (index, played) in asked.into_iter().zip(played) {
            times[0] += alone[index].cost;
            times[1] += played.cost;
            if trace.questions[index].answer.len() >= LONG {
                long += 1;
                slow += usize::from(alone[index].cost < 0.97 * played.cost);
            }
        }
    }
    (times[0] / times[1], f64::from(slow as u32) / f64::from(long as u32))
}

#[test]
fn on_two_cores_hardly_a_long_answer_loses_more_than_the_promise_in_whatever_order_and_weather() {
    for (name, trace, costs, drafts) in on_two_cores() {
        // 1.044 and 1.010 when written, whatever the weather; of 750 long answers of SmolLM2 1 to 4 below 0.97.
        let least = if drafts == 0 { 1.03 } else { 1.005 };
        for (noise, busy, most) in [(0.0, 0.0, 0.003), (0.05, 0.0, 0.008), (0.1, 0.0, 0.01), (0.05, 0.4, 0.02)] {
            let weather = Weather { noise, busy, seed: 0 };
            let (speed_up, slow) = in_four_orders(&trace, &Costs { weather, ..costs.clone() }, drafts);
            assert!(speed_up > least && slow <= most, "{name}, {weather:?}: {speed_up}, {slow}");
        }
    }
}

#[test]
fn behind_texts_of_all_lengths_nothing_is_lost_either() {
    for (name, mut trace, costs, drafts) in on_two_cores() {
        // Up to 8000 tokens that say nothing, each of which makes a token's pass longer by 6% for a hundred of them.
        for (index, question) in trace.questions.iter_mut().enumerate() {
            let size = u64::from(question.size);
            let said = (0..index * 5 % 7 * 1333).map(|place| {
                let scattered = (index as u64 * 10_000 + place as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                ((scattered >> 32) % size) as u32
            });
            question.prompt.splice(0..0, said);
        }
        let held: Vec<f64> = costs.models.iter().map(|model| model[0].1 * 0.0006).collect();
        // Wide passes of these look at it as if they had half a token more, or less.
        for rows in [0.0, 0.5, -0.5] {
            let weather = Weather { noise: 0.05, ..Weather::default() };
            let (held, rows) = (held.clone(), vec![rows; held.len()]);
            let costs = Costs { held, rows: rows.clone(), weather, ..costs.clone() };
            let (speed_up, slow) = in_four_orders(&trace, &costs, drafts);
            assert!(speed_up > 0.999 && slow <= 0.008, "{name}, {rows:?}: {speed_up}, {slow}");
        }
    }
}

#[test]
fn on_two_cores_no_kind_of_question_is_slower_and_no_answer_loses_more_than_a_guard_lets_through() {
    for (name, trace, costs, drafts) in on_two_cores() {
        for (time, mut categories) in asked_twice(&trace, &costs, drafts).into_iter().enumerate() {
            for (category, ratios) in &mut categories {
                ratios.sort_by(|one, other| one.0.total_cmp(&other.0));
                let middle = ratios[ratios.len() / 2].0;
                let slowest = |long: bool| ratios.iter().filter(|of| of.1 || !long).map(|of| of.0).next();
                // Of an answer that ends soon a single copy that fails is more.
                assert!(
                    middle > 0.985
                        && slowest(true).is_none_or(|slowest| slowest > 0.968)
                        && slowest(false) > Some(0.93),
                    "{name}, {time}, {category}: {ratios:?}"
                );
            }
        }
    }
}

#[test]
fn on_a_card_that_records_passes_what_a_review_adds_to_the_next_ones_is_reckoned_with() {
    let trace = trace();
    let costs = Costs::load(&data("h100/qwen-coder.costs.json")).unwrap();
    // A token takes 1.8 ms once its steps are recorded and 4.5 as long as they are not: what passes of two take there (`docs/gpu.md`).
    let costs = Costs { settling: vec![0.0027, 0.0005], ..costs };
    let cost = |plan: &Plan| -> Vec<f64> {
        play(&trace.questions, &costs, 1, plan).unwrap().iter().map(|played| played.cost).collect()
    };
    let (alone, adaptive) = (cost(&Plan::Off), cost(&Plan::Adaptive));
    let all = alone.iter().sum::<f64>() / adaptive.iter().sum::<f64>();
    let slowest = alone.iter().zip(&adaptive).map(|(alone, adaptive)| alone / adaptive).fold(f64::INFINITY, f64::min);
    // 0.997 and 0.913 when written; 0.994 and 0.838 when it is taken for what a single token takes.
    assert!(all > 0.995 && slowest > 0.9, "{all} {slowest}");
}

#[test]
fn on_a_card_that_records_passes_of_every_width_larger_targets_gain() {
    let trace = trace();
    // Costs measured on an NVIDIA H200; the answers and drafts are those of the Qwen ladder (`docs/gpu.md`).
    for (name, least) in [("qwen-coder", 1.015), ("7b-with-0.5b", 1.07), ("14b-with-0.5b", 1.5), ("32b-with-0.5b", 2.0)]
    {
        let costs = Costs::load(&data(&format!("h200/{name}.costs.json"))).unwrap();
        let cost = |plan: &Plan| -> f64 {
            play(&trace.questions, &costs, 1, plan).unwrap().iter().map(|played| played.cost).sum()
        };
        let ratio = cost(&Plan::Off) / cost(&Plan::Adaptive);
        assert!(ratio > least, "{name}: {ratio}");
    }
}

#[test]
fn the_costs_that_were_put_together_are_those_that_were_measured() {
    let costs = |name: &str| Costs::load(&data(&format!("h200/{name}.costs.json"))).unwrap();
    let (together, target, draft) = (costs("32b-with-1.5b"), costs("32b-with-0.5b"), costs("qwen-coder"));
    assert_eq!(together.models, [target.models[0].clone(), draft.models[0].clone()]);
    assert!(together.about.starts_with("put together"), "{}", together.about);
    let about = Costs { about: together.about.clone(), models: together.models.clone(), ..target };
    assert_eq!(together, about, "and nothing else is told of them");
}

#[test]
fn a_draft_with_a_device_of_its_own_brings_more_and_where_it_is_too_slow_nothing_is_lost() {
    let trace = trace();
    let ratio = |costs: &Costs| {
        let cost = |plan: &Plan| -> f64 {
            play(&trace.questions, costs, 1, plan).unwrap().iter().map(|played| played.cost).sum()
        };
        cost(&Plan::Off) / cost(&Plan::Adaptive)
    };
    let processor = Costs::load(&data("two-cores.costs.json")).unwrap().models.remove(1);
    for (name, least) in [("7b-with-0.5b", 1.35), ("14b-with-0.5b", 1.12), ("32b-with-0.5b", 1.03)] {
        let shared = Costs::load(&data(&format!("h200/{name}.costs.json"))).unwrap();
        let apart = Costs { beside: true, ..shared.clone() };
        // 1.40, 1.15 and 1.07 when written: the larger the target, the less of its time the draft takes on one card.
        let (one, two) = (ratio(&shared), ratio(&apart));
        assert!(two > least * one, "{name}: {one} on one card, {two} on two");
        // A processor's draft of 25 ms beside a card's target of 4 to 15.
        let beside = |beside| {
            ratio(&Costs { beside, models: vec![shared.models[0].clone(), processor.clone()], ..shared.clone() })
        };
        let (waiting, ahead) = (beside(false), beside(true));
        assert!(ahead > 0.995 * waiting && ahead > 1.0, "{name}: {waiting} waiting, {ahead} ahead");
    }
}
