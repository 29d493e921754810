//! Curves of models that take what they are told to, on a clock of their own.

use std::cell::Cell;
use std::rc::Rc;

use cascade::toy::{Broke, Toy};
use cascade::{Logits, Token, VocabId};

use super::super::hold::MEASURE;
use super::*;

/// A clock that stands still but for passes.
#[derive(Clone, Default)]
struct Still(Rc<Cell<Duration>>);

impl Clock for Still {
    fn now(&self) -> Duration {
        self.0.get()
    }
}

/// A toy whose passes take `seconds` by their width, and which notes them.
struct Paced<F> {
    toy: Toy,
    clock: Still,
    seconds: F,
    passes: Vec<usize>,
}

impl<F: Fn(usize) -> f64> Paced<F> {
    fn new(seconds: F) -> Self {
        Self { toy: Toy::new(50, 3), clock: Still::default(), seconds, passes: Vec::new() }
    }

    /// Its curve, the widths of the passes that were made for it, and the seconds that it took.
    fn measured(mut self, on_devices: bool) -> (CostCurve, Vec<usize>, f64) {
        let clock = self.clock.clone();
        let curve = curve_by(&clock, &mut self, MEASURE[0], on_devices).unwrap();
        assert_eq!(self.len(), 0, "it holds nothing afterwards");
        (curve, self.passes, clock.now().as_secs_f64())
    }
}

impl<F: Fn(usize) -> f64> LanguageModel for Paced<F> {
    type Error = Broke;

    fn vocab(&self) -> &VocabId {
        self.toy.vocab()
    }

    fn capacity(&self) -> usize {
        self.toy.capacity()
    }

    fn len(&self) -> usize {
        self.toy.len()
    }

    fn truncate(&mut self, len: usize) -> Result<(), Broke> {
        self.toy.truncate(len)
    }

    fn extend(&mut self, tokens: &[Token], rows: usize) -> Result<Logits<'_>, Broke> {
        self.passes.push(tokens.len());
        self.clock.0.set(self.clock.now() + Duration::from_secs_f64((self.seconds)(tokens.len())));
        self.toy.extend(tokens, rows)
    }
}

/// The measured widths of a curve.
fn widths(curve: &CostCurve) -> Vec<usize> {
    curve.points().map(|(width, _)| width).collect()
}

/// Where a token more takes so much `more` of what one takes by itself.
fn rising(single: f64, more: f64) -> impl Fn(usize) -> f64 {
    move |width| single * (1.0 + more * (width - 1) as f64)
}

#[test]
fn a_slow_target_has_wide_passes_measured() {
    // Bound by memory, whose wide passes take little longer.
    for (single, most) in [(0.15, 2.0), (0.2, 2.0), (0.3, 2.0), (2.0, 14.0)] {
        let (curve, _, seconds) = Paced::new(rising(single, 0.05)).measured(false);
        assert!(NEEDED.iter().all(|width| widths(&curve).contains(width)), "{single}: {curve:?}");
        let four = curve.at(4).unwrap();
        assert!((four / single - 1.15).abs() < 1e-6 && seconds < most, "{single}: {four}, {seconds} s");
    }
    // Bound by arithmetic: what eight take nobody needs to wait for.
    let (curve, _, seconds) = Paced::new(rising(0.3, 1.0)).measured(false);
    assert_eq!(widths(&curve), [1, 2, 4]);
    assert!(seconds < 3.0, "{seconds}");
}

#[test]
fn targets_that_are_fast_enough_are_measured_as_often_as_ever() {
    let singles = [1_usize; 6];
    let narrow: [usize; 10] = [2, 2, 3, 3, 4, 4, 8, 6, 16, 5];
    let (_, passes, _) = Paced::new(rising(0.006, 0.5)).measured(false);
    assert_eq!(passes, [&singles[..], &narrow, &[12, 24]].concat());
    let (_, passes, seconds) = Paced::new(rising(0.03, 0.6)).measured(false);
    assert_eq!(passes, [&singles[..], &narrow].concat());
    assert!((1.2..1.4).contains(&seconds), "the time was over: {seconds}");
}

#[test]
fn slow_devices_have_wide_passes_measured_too() {
    let (curve, _, seconds) = Paced::new(rising(0.2, 0.05)).measured(true);
    assert!(curve.is_apart() && NEEDED.iter().all(|width| widths(&curve).contains(width)), "{curve:?}");
    assert!(seconds < 3.0, "{seconds}");
    // A card's are measured as often as ever: the first two rounds are for what is recorded.
    let (_, passes, _) = Paced::new(rising(0.002, 0.02)).measured(true);
    let times = |width: usize| passes.iter().filter(|pass| **pass == width).count();
    assert!(WIDTHS_ON_DEVICES.into_iter().all(|width| times(width) == ROUNDS), "{passes:?}");
    assert_eq!(times(1), 6 + ROUNDS * SINGLES * WIDTHS_ON_DEVICES.len());
}

#[test]
fn what_was_measured_of_one_width_alone_is_measured_anew() {
    let is_still = |points: &[(usize, f64)]| {
        let mut before = CostCurve::default();
        for (width, seconds) in points {
            before.measured(*width, *seconds);
        }
        let mut model = Paced::new(rising(0.3, 0.05));
        is_still_by(&model.clock.clone(), &mut model, &before, false).unwrap()
    };
    assert!(is_still(&[(1, 0.3), (2, 0.32), (4, 0.34)]) && !is_still(&[(1, 0.3), (4, 0.9)]));
    assert!(!is_still(&[(1, 0.3)]));
}

#[test]
fn what_a_prompt_took_counts_more_than_what_reviews_do() {
    let after = |unread, seconds| chunk_after(unread, Duration::from_secs_f64(seconds), false);
    assert_eq!(
        [after(300, 3.0), after(300, 4.5), after(64, 0.2), after(40, 8.0)],
        [Some(128), Some(64), Some(128), Some(8)]
    );
    assert_eq!(after(12, 9.0), None);
    let on_devices = |seconds| chunk_after(400, Duration::from_secs_f64(seconds), true);
    assert_eq!([on_devices(0.2), on_devices(2.0)], [Some(384), Some(128)]);
}

#[test]
fn what_another_program_held_up_is_odd() {
    let seen = [(1, 1.0), (2, 1.8), (8, 6.0)];
    assert!(!is_odd(&seen, 4, 4.0) && !is_odd(&seen, 16, 17.0), "as many narrower passes take that, or a little more");
    assert!(!is_odd(&seen, 6, 6.5) && is_odd(&seen, 4, 7.6) && is_odd(&seen, 3, 5.5) && is_odd(&seen, 16, 19.0));
    assert!(!is_odd(&[], 1, 9.0), "nothing is known yet");
}

#[test]
fn a_slow_computer_reads_in_smaller_parts() {
    let chunk = |single: f64| {
        let mut curve = CostCurve::default();
        for width in [1, 2, 24] {
            curve.measured(width, single * width as f64);
        }
        super::chunk(&curve, false)
    };
    assert_eq!([0.01, 0.03, 0.05, 0.1, 0.5].map(chunk), [128, 64, 32, 16, 8]);
    assert_eq!(super::chunk(&CostCurve::default(), false), 8, "nothing is known of it");
}
