use std::sync::Arc;
use std::time::Duration;

use crate::fetch::options::{SourceKind, Time};

/// How far a fetch is. The bytes count over everything that was asked for and was missing.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchProgress {
    /// Display name of the model being fetched.
    pub model: String,
    /// Where it is being fetched from; None while another program fetches the same file.
    pub source: Option<SourceKind>,
    /// The mirror that is asked in Hugging Face's place, if one is.
    pub mirror: Option<String>,
    /// Bytes there so far.
    pub done_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
    /// About how many seconds are left; None before it can be told.
    pub seconds_left: Option<f64>,
    /// Whether what is there is being checked instead of more being fetched.
    pub verifying: bool,
    /// Whether what had come in of the model was damaged, so that all of it is fetched once more.
    pub anew: bool,
    /// Why the source failed, if it is left alone for a moment before it is asked again.
    pub interrupted: Option<String>,
}

/// Shortest time between two reports.
const REPORT_EVERY: Duration = Duration::from_millis(100);

/// Reports progress, not too often, with a smoothed estimate of the time left.
pub(super) struct Meter<'a> {
    on: &'a mut dyn FnMut(FetchProgress),
    time: Arc<dyn Time>,
    pace: Pace,
    model: String,
    source: Option<SourceKind>,
    mirror: Option<String>,
    /// Bytes of the models before this one.
    before: u64,
    total: u64,
    anew: bool,
    /// Why, and with how many bytes there.
    interrupted: Option<(String, u64)>,
    reported: Option<(Duration, bool)>,
}

impl<'a> Meter<'a> {
    pub(super) fn new(total: u64, time: Arc<dyn Time>, on: &'a mut dyn FnMut(FetchProgress)) -> Self {
        Self {
            on,
            time,
            pace: Pace::default(),
            model: String::new(),
            source: None,
            mirror: None,
            before: 0,
            total,
            anew: false,
            interrupted: None,
            reported: None,
        }
    }

    pub(super) fn begin(&mut self, model: &str) {
        model.clone_into(&mut self.model);
        (self.source, self.mirror, self.anew, self.interrupted) = (None, None, false, None);
    }

    pub(super) fn from(&mut self, source: SourceKind, mirror: Option<String>) {
        (self.source, self.mirror, self.interrupted) = (Some(source), mirror, None);
        // Another source has another pace.
        self.pace = Pace::default();
        self.reported = None;
    }

    /// What had come in of the model was damaged.
    pub(super) fn anew(&mut self) {
        self.anew = true;
        self.reported = None;
    }

    /// The source failed for this reason with `done` bytes of the model there, and is asked again soon: until something comes.
    pub(super) fn interrupted(&mut self, reason: String, done: u64) {
        self.interrupted = Some((reason, done));
        self.reported = None;
        // The wait says nothing about its pace.
        self.pace = Pace::default();
        self.report(done, false);
    }

    /// The model has all its `bytes`.
    pub(super) fn end(&mut self, bytes: u64) {
        self.reported = None;
        self.report(bytes, false);
        self.before += bytes;
    }

    /// `done` bytes of this model are there.
    pub(super) fn report(&mut self, done: u64, verifying: bool) {
        let now = self.time.now();
        self.interrupted.take_if(|(_, before)| *before != done);
        let done_bytes = (self.before + done).min(self.total);
        if !verifying {
            self.pace.saw(now, done_bytes);
        }
        if self.reported.is_some_and(|(last, same)| same == verifying && now.saturating_sub(last) < REPORT_EVERY) {
            return;
        }
        self.reported = Some((now, verifying));
        (self.on)(FetchProgress {
            model: self.model.clone(),
            source: self.source,
            mirror: self.mirror.clone(),
            done_bytes,
            total_bytes: self.total,
            seconds_left: self.pace.seconds_left(self.total - done_bytes),
            verifying,
            anew: self.anew,
            interrupted: self.interrupted.as_ref().map(|(reason, _)| reason.clone()),
        });
    }
}

/// Bytes per second, smoothed so that the time left does not jump.
#[derive(Debug, Default)]
struct Pace {
    last: Option<(Duration, u64)>,
    rate: Option<f64>,
}

impl Pace {
    /// Time over which old speeds are forgotten, in seconds.
    const MEMORY: f64 = 5.0;
    /// Shortest span that a speed is taken from, in seconds.
    const SPAN: f64 = 0.5;

    fn saw(&mut self, now: Duration, done: u64) {
        let Some((then, before)) = self.last.filter(|(_, before)| *before <= done) else {
            // The first sight, or the file was begun anew.
            self.last = Some((now, done));
            return;
        };
        let span = now.saturating_sub(then).as_secs_f64();
        if span < Self::SPAN {
            return;
        }
        let speed = (done - before) as f64 / span;
        let fresh = 1.0 - (-span / Self::MEMORY).exp();
        self.rate = Some(self.rate.map_or(speed, |rate| rate + fresh * (speed - rate)));
        self.last = Some((now, done));
    }

    fn seconds_left(&self, bytes: u64) -> Option<f64> {
        // Below one byte per second any number would be a joke.
        self.rate.filter(|rate| *rate >= 1.0).map(|rate| bytes as f64 / rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_the_speed_smoothly() {
        let mut pace = Pace::default();
        assert_eq!(pace.seconds_left(100), None, "nothing is known yet");
        for second in 0..20_u64 {
            pace.saw(Duration::from_secs(second), second * 1000);
        }
        let steady = pace.seconds_left(10_000).unwrap();
        assert!((steady - 10.0).abs() < 0.01, "{steady}");
        pace.saw(Duration::from_secs(20), 19_000);
        let stalled = pace.seconds_left(10_000).unwrap();
        assert!((11.0..14.0).contains(&stalled), "one bad second changes little: {stalled}");
        pace.saw(Duration::from_secs(21), 0);
        assert!(pace.seconds_left(10_000).is_some(), "a new beginning is no negative speed");
    }
}
