//! `taki chats`: the conversations of the window.

use std::path::Path;

use protocol::chat::{Conversation, ExportFormat, Found};
use protocol::worker::Speaker;
use protocol::{Code, Language, Problem};
use serde_json::json;
use store::{Places, Store};

use crate::args::Chats;
use crate::output::Output;

pub(crate) fn run(command: &Chats, output: &Output) -> Result<(), Problem> {
    // The window may be open: what it has begun is its own to end.
    let store = Store::open_beside(&Places::find()?)?;
    match command {
        Chats::List { .. } => list(&store, output),
        Chats::Search { words, limit, .. } => search(&store, &words.join(" "), *limit, output),
        Chats::Show { conversation, .. } => {
            let conversation = store.conversation(*conversation)?;
            print(&conversation, output);
            output.json(&json!({ "conversation": conversation }));
            Ok(())
        }
        Chats::Export { path, conversations, .. } => {
            let exported = store.export(conversations, format(path)?, output.language, path)?;
            output.line(format_args!("{} written to {}", counted(exported), path.display()));
            output.json(&json!({ "exported": exported, "path": path }));
            Ok(())
        }
        Chats::Import { path, .. } => {
            let imported = store.import(path, &mut |_| ())?;
            let added = counted(imported.added);
            match imported.known {
                0 => output.line(format_args!("{added} added")),
                known => output.line(format_args!("{added} added; {known} here already")),
            }
            output.json(&json!({ "imported": imported.added, "known": imported.known }));
            Ok(())
        }
        Chats::Delete { conversation, .. } => {
            store.delete_conversation(*conversation)?;
            output.line(format_args!(
                "Deleted. `taki chats restore {conversation}` takes it back until the window starts."
            ));
            output.json(&json!({ "deleted": conversation }));
            Ok(())
        }
        Chats::Restore { conversation, .. } => {
            let restored = store.restore_conversation(*conversation)?;
            output.line(format_args!("“{}” is back.", restored.title));
            output.json(&json!({ "restored": conversation }));
            Ok(())
        }
    }
}

fn counted(count: u32) -> String {
    format!("{count} conversation{}", if count == 1 { "" } else { "s" })
}

fn list(store: &Store, output: &Output) -> Result<(), Problem> {
    let cards = store.conversations()?;
    if cards.is_empty() {
        output.note("There are no conversations yet. They begin in the window.");
    }
    for card in &cards {
        let pin = if card.pinned { "*" } else { " " };
        let title = if card.title.is_empty() { "(new conversation)" } else { &card.title };
        output.line(format_args!("{:>5} {pin} {:>4} messages  {title}", card.id, card.messages));
    }
    output.json(&json!({ "conversations": cards }));
    Ok(())
}

fn search(store: &Store, text: &str, limit: u32, output: &Output) -> Result<(), Problem> {
    let found = store.search(text, limit)?;
    if found.is_empty() {
        output.note("Nothing was found.");
    }
    for Found { conversation, title, before, hit, after, in_file, .. } in &found {
        let file = in_file.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        let around = format!("{file}{before}[{hit}]{after}").replace(['\r', '\n'], " ");
        output.line(format_args!("{conversation:>5}  {title}: {around}"));
    }
    output.json(&json!({ "found": found }));
    Ok(())
}

fn print(conversation: &Conversation, output: &Output) {
    let you = if output.language == Language::Japanese { "あなた" } else { "You" };
    output.line(format_args!("{}\n", conversation.title));
    for message in &conversation.messages {
        output.line(format_args!("{}:", if message.speaker == Speaker::User { you } else { "Taki" }));
        for file in &message.attachments {
            output.line(format_args!("[{}]", file.name));
        }
        output.line(format_args!("{}\n", message.text));
    }
}

fn format(path: &Path) -> Result<ExportFormat, Problem> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("json") => Ok(ExportFormat::Json),
        Some("md") => Ok(ExportFormat::Markdown),
        _ => {
            let reason = "its name has to end in .json or .md";
            Err(Problem::new(Code::FileUnusable).with("path", path.display()).with("reason", reason))
        }
    }
}
