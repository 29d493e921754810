use lab::{Best, Costs, Plan, Played, Trace, best_fixed, categories, play, study};
use protocol::{Code, Problem};
use serde_json::{Value, json};

use super::unusable;
use crate::args::{Swi, drafters};
use crate::output::Output;

/// Plays a trace in every way and prints what each brings.
pub(super) fn run(args: &Swi, output: &Output) -> Result<(), Problem> {
    let refuse = |name: &str, value: &dyn std::fmt::Display, reason: &str| {
        Err(Problem::new(Code::SettingInvalid).with("name", name).with("value", value).with("reason", reason))
    };
    if !(1.0..=1000.0).contains(&args.lenience) {
        return refuse("--lenience", &args.lenience, "it must lie between 1 and 1000");
    }
    let mut trace = Trace::load(&args.trace).map_err(|error| unusable(&args.trace, &error))?;
    trace.keep_models(args.models(trace.rungs.len())?);
    let given = args.fixed.k(&drafters(trace.rungs.iter().map(String::as_str), true))?;
    let costs = match &args.costs {
        Some(path) => Costs::load(path).map_err(|error| unusable(path, &error))?,
        None => Costs::by_call(&args.coefficients),
    };
    if let Some(bad) = args.coefficients.iter().find(|cost| !Costs::POSSIBLE.contains(cost)) {
        return refuse("--coefficients", bad, "every cost must lie between 0.000000001 and 1000000");
    }
    let (have, need) = (costs.models.len(), trace.rungs.len());
    if let (true, Some(path)) = (have < need, &args.costs) {
        return Err(unusable(path, &format!("it has the times of {have} models, and the trace {need}")));
    }
    if have < need {
        let reason = format!("the trace has {need} models and so needs {need} costs, the target's first");
        return refuse("--coefficients", &args.coefficients.len(), &reason);
    }
    let broken = |error: lab::KError| Problem::new(Code::LadderInvalid).with("reason", error);
    let mut study = study(&trace, &costs, args.lenience).map_err(broken)?;
    if let Some(k) = given {
        study.plans.push(best_fixed(&trace, &costs, "given", &[k], args.lenience, study.alone).map_err(broken)?);
    }
    let seconds = args.costs.is_some();
    // The first token of each answer comes with its prompt, whose reading no plan pays.
    let later = |played: &Played| played.tokens.saturating_sub(trace.questions.len()) as f64;
    let speed = |best: &Best| later(&best.played) / best.played.cost;
    let alone = study.plans.first().map(|best| later(&best.played) / study.alone).filter(|_| seconds);
    say(&trace, &study.plans, alone, &speed, output);
    let plans: Vec<Plan> = study.plans.iter().map(|best| best.plan.clone()).collect();
    let names: Vec<&str> = study.plans.iter().map(|best| best.name).collect();
    let rows = categories(&trace, &costs, &plans).map_err(broken)?;
    output.line(format_args!("{:<22} {}", "", row_of(names.iter().map(|name| format!("{name:>12}")))));
    for row in &rows {
        let each = row_of(row.improvements.iter().map(|each| format!("{each:>12.3}")));
        output.line(format_args!("{:<22} {each}", format!("{} ({})", row.name, row.questions)));
    }
    // Of each question by itself too: whoever promises never to be slower has to look at the slowest.
    let drafts = trace.rungs.len() - 1;
    let costs_of = |plan: &Plan| -> Result<Vec<f64>, Problem> {
        let played = play(&trace.questions, &costs, drafts, plan).map_err(broken)?;
        Ok(played.iter().map(|played| played.cost).collect())
    };
    let off = costs_of(&Plan::Off)?;
    let each = plans.iter().map(costs_of).collect::<Result<Vec<_>, _>>()?;
    let ratio = |question: usize| each.iter().map(|plan| off[question] / plan[question]).collect::<Vec<_>>();
    let questions: Vec<Value> = trace.questions.iter().enumerate().map(|(at, question)| {
        json!({ "category": question.category, "tokens": question.answer.len(), "improvements": ratio(at) })
    }).collect();
    let slowest = |plan: usize| (0..off.len()).map(|at| off[at] / each[plan][at]).fold(f64::INFINITY, f64::min);
    output.line(format_args!(
        "{:<22} {}",
        "slowest question",
        row_of((0..names.len()).map(|plan| format!("{:>12.3}", slowest(plan))))
    ));
    let plans: Vec<Value> = study
        .plans
        .iter()
        .map(|best| {
            json!({
                "name": best.name, "k": match &best.plan { Plan::Fixed { k, .. } => json!(k), _ => Value::Null },
                "improvement": best.improvement, "tokens_per_second": seconds.then(|| speed(best)), "passes": best.played.passes, "tokens": best.played.tokens,
                "proposed": best.played.proposed, "accepted": best.played.accepted,
            })
        })
        .collect();
    let categories: Vec<Value> = rows
        .iter()
        .map(|row| json!({ "category": row.name, "prompts": row.questions, "improvements": row.improvements }))
        .collect();
    output.json(&json!({ "rungs": trace.rungs, "lenience": args.lenience, "plans": plans, "categories": categories, "questions": questions }));
    Ok(())
}

/// Every plan in words. `alone` is how fast the target alone is, in tokens per second behind the first, where times are known.
fn say(trace: &Trace, plans: &[Best], alone: Option<f64>, speed: &dyn Fn(&Best) -> f64, output: &Output) {
    let tokens = plans.first().map_or(0, |best| best.played.tokens);
    output.note(format_args!(
        "{} ← Max-Gram; {} questions, {tokens} tokens",
        trace.rungs.join(" ← "),
        trace.questions.len()
    ));
    let times = match alone {
        Some(alone) => format!("The target alone: {alone:.1} tokens per second by these costs"),
        None => "These costs are no times, so there are no tokens per second".to_owned(),
    };
    output.note(format_args!(
        "{times}. The fixed ways have the best numbers of those tried for these very questions, adaptive learns as it goes."
    ));
    let drafters = drafters(trace.rungs.iter().map(String::as_str), true);
    for best in plans {
        let speed = if alone.is_some() { format!("{:>7.1} tokens/s", speed(best)) } else { String::new() };
        output.line(format_args!("{:<12} {:>6.3}×{speed}  {}", best.name, best.improvement, matrix(&best.plan)));
        let passes = trace.rungs.iter().zip(&best.played.passes).map(|(name, passes)| format!("{passes} of {name}"));
        let kept = drafters.iter().zip(best.played.proposed.iter().skip(1).zip(best.played.accepted.iter().skip(1)));
        let kept = kept.filter(|(_, (proposed, _))| **proposed > 0);
        let kept = kept.map(|(name, (proposed, kept))| format!("{kept} of {proposed} from {name}"));
        let (passes, kept) = (passes.collect::<Vec<_>>().join(", "), kept.collect::<Vec<_>>().join(", "));
        let kept = if kept.is_empty() { "nothing".to_owned() } else { kept };
        output.line(format_args!("{:<12} passes: {passes}; the target kept {kept}", ""));
    }
}

fn row_of(cells: impl Iterator<Item = String>) -> String {
    cells.collect::<Vec<_>>().concat()
}

fn matrix(plan: &Plan) -> String {
    match plan {
        Plan::Fixed { k, .. } => format!("K = {k:?}"),
        Plan::Off => "the target alone".to_owned(),
        Plan::Adaptive => "learned as it goes".to_owned(),
    }
}
