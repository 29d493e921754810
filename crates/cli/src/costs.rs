//! What passes of loaded models take on this computer, as the laboratory wants it.

use cascade::policy::{CostCurve, Knowledge};
use lab::Costs;
use protocol::learned::Learned;
use protocol::worker::{Loaded, PassTime};

/// What was measured when the models were loaded, and what longer texts add to it by what was `learned` of them.
pub(crate) fn of(loaded: &Loaded, learned: Option<&Learned>) -> Costs {
    let points = |times: &Vec<PassTime>| times.iter().map(|time| (time.width as usize, time.seconds)).collect();
    let (held, rows) =
        learned.map(|learned| by_length(&loaded.pass_times, &learned.lessons.policy)).unwrap_or_default();
    Costs {
        about: format!("measured with {}", loaded.rungs.join(" ← ")),
        models: loaded.pass_times.iter().map(points).collect(),
        drafts_read: true,
        held,
        rows,
        beside: loaded.drafts_ahead,
        ..Costs::default()
    }
}

/// Of each model, what each token of a pass takes more for each that stands before it, and as how many tokens more than it has a pass over several
/// looks at them; nothing where `policy` knows nothing of that.
fn by_length(times: &[Vec<PassTime>], policy: &serde_json::Value) -> (Vec<f64>, Vec<f64>) {
    let known = serde_json::from_value::<Knowledge>(policy.clone()).ok();
    let Some(knowledge) = known.filter(|known| known.check(times.len()).is_ok()) else {
        return (Vec::new(), Vec::new());
    };
    let of_model = |(rung, times): (usize, &Vec<PassTime>)| {
        let (share, rows) = knowledge.curve(rung).and_then(CostCurve::by_length).unwrap_or_default();
        let single = times.iter().find(|time| time.width == 1).map_or(0.0, |time| time.seconds);
        (share * single, rows)
    };
    let (held, rows): (Vec<f64>, Vec<f64>) = times.iter().enumerate().map(of_model).unzip();
    if held.iter().any(|each| *each > 0.0) { (held, rows) } else { (Vec::new(), Vec::new()) }
}

#[cfg(test)]
mod tests {
    use cascade::policy::Adaptive;
    use serde_json::json;

    use super::*;

    #[test]
    fn longer_texts_cost_what_was_learned_of_them() {
        let times = [(0.006, 0.016), (0.001, 0.002)]
            .map(|(one, four)| [(1, one), (4, four)].map(|(width, seconds)| PassTime { width, seconds }).to_vec());
        let curves: Vec<CostCurve> = times.iter().map(|_| CostCurve::default()).collect();
        let mut policy = serde_json::to_value(Adaptive::new(curves.clone()).knowledge(&curves)).unwrap();
        assert_eq!(by_length(&times, &policy), (vec![], vec![]), "nothing was answered yet");
        let growth = &mut policy["paces"][0]["cost"]["growth"];
        (growth["slope"], growth["rows"]) = (json!(1.0 / 1600.0), json!(1.5));
        let (held, rows) = by_length(&times, &policy);
        let costs = Costs { models: vec![vec![(1, 0.006)]; 2], held, rows, ..Costs::default() };
        let behind = |width: usize| costs.held(0, width) * 1600.0;
        assert!((behind(1) - 0.006).abs() < 1e-9 && (behind(4) - 5.5 * 0.006).abs() < 1e-9, "{costs:?}");
        assert!(costs.held(1, 1).abs() < 1e-12, "of the draft nothing was learned: {costs:?}");
        assert_eq!(by_length(&times[..1], &policy), (vec![], vec![]), "that is of another ladder");
        policy["paces"][0]["cost"]["growth"]["slope"] = json!(7.0);
        assert_eq!(by_length(&times, &policy), (vec![], vec![]), "that cannot be");
    }
}
