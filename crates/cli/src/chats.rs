//! `taki chats`: the conversations of the window.

use std::path::Path;

use protocol::chat::{Conversation, ExportFormat, Found};
use protocol::worker::Speaker;
use protocol::{Code, Problem};
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
            let (count, place) = (counted(exported), path.display());
            output.line(output.either(
                format_args!("{count} written to {place}"),
                format_args!("{exported} 件の会話を {place} に書き出しました。"),
            ));
            output.json(&json!({ "exported": exported, "path": path }));
            Ok(())
        }
        Chats::Import { path, .. } => {
            let imported = store.import(path, &mut |_| ())?;
            let (count, added) = (counted(imported.added), imported.added);
            output.line(match imported.known {
                0 => output.either(format!("{count} added"), format!("{added} 件の会話を取り込みました。")),
                known => output.either(
                    format!("{count} added; {known} here already"),
                    format!("{added} 件の会話を取り込みました。{known} 件はすでにありました。"),
                ),
            });
            output.json(&json!({ "imported": imported.added, "known": imported.known }));
            Ok(())
        }
        Chats::Delete { conversation, .. } => {
            store.delete_conversation(*conversation)?;
            output.line(output.either(
                format_args!("Deleted. `taki chats restore {conversation}` takes it back until the window starts."),
                format_args!(
                    "削除しました。ウィンドウを起動するまでは「taki chats restore {conversation}」で元に戻せます。"
                ),
            ));
            output.json(&json!({ "deleted": conversation }));
            Ok(())
        }
        Chats::Restore { conversation, .. } => {
            let restored = store.restore_conversation(*conversation)?;
            let title = &restored.title;
            output
                .line(output.either(format_args!("“{title}” is back."), format_args!("「{title}」を元に戻しました。")));
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
        output.note(output.either(
            "There are no conversations yet. They begin in the window.",
            "会話はまだありません。会話はウィンドウで始まります。",
        ));
    }
    for card in &cards {
        let pin = if card.pinned { "*" } else { " " };
        let untitled = output.either("(new conversation)", "（新しい会話）");
        let title = if card.title.is_empty() { untitled } else { &card.title };
        let (id, count) = (card.id, card.messages);
        output.line(output.either(
            format_args!("{id:>5} {pin} {count:>4} messages  {title}"),
            format_args!("{id:>5} {pin} メッセージ {count:>4} 件  {title}"),
        ));
    }
    output.json(&json!({ "conversations": cards }));
    Ok(())
}

fn search(store: &Store, text: &str, limit: u32, output: &Output) -> Result<(), Problem> {
    let found = store.search(text, limit)?;
    if found.is_empty() {
        output.note(output.either("Nothing was found.", "見つかりませんでした。"));
    }
    for Found { conversation, title, before, hit, after, in_file, .. } in &found {
        let colon = output.either(": ", "：");
        let file = in_file.as_ref().map(|name| format!("{name}{colon}")).unwrap_or_default();
        let around = format!("{file}{before}[{hit}]{after}").replace(['\r', '\n'], " ");
        output.line(format_args!("{conversation:>5}  {title}{colon}{around}"));
    }
    output.json(&json!({ "found": found }));
    Ok(())
}

fn print(conversation: &Conversation, output: &Output) {
    let (you, colon) = (output.either("You", "あなた"), output.either(":", "："));
    output.line(format_args!("{}\n", conversation.title));
    for message in &conversation.messages {
        output.line(format_args!("{}{colon}", if message.speaker == Speaker::User { you } else { "Taki" }));
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
