//! The whole bench but for our engine, with servers that answer and misbehave.

use std::time::Duration;

use super::peer::toy::{Behaviour, Toy};
use lab::Costs;

use super::*;

const PATIENCE: Duration = Duration::from_millis(500);

fn question(category: &str, text: &str) -> Question {
    Question { category: category.to_owned(), text: text.to_owned() }
}

fn config(name: &str, way: Way) -> Config {
    Config { name: name.to_owned(), way }
}

fn near(have: f64, want: f64) {
    assert!((have - want).abs() < 1e-6, "{have}, not {want}");
}

#[test]
fn a_server_that_fails_is_told_of_and_the_others_go_on() {
    let questions = [question("a", "x"), question("a", "y"), question("b", "z")];
    let ours = |cascade| Way::Ours { cascade, k: None, waits: false, in_line: false };
    let server = |name: &str| config(name, Way::Server("none"));
    let configs = [
        config("off", ours(false)),
        config("adaptive", ours(true)),
        server("llama-server/good"),
        server("llama-server/refuses"),
        server("llama-server/dies"),
        server("llama-server/stalls"),
    ];
    let answer = [10, 11, 12];
    // Each answer is two requests.
    let toys = [
        Toy::start(&answer, usize::MAX, Behaviour::Answers),
        Toy::start(&answer, 2, Behaviour::Refuses),
        Toy::start(&answer, 4, Behaviour::Dies),
        Toy::start(&answer, 0, Behaviour::Stalls),
    ];
    let mut peers: Vec<Option<Peer>> = vec![None, None];
    peers.extend(toys.iter().map(|toy| Some(Peer::running(toy.address, PATIENCE))));
    let output = Output::new(true);
    let course =
        Course { questions: &questions, configs: &configs, repeats: 1, output: &output, stopped: Arc::default() };
    let sampling = Sampling::default();
    let wanted =
        |prompt, max_tokens| Wanted { prompt, max_tokens, sampling: &sampling, end_tokens: &[2], keeps: false };
    let mut failures = Vec::new();
    let (table, done) = course.run(&mut failures, &mut |_, way| {
        Ok(if let Some(peer) = &mut peers[way] {
            peer.answer(wanted(&[1], 1), wanted(&[5, 6], 9))
        } else {
            let seconds = if way == 0 { 2.0 } else { 1.0 };
            let (proposed, draft_passes) = (3 * way as u32, Some(way as u32));
            Ok(Measured {
                seconds,
                writing: seconds / 2.0,
                tokens: answer.to_vec(),
                target_passes: 2,
                proposed,
                draft_passes,
            })
        })
    });
    assert_eq!(done, Ok(()));
    let told = |name: &str| failures.iter().filter(|failure| failure.config == name).count();
    assert_eq!(["good", "refuses", "dies", "stalls"].map(|name| told(&format!("llama-server/{name}"))), [0, 2, 1, 1]);

    let categories: Vec<&str> = questions.iter().map(|question| question.category.as_str()).collect();
    let prompts = vec![vec![5, 6]; 3];
    let costs =
        Costs { about: String::new(), models: vec![vec![(1, 1.0), (4, 2.0)]], drafts_read: true, ..Costs::default() };
    let material =
        Material { categories: &categories, configs: &configs, table: &table, prompts: &prompts, costs: &costs };
    let report = Report::of(material);
    let row =
        |category: &str, config: &str| report.rows.iter().find(|row| row.category == category && row.config == config);
    assert_eq!(row("all", "llama-server/good").unwrap().prompts, 3);
    assert_eq!(row("all", "llama-server/refuses").unwrap().prompts, 1, "what it did answer counts");
    assert_eq!(row("all", "llama-server/dies").unwrap().prompts, 2);
    assert!(row("all", "llama-server/stalls").is_none() && row("b", "llama-server/dies").is_none());
    let adaptive = row("a", "adaptive").unwrap();
    near(adaptive.tokens_per_second, 3.0);
    let all = row("all", "adaptive").unwrap();
    let interval = [all.low, all.high, adaptive.pace_to_off].map(Option::unwrap);
    for value in [adaptive.ratio_to_off, adaptive.median_ratio].into_iter().chain(interval) {
        near(value, 2.0);
    }
    let drafted =
        |category: &str, config: &str| row(category, config).map(|row| (row.proposed, row.draft_passes)).unwrap();
    assert_eq!([drafted("all", "off"), drafted("a", "adaptive")], [(0, Some(0)), (6, Some(2))]);
    assert_eq!(drafted("all", "llama-server/good"), (9, None), "it does not tell what its draft did");
    assert_eq!((adaptive.low, adaptive.high), (None, None), "two questions have no interval worth telling");
    near(adaptive.same_as_off, 1.0);
    assert_eq!(adaptive.of_free_draft_gain, None, "where nothing can be copied there is nothing to gain");
    assert!(report.noise().unwrap().contains("of the ceiling"), "the toys answer in no time");
    let mut quiet = report.clone();
    for row in &mut quiet.rows {
        (row.of_ceiling, row.of_free_draft) = (Some(1.04), Some(1.5));
    }
    assert_eq!(quiet.noise(), None, "who knows which copies are right may pass the free draft");
    // T(4) is twice T(1): two for the price of one at best.
    near(adaptive.of_ceiling.unwrap(), 1.0);
    assert_eq!((row("a", "off").unwrap().of_ceiling, report.bounds[0].ceiling_width), (None, Some(4)));
    let against = |category: &str| report.against.iter().filter(move |row| row.category == category).count();
    assert_eq!((against("all"), against("b")), (3, 1));
}

#[test]
fn ctrl_c_ends_the_course() {
    let questions = [question("a", "x"), question("a", "y")];
    let configs = [config("off", Way::Ours { cascade: false, k: None, waits: false, in_line: false })];
    let output = Output::new(true);
    let course =
        Course { questions: &questions, configs: &configs, repeats: 1, output: &output, stopped: Arc::default() };
    let mut asked = 0;
    let (table, result) = course.run(&mut Vec::new(), &mut |_, _| {
        asked += 1;
        course.stopped.store(true, Ordering::Release);
        Ok(Ok(Measured::default()))
    });
    assert_eq!((result.unwrap_err().code, asked), (Code::Cancelled, 1));
    assert!(table.typical(0, 0).is_none(), "what was cut off is no measurement");
}

#[test]
fn each_way_is_first_in_turn_and_none_always_behind_the_same() {
    for ways in 1..8 {
        let rounds: Vec<_> = (0..4 * ways).map(|round| order(ways, round)).collect();
        for way in 0..ways {
            for place in 0..ways {
                assert_eq!(rounds.iter().filter(|round| round[place] == way).count(), 4, "{ways}");
            }
        }
        for round in &rounds {
            let mut sorted = round.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..ways).collect::<Vec<_>>());
        }
        let behind = |way: usize, other: usize, of: &[Vec<usize>]| {
            of.iter().filter(|round| round.windows(2).any(|two| two == [other, way])).count()
        };
        for (way, other) in (0..ways).flat_map(|way| (0..ways).map(move |other| (way, other))).filter(|(a, b)| a != b) {
            assert_eq!(behind(way, other, &rounds), 4, "{ways}");
            // In a part of four questions, wherever it begins.
            let most = if ways % 2 == 1 { 2 } else { 4_usize.div_ceil(ways) };
            assert!(rounds.windows(4).all(|part| behind(way, other, part) <= most), "{ways}: {way} behind {other}");
        }
    }
    // A question that is asked twice is asked in both orders, wherever it stands.
    assert!((0..8).all(|question| order(2, 2 * question)[0] != order(2, 2 * question + 1)[0]));
}

#[test]
fn rows_become_lines_with_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    let row = report::Row {
        category: "a, b".to_owned(),
        config: "off".to_owned(),
        prompts: 1,
        tokens_per_second: 2.5,
        ratio_to_off: 1.0,
        low: Some(1.0),
        high: None,
        median_ratio: 1.0,
        target_passes: 3,
        tokens: 4,
        proposed: 5,
        draft_passes: None,
        same_as_off: 1.0,
        pace_to_off: None,
        of_ceiling: None,
        of_free_draft: None,
        of_free_draft_gain: None,
        of_copy_limit: None,
    };
    Csv::open(&path, &[]).unwrap().write(&[row]).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, line) = text.trim_end().split_once('\n').unwrap();
    assert!(head.starts_with(
        "category,config,prompts,tokens_per_second,ratio_to_off,low,high,median_ratio,target_passes,tokens,proposed,draft_passes,"
    ));
    assert!(line.starts_with("\"a, b\",off,1,2.5,1.0,1.0,,1.0,3,4,5,,"), "{line}");
    let nowhere = Csv::open(&folder.path().join("none/rows.csv"), &[]).err().unwrap();
    assert_eq!(nowhere.code, Code::FileUnusable);
}
