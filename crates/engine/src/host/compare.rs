use protocol::Problem;
use protocol::ladder::{Ladder, Rung};
use protocol::worker::{Loaded, Message, Record, Speaker};

use super::answer::Ask;
use super::everyday::EVERYDAY;

/// Tokens of each answer.
const TOKENS: u32 = 48;

/// How smaller versions of a model compare with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Tokens a second of the original alone; None if that was not measured.
    pub pace: Option<f64>,
    /// Each version that is loaded, in their order.
    pub versions: Vec<Agreement>,
}

/// How a smaller version of a model compares with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// What the version is called in the ladder.
    pub rung: String,
    /// How often both hold the same token for the best one, 0 to 1.
    pub share: f64,
    /// In how many places they were asked.
    pub places: usize,
    /// Tokens a second; None if that was not measured.
    pub pace: Option<f64>,
}

/// A ladder of a model and smaller versions of it, in falling size, to [compare] them.
pub fn versions(id: &str, rungs: Vec<Rung>) -> Ladder {
    let size = rungs.len();
    let row = |at: usize| (0..size).map(|column| u32::from(column >= at)).collect();
    let (id, k) = (id.to_owned(), (0..size).map(row).collect());
    Ladder { id, rungs, max_gram: true, k, lenience: 1.0, table: None, by_text: false }
}

/// How often smaller versions say what the original says, and how fast they say it. `loaded` is what came of loading
/// [`versions`]; `record` has that ladder answer; `on` is told the share that is done, 0 to 1.
///
/// # Errors
/// Those of `record`.
pub fn compare(
    loaded: &Loaded,
    record: &mut dyn FnMut(&Ask) -> Result<Record, Problem>,
    on: &mut dyn FnMut(f32),
) -> Result<Comparison, Problem> {
    let smaller = loaded.pass_times.len().saturating_sub(1);
    let mut agreed = vec![[0_usize; 2]; smaller];
    for (number, prompt) in EVERYDAY.iter().enumerate() {
        let message = Message { speaker: Speaker::User, text: (*prompt).to_owned() };
        let record = record(&Ask { max_tokens: Some(TOKENS), ..Ask::plain(vec![message]) })?;
        for (rows, [same, all]) in record.drafts.iter().zip(&mut agreed) {
            for (row, token) in rows.iter().zip(&record.answer) {
                *same += usize::from(row.first().is_some_and(|(best, _)| best == token));
                *all += 1;
            }
        }
        on((number + 1) as f32 / EVERYDAY.len() as f32);
    }
    let pace = |at: usize| {
        let single = loaded.pass_times.get(at)?.iter().find(|time| time.width == 1)?;
        (single.seconds > 0.0).then(|| 1.0 / single.seconds)
    };
    let versions = agreed.into_iter().enumerate().map(|(at, [same, places])| Agreement {
        rung: loaded.rungs.get(at + 1).cloned().unwrap_or_default(),
        share: same as f64 / places.max(1) as f64,
        places,
        pace: pace(at + 1),
    });
    Ok(Comparison { pace: pace(0), versions: versions.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::worker::PassTime;

    #[test]
    fn versions_are_counted_place_by_place() {
        let time = |seconds| vec![PassTime { width: 1, seconds }];
        let loaded = Loaded {
            ladder: "l".into(),
            rungs: vec!["whole".into(), "small".into(), "Max-Gram".into()],
            left_out: Vec::new(),
            translated: Vec::new(),
            context: 100,
            exact_widths: Vec::new(),
            k: Vec::new(),
            seconds: 0.0,
            read_bytes: 0.0,
            placed: Vec::new(),
            drafts_ahead: false,
            computed_by: None,
            pass_times: vec![time(0.3), time(0.1)],
        };
        let record = Record {
            answer: vec![1, 2, 3, 4],
            drafts: vec![vec![vec![(1, 0.5)], vec![(9, 0.5), (2, 0.4)], vec![(3, 0.5)], vec![]]],
            ..Record::default()
        };
        let Comparison { pace, versions: rows } = compare(&loaded, &mut |_| Ok(record.clone()), &mut |_| {}).unwrap();
        assert_eq!((rows.len(), rows[0].places, rows[0].rung.as_str()), (1, 12, "small"));
        assert!((rows[0].share - 0.5).abs() < 1e-9 && (rows[0].pace.unwrap() / pace.unwrap() - 3.0).abs() < 1e-9);
        let ladder = versions("v", Vec::new());
        assert_eq!((ladder.k.len(), ladder.rungs.len()), (0, 0));
    }
}
