use std::time::Duration;

use protocol::Sampling;

use super::toy::{Behaviour, Toy};
use super::*;

/// Long enough for a reply that comes, short enough to wait for one that does not.
const PATIENCE: Duration = Duration::from_millis(500);

fn wanted<'a>(prompt: &'a [u32], max_tokens: u32, sampling: &'a Sampling) -> Wanted<'a> {
    Wanted { prompt, max_tokens, sampling, end_tokens: &[2], keeps: false }
}

fn ask(peer: &mut Peer) -> Result<Measured, Fault> {
    let sampling = Sampling { seed: 7, top_k: 11, ..Sampling::default() };
    peer.answer(wanted(&[9], 1, &sampling), wanted(&[5, 6, 7], 8, &sampling))
}

#[test]
fn the_same_prompt_and_sampling_are_sent_and_the_end_is_no_token() {
    let toy = Toy::start(&[10, 11, 12, 2], usize::MAX, Behaviour::Answers);
    let mut peer = Peer::running(toy.address, PATIENCE);
    let measured = ask(&mut peer).unwrap();
    assert_eq!((measured.tokens, measured.target_passes), (vec![10, 11, 12], 3));
    assert_eq!((measured.proposed, measured.draft_passes), (3, None), "it does not tell what its draft did");
    assert!(measured.seconds > 0.0 && measured.writing <= measured.seconds);
    let (before, question) = (toy.asked.recv().unwrap(), toy.asked.recv().unwrap());
    assert_eq!((&before["prompt"], &before["n_predict"]), (&[9].into(), &1.into()));
    assert_eq!((&question["prompt"], &question["n_predict"]), (&[5, 6, 7].into(), &8.into()));
    assert_eq!(question["cache_prompt"], false, "the prompt has to be read");
    assert_eq!((&question["temperature"], &question["top_k"], &question["seed"]), (&0.0.into(), &11.into(), &7.into()));
}

#[test]
fn a_refused_question_is_no_reason_to_give_up_and_a_broken_server_is() {
    for (behaviour, words, lost) in [
        (Behaviour::Refuses, "too long", false),
        (Behaviour::Truncates, "read 2 tokens of a prompt of 3", false),
        (Behaviour::Babbles, "makes no sense", true),
        (Behaviour::Dies, "", true),
        (Behaviour::Stalls, "timeout", true),
    ] {
        // What comes before the question goes well.
        let toy = Toy::start(&[10], 1, behaviour);
        let mut peer = Peer::running(toy.address, PATIENCE);
        let fault = ask(&mut peer).unwrap_err();
        let (Fault::Refused(reason) | Fault::Lost(reason)) = &fault;
        assert!(reason.contains(words), "{behaviour:?}: {reason}");
        assert_eq!((matches!(fault, Fault::Lost(_)), peer.lost.is_some()), (lost, lost), "{behaviour:?}");
        if lost {
            assert_eq!(ask(&mut peer).unwrap_err(), fault, "it is not asked any more: {behaviour:?}");
        }
    }
}

#[test]
fn only_this_computer_is_asked() {
    for address in ["192.0.2.1:80", "[2001:db8::1]:80", "0.0.0.0:80"] {
        assert!(matches!(Line::new(address.parse().unwrap(), PATIENCE), Err(Fault::Lost(_))), "{address}");
    }
    assert!(Line::new("127.0.0.1:80".parse().unwrap(), PATIENCE).is_ok());
}

#[test]
fn what_is_no_llama_server_is_refused() {
    let missing = Program::find(Path::new("/nowhere/llama-server")).unwrap_err();
    assert_eq!(missing.code, Code::FileUnusable);
    assert_eq!(missing.details["path"], "/nowhere/llama-server");
    let other = Program::find(&std::env::current_exe().unwrap()).unwrap_err();
    assert_eq!(other.code, Code::FileUnusable, "this test program is none");
}

fn ladder() -> Ladder {
    let rung = |name: &str| protocol::ladder::Rung { name: name.to_owned(), path: format!("/m/{name}.gguf").into() };
    let rungs = vec![rung("big"), rung("middle"), rung("small")];
    Ladder { id: "toy".to_owned(), rungs, max_gram: true, k: Vec::new(), lenience: 1.0, table: None, by_text: false }
}

#[test]
fn options_name_the_files_and_the_draft_only_where_it_drafts() {
    let program = Program { path: "/p".into(), version: "1".to_owned() };
    let options = |speculation| {
        let peer = Peer::new(&program, speculation, &ladder(), 512, 3, Group::default());
        let words: Vec<String> = peer.options.iter().map(|word| word.to_str().unwrap().to_owned()).collect();
        words.join(" ")
    };
    let draft = options("draft-simple");
    assert!(
        draft.contains("--model /m/big.gguf --spec-draft-model /m/middle.gguf --spec-type draft-simple"),
        "{draft}"
    );
    assert!(draft.contains("--ctx-size 512 --threads 3 --threads-batch 3") && draft.contains("--host 127.0.0.1"));
    assert!(!options("ngram-simple").contains("draft-model"));
}

#[cfg(unix)]
#[test]
fn a_program_that_ends_at_once_is_lost_with_its_last_words() {
    let program = Program { path: "ls".into(), version: "1".to_owned() };
    let mut peer = Peer::new(&program, "none", &ladder(), 512, 1, Group::default());
    let Fault::Lost(reason) = ask(&mut peer).unwrap_err() else { panic!("it cannot have refused") };
    assert!(reason.contains("ended while it started: ") && reason.contains("ls"), "{reason}");
}
