//! How often smaller versions say the same.

use engine::{compare, versions};
use protocol::worker::Record;

use crate::support::{Answer, ask, engine, exact, greedy, load, smollm2_with_draft};

/// Two words that are nearly as likely may change places with the number of tokens in a pass.
const TIE: f32 = 0.05;

#[test]
fn a_smaller_version_is_held_against_what_it_would_say_itself() {
    let folder = tempfile::tempdir().unwrap();
    let rungs = smollm2_with_draft(folder.path()).rungs;
    let [both, alone] = [versions("both", rungs.clone()), versions("alone", rungs[1..].to_vec())];
    let [(both, loaded), (alone, _)] = [both, alone].map(|ladder| {
        let engine = engine();
        let loaded = load(&engine, &ladder, exact());
        assert_eq!(loaded.left_out, []);
        (engine, loaded)
    });
    let mut alike = 0;
    for prompt in ["Tell a friend about a river.", "What is a mill for?", "Write a poem about rain."] {
        let asked = ask(prompt, 40, &greedy(), true);
        let record: Record = both.begin().unwrap().record(&asked).unwrap();
        let Answer { tokens, .. } = crate::support::answer(&alone, &asked);
        // As long as both have the same text before them, and once more where they part.
        let same = tokens.iter().zip(&record.answer).take_while(|(own, said)| own == said).count();
        for (row, own) in record.drafts[0].iter().zip(&tokens).take(same + 1) {
            let tied = row.len() > 1 && row[0].1 - row[1].1 < TIE;
            assert!(row[0].0 == *own || tied, "{prompt}: {row:?} instead of {own}");
        }
        alike += same;
    }
    assert!(alike > 5, "they part at once: {alike}");
    let found = compare(&loaded, &mut |ask| both.begin()?.record(ask), &mut |_| {}).unwrap();
    assert!(found.versions.len() == 1 && found.versions[0].places > 60, "{found:?}");
    assert!((0.3..1.0).contains(&found.versions[0].share), "{found:?}");
}
