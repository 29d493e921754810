//! Versions of questions and answers, and random trees against a model of them.

use std::collections::BTreeMap;

use proptest::prelude::*;
use protocol::{Code, Problem};

use crate::support::{Home, receipt};

#[test]
fn edited_questions_and_further_answers_are_versions() {
    let home = Home::new();
    let id = home.begin();
    let q1 = home.ask(id, None, "q1");
    let a1 = home.answer(q1, "a1");
    let q2 = home.ask(id, Some(a1), "q2");
    home.answer(q2, "a2");
    let edited = home.store.add_version(q1, "q1 edited", 5.0).unwrap();
    assert_eq!(home.texts(id), ["q1 edited"]);
    home.answer(edited, "b1");
    let b2 = home.answer(edited, "b1 again");
    assert_eq!(home.texts(id), ["q1 edited", "b1 again"]);
    let shown = home.store.choose_version(q1).unwrap();
    let texts: Vec<_> = shown.messages.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, ["q1", "a1", "q2", "a2"], "the old branch as it was left");
    assert_eq!(shown.messages[0].versions, [q1, edited]);
    assert_eq!(shown.messages[1].parent, Some(q1));
    let home = home.again();
    assert_eq!(home.texts(id), ["q1", "a1", "q2", "a2"], "what is chosen stays chosen");
    home.store.choose_version(b2).unwrap();
    assert_eq!(home.texts(id), ["q1 edited", "b1 again"], "a message deep in another branch opens it");
}

#[test]
fn a_further_answer_takes_the_place_only_if_it_says_something() {
    let home = Home::new();
    let id = home.begin();
    let asked = home.ask(id, None, "q");
    let first = home.answer(asked, "first");
    let second = home.answer(asked, "second");
    home.store.choose_version(first).unwrap();
    let failed = home.store.begin_answer(asked, 0.0).unwrap();
    assert_eq!(home.texts(id), ["q", ""], "what is being written is looked at");
    home.store.fail_answer(failed, "", &Problem::new(Code::WorkerGaveUp), None, 0.0).unwrap();
    assert_eq!(home.texts(id), ["q", "first"], "the one that was looked at is back");
    let stopped = home.store.begin_answer(asked, 0.0).unwrap();
    home.store.finish_answer(stopped, "", &receipt(), 0.0).unwrap();
    assert_eq!(home.store.conversation(id).unwrap().messages[1].versions, [first, second]);

    let next = home.ask(id, Some(first), "next");
    let silent = home.store.begin_answer(next, 0.0).unwrap();
    home.store.fail_answer(silent, "", &Problem::new(Code::WorkerGaveUp), None, 0.0).unwrap();
    assert!(home.store.conversation(id).unwrap().messages[3].problem.is_some(), "the only one stays with its problem");
    home.answer(next, "at last");
    let shown = home.store.conversation(id).unwrap().messages;
    assert_eq!((shown[3].text.as_str(), shown[3].versions.len()), ("at last", 1));
}

#[test]
fn an_answer_is_written_on() {
    let home = Home::new();
    let id = home.begin();
    home.store.set_system(id, "be brief").unwrap();
    let asked = home.ask(id, None, "q");
    let first = home.answer(asked, "one");
    home.answer(asked, "other");
    home.store.set_system(id, "be long").unwrap();
    let given = home.store.given(first).unwrap();
    assert_eq!(given.receipt, Some(receipt()), "who goes on has what it cost so far");
    assert_eq!((given.question, given.text.as_str(), given.system.as_str()), (asked, "one", "be brief"));
    home.store.reopen_answer(first).unwrap();
    assert_eq!(home.texts(id), ["q", "one"]);
    home.store.checkpoint(first, "one waterfall").unwrap();
    let home = home.again();
    assert_eq!(home.texts(id), ["q", "one waterfall"], "what was shown survives");
    assert_eq!(home.store.search("waterfall", 9).unwrap().len(), 1);
    assert_eq!(
        home.store.given(first).unwrap().receipt,
        None,
        "a receipt of the shorter text says nothing of this one"
    );
    home.store.reopen_answer(first).unwrap();
    home.store.finish_answer(first, "one waterfall more", &receipt(), 0.0).unwrap();
    assert_eq!(home.store.given(first).unwrap().receipt, Some(receipt()));
}

#[test]
fn deletions_inside_one_another_come_back_one_by_one() {
    let home = Home::new();
    let id = home.begin();
    let q1 = home.ask(id, None, "q1");
    let a1 = home.answer(q1, "a1");
    let q2 = home.ask(id, Some(a1), "q2");
    home.answer(q2, "a2");
    home.store.delete_message(q2).unwrap();
    home.store.delete_message(q1).unwrap();
    assert!(home.texts(id).is_empty());
    assert!(home.store.search("a2", 9).unwrap().is_empty());
    home.store.restore_message(q1).unwrap();
    assert_eq!(home.texts(id), ["q1", "a1"]);
    home.store.delete_message(q1).unwrap();
    home.store.restore_message(q2).unwrap();
    assert!(home.texts(id).is_empty(), "what it hangs on is still deleted");
    home.store.restore_message(q1).unwrap();
    assert_eq!(home.texts(id), ["q1", "a1", "q2", "a2"]);
}

/// What can be done with a tree; numbers choose among the messages that are there.
#[derive(Debug, Clone)]
enum Deed {
    Ask(usize),
    Edit(usize),
    Answer(usize),
    Choose(usize),
    Delete(usize),
    Restore(usize),
}

fn deed() -> impl Strategy<Value = Deed> {
    let any = 0usize..1000;
    prop_oneof![
        3 => any.clone().prop_map(Deed::Ask),
        2 => any.clone().prop_map(Deed::Edit),
        4 => any.clone().prop_map(Deed::Answer),
        3 => any.clone().prop_map(Deed::Choose),
        1 => any.clone().prop_map(Deed::Delete),
        1 => any.prop_map(Deed::Restore),
    ]
}

/// The tree as plain data.
#[derive(Debug, Default)]
struct Model {
    nodes: BTreeMap<u32, Node>,
    chosen: BTreeMap<Option<u32>, u32>,
    deletions: Vec<u32>,
}

#[derive(Debug)]
struct Node {
    parent: Option<u32>,
    question: bool,
    text: String,
    deleted: Option<u32>,
}

impl Model {
    fn live(&self, question: Option<bool>) -> Vec<u32> {
        let live = self.nodes.iter().filter(|(_, node)| node.deleted.is_none());
        live.filter(|(_, node)| question.is_none_or(|question| node.question == question)).map(|(id, _)| *id).collect()
    }

    fn add(&mut self, id: u32, parent: Option<u32>, question: bool, text: &str) {
        self.nodes.insert(id, Node { parent, question, text: text.to_owned(), deleted: None });
        self.chosen.insert(parent, id);
    }

    fn children(&self, parent: Option<u32>) -> Vec<u32> {
        self.live(None).into_iter().filter(|id| self.nodes[id].parent == parent).collect()
    }

    fn choose(&mut self, mut id: u32) {
        loop {
            let parent = self.nodes[&id].parent;
            self.chosen.insert(parent, id);
            let Some(above) = parent else { return };
            id = above;
        }
    }

    fn below(&self, id: u32) -> Vec<u32> {
        let mut all = vec![id];
        for (other, node) in &self.nodes {
            if node.parent.is_some_and(|parent| all.contains(&parent)) {
                all.push(*other);
            }
        }
        all
    }

    fn branch(&self) -> Vec<(u32, Vec<u32>, String)> {
        let (mut branch, mut at) = (Vec::new(), None);
        loop {
            let children = self.children(at);
            let Some(last) = children.last() else { return branch };
            let next = *self.chosen.get(&at).filter(|id| children.contains(id)).unwrap_or(last);
            branch.push((next, children, self.nodes[&next].text.clone()));
            at = Some(next);
        }
    }
}

fn pick(among: &[u32], number: usize) -> Option<u32> {
    (!among.is_empty()).then(|| among[number % among.len()])
}

fn act(home: &Home, model: &mut Model, conversation: u32, deed: &Deed, text: &str) {
    match *deed {
        Deed::Ask(number) => {
            let parent = pick(&model.live(Some(false)), number);
            model.add(home.ask(conversation, parent, text), parent, true, text);
        }
        Deed::Edit(number) => {
            if let Some(edited) = pick(&model.live(Some(true)), number) {
                let parent = model.nodes[&edited].parent;
                model.add(home.store.add_version(edited, text, 1.0).unwrap(), parent, true, text);
            }
        }
        Deed::Answer(number) => {
            if let Some(asked) = pick(&model.live(Some(true)), number) {
                model.add(home.answer(asked, text), Some(asked), false, text);
            }
        }
        Deed::Choose(number) => {
            if let Some(chosen) = pick(&model.live(None), number) {
                home.store.choose_version(chosen).unwrap();
                model.choose(chosen);
            }
        }
        Deed::Delete(number) => {
            if let Some(deleted) = pick(&model.live(None), number) {
                home.store.delete_message(deleted).unwrap();
                for id in model.below(deleted) {
                    model.nodes.get_mut(&id).unwrap().deleted.get_or_insert(deleted);
                }
                model.deletions.push(deleted);
            }
        }
        Deed::Restore(number) => {
            if let Some(restored) = pick(&model.deletions, number) {
                model.deletions.retain(|id| *id != restored);
                home.store.restore_message(restored).unwrap();
                let above = model.nodes[&restored].parent.and_then(|parent| model.nodes[&parent].deleted);
                for node in model.nodes.values_mut().filter(|node| node.deleted == Some(restored)) {
                    node.deleted = above;
                }
                if above.is_none() {
                    model.choose(restored);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn random_trees_are_shown_as_the_model_says(deeds in prop::collection::vec(deed(), 1..40)) {
        let mut home = Home::new();
        let (mut model, conversation) = (Model::default(), home.begin());
        for (number, deed) in deeds.iter().enumerate() {
            act(&home, &mut model, conversation, deed, &format!("text {number}"));
            let shown = home.store.conversation(conversation).unwrap().messages;
            let shown: Vec<_> = shown.into_iter().map(|message| (message.id, message.versions, message.text)).collect();
            prop_assert_eq!(shown, model.branch());
        }
        // A start wipes what is deleted and changes nothing that is shown.
        home = home.again();
        let shown = home.store.conversation(conversation).unwrap().messages;
        let shown: Vec<_> = shown.into_iter().map(|message| (message.id, message.versions, message.text)).collect();
        prop_assert_eq!(shown, model.branch());
        let kept = home.store.conversations().unwrap()[0].messages as usize;
        prop_assert_eq!(kept, model.live(None).len());

        // And the whole of it survives a journey through a file, digit for digit.
        let (first, second) = (home.folder.path().join("1.json"), home.folder.path().join("2.json"));
        let json = protocol::chat::ExportFormat::Json;
        home.store.export(&[], json, protocol::Language::English, &first).unwrap();
        let other = Home::new();
        other.store.import(&first, &mut |_| ()).unwrap();
        other.store.export(&[], json, protocol::Language::English, &second).unwrap();
        prop_assert_eq!(std::fs::read_to_string(first).unwrap(), std::fs::read_to_string(second).unwrap());
    }
}

#[test]
fn an_answer_that_goes_on_reads_less_and_so_may_its_conversation() {
    let home = Home::new();
    let id = home.begin();
    let first = home.ask(id, None, "one");
    assert!(!home.store.is_answered(first).unwrap());
    let answer = home.answer(first, "1");
    assert!(home.store.is_answered(first).unwrap());
    let second = home.ask(id, Some(answer), "two");
    let last = home.answer(second, "2");
    home.store.leave_out(id, first, "of one").unwrap();
    home.store.give_without(last, answer, "of all", false).unwrap();
    let (given, conversation) = (home.store.given(last).unwrap(), home.store.conversation(id).unwrap());
    assert_eq!((given.left_out, given.summary.as_str()), (answer, "of all"));
    assert_eq!((conversation.left_out, conversation.summary.as_str()), (first, "of one"));
    home.store.give_without(last, answer, "", true).unwrap();
    let conversation = home.store.conversation(id).unwrap();
    assert_eq!((conversation.left_out, conversation.summary.as_str()), (answer, ""));
    let gone = home.store.give_without(second, answer, "", true).unwrap_err();
    assert_eq!(gone.code, Code::Gone, "a question is no answer");
    assert_eq!(home.store.conversation(id).unwrap().left_out, answer);
}
