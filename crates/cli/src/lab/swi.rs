use lab::{Costs, Plan, Trace, categories, study};
use protocol::{Code, Problem};
use serde_json::{Value, json};

use super::unusable;
use crate::args::Swi;
use crate::output::Output;

/// Plays a trace in every way and prints what each brings.
pub(super) fn run(args: &Swi, output: &Output) -> Result<(), Problem> {
    let refuse = |name: &str, value: &dyn std::fmt::Display, reason: &str| {
        Err(Problem::new(Code::SettingInvalid).with("name", name).with("value", value).with("reason", reason))
    };
    if !(1.0..=1000.0).contains(&args.lenience) {
        return refuse("--lenience", &args.lenience, "it must lie between 1 and 1000");
    }
    let trace = Trace::load(&args.trace).map_err(|error| unusable(&args.trace, &error))?;
    let costs = match &args.costs {
        Some(path) => Costs::load(path).map_err(|error| unusable(path, &error))?,
        None => Costs::by_call(&args.coefficients),
    };
    if let Some(bad) = args.coefficients.iter().find(|cost| !(cost.is_finite() && **cost > 0.0)) {
        return refuse("--coefficients", bad, "every cost must be above 0");
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
    let study = study(&trace, &costs, args.lenience).map_err(broken)?;
    output.note(format_args!("{}; {} questions", trace.rungs.join(" ← "), trace.questions.len()));
    for best in &study.plans {
        output.line(format_args!(
            "{:<12} {:.3}×  {}  passes {:?}, proposed {:?}, kept {:?}",
            best.name,
            best.improvement,
            matrix(&best.plan),
            best.played.passes,
            best.played.proposed,
            best.played.accepted
        ));
    }
    let plans: Vec<Plan> = study.plans.iter().map(|best| best.plan.clone()).collect();
    let names: Vec<&str> = study.plans.iter().map(|best| best.name).collect();
    let rows = categories(&trace, &costs, &plans).map_err(broken)?;
    output.line(format_args!("{:<22} {}", "", row_of(names.iter().map(|name| format!("{name:>12}")))));
    for row in &rows {
        let each = row_of(row.improvements.iter().map(|each| format!("{each:>12.3}")));
        output.line(format_args!("{:<22} {each}", format!("{} ({})", row.name, row.questions)));
    }
    let plans: Vec<Value> = study
        .plans
        .iter()
        .map(|best| {
            json!({
                "name": best.name, "k": match &best.plan { Plan::Fixed { k, .. } => json!(k), _ => Value::Null },
                "improvement": best.improvement, "passes": best.played.passes, "tokens": best.played.tokens,
                "proposed": best.played.proposed, "accepted": best.played.accepted,
            })
        })
        .collect();
    let categories: Vec<Value> = rows
        .iter()
        .map(|row| json!({ "category": row.name, "prompts": row.questions, "improvements": row.improvements }))
        .collect();
    output.json(&json!({ "rungs": trace.rungs, "lenience": args.lenience, "plans": plans, "categories": categories }));
    Ok(())
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
