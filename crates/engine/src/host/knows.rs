//! What was learned of ladders, as far as it says something about this computer or about a ladder's drafts.

use cascade::policy::Knowledge;
use protocol::learned::Learned;

use super::conditions::processor;

/// How sure a draft is whose use is asked for: sure enough that its token is proposed.
const SURE: f64 = 0.8;

/// Targets of such a part of the largest one's size, or more, tell how fast weights are read.
const LARGE: u64 = 4;

/// About how many bytes of weights a one-token pass reads in a second on this computer while nothing else is done, from what was measured here of large
/// targets; None before anything was. (A pass of a small model has time for other things, or its weights lie in the processor's cache. Other work
/// makes every pass slower, so that the fastest says most.)
///
/// `is_dense` tells of a ladder whether its target reads all of its weights for every token; others say nothing.
pub fn bytes_a_second(all: &[Learned], is_dense: &dyn Fn(&str) -> bool) -> Option<f64> {
    let here = processor();
    let usual = |learned: &&Learned| {
        !learned.conditions.exact && learned.conditions.threads.is_none() && !learned.lessons.on_devices
    };
    let of_here = all.iter().filter(|learned| learned.conditions.processor == here && is_dense(&learned.ladder));
    let of_here = of_here.filter(usual);
    let speed = |learned: &Learned| {
        let bytes = learned.conditions.files.first()?.bytes;
        let single = knowledge(learned)?.curve(0)?.at(1)?;
        let single = learned.lessons.fastest.map_or(single, |fastest| fastest.min(single));
        (bytes > 0 && single > 0.0).then(|| (bytes, bytes as f64 / single))
    };
    let speeds: Vec<_> = of_here.filter_map(speed).collect();
    let largest = speeds.iter().map(|(bytes, _)| *bytes).max()?;
    let large = speeds.iter().filter(|(bytes, _)| *bytes >= largest / LARGE);
    large.map(|(_, speed)| *speed).max_by(f64::total_cmp)
}

/// How useful each draft of the ladder is, the first one first: how likely the target keeps a token that it is sure of, less the share of a pass of
/// the target that one of its own takes. Empty where that is not known of all of them.
pub fn uses(learned: &Learned) -> Vec<f64> {
    let drafts = 1..learned.conditions.files.len();
    let Some(known) = knowledge(learned) else { return Vec::new() };
    let single = |rung| known.curve(rung)?.at(1);
    let of = |rung| Some((known.kept(rung, SURE)? - single(rung)? / single(0)?).max(0.0));
    drafts.map(of).collect::<Option<_>>().unwrap_or_default()
}

fn knowledge(learned: &Learned) -> Option<Knowledge> {
    let known: Knowledge = serde_json::from_value(learned.lessons.policy.clone()).ok()?;
    known.check(learned.conditions.files.len()).ok().map(|()| known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cascade::policy::{Adaptive, CostCurve};
    use protocol::ladder::CacheType;
    use protocol::learned::{Conditions, FileMark, Lessons, Threads};

    fn curve(seconds: f64) -> CostCurve {
        let mut curve = CostCurve::default();
        curve.measured(1, seconds);
        curve
    }

    fn learned(bytes: &[u64], processor: String) -> Learned {
        let curves: Vec<_> = bytes.iter().map(|bytes| curve(*bytes as f64 / 1e9)).collect();
        let policy = serde_json::to_value(Adaptive::new(curves.clone()).knowledge(&curves)).unwrap();
        let mark = |bytes: &u64| FileMark { name: "m".into(), bytes: *bytes, modified: 0 };
        let files = bytes.iter().map(mark).collect();
        let conditions = Conditions {
            program: "t".into(),
            processor,
            files,
            exact: false,
            threads: None,
            cache: CacheType::F16,
            gpu_layers: None,
            drafts_on_processor: false,
        };
        Learned {
            ladder: "l".into(),
            conditions,
            lessons: Lessons { threads: Threads { single: 1, wide: 1 }, on_devices: false, fastest: None, policy },
        }
    }

    #[test]
    fn the_largest_target_measured_here_says_how_fast_weights_are_read() {
        let (small, large) = (learned(&[1000], processor()), learned(&[5000, 100], processor()));
        let mut other = learned(&[9000], "another ×64".to_owned());
        let dense = |_: &str| true;
        let speed = bytes_a_second(&[small.clone(), large, other.clone()], &dense).unwrap();
        assert!((speed - 1e9).abs() < 1.0, "{speed}");
        let mut busy = learned(&[6000], processor());
        busy.lessons.policy = learned(&[60_000], processor()).lessons.policy;
        let of = |all: &[Learned]| bytes_a_second(all, &dense).unwrap();
        assert!(
            (of(&[busy.clone(), learned(&[5000], processor())]) - 1e9).abs() < 1.0,
            "the other one was not disturbed"
        );
        assert!((of(&[busy.clone(), small.clone()]) - 1e8).abs() < 1.0, "a small one says little");
        busy.lessons.fastest = Some(6e-6);
        assert!((of(&[busy]) - 1e9).abs() < 1.0, "it was faster before");
        assert_eq!(bytes_a_second(std::slice::from_ref(&other), &dense), None, "measured elsewhere");
        assert_eq!(bytes_a_second(&[], &dense), None);
        assert_eq!(bytes_a_second(std::slice::from_ref(&small), &|_| false), None, "it reads only some of its weights");
        let mut on_a_card = small.clone();
        on_a_card.lessons.on_devices = true;
        assert_eq!(bytes_a_second(&[on_a_card], &dense), None, "that says nothing of the processor");
        other.conditions.processor = processor();
        other.lessons.policy = serde_json::json!({ "version": "nonsense" });
        assert_eq!(bytes_a_second(&[other], &dense), None, "what cannot be read says nothing");
        assert!(uses(&small).is_empty(), "a ladder without drafts has none");
    }
}
