//! The tree that the messages of a conversation are: every message follows one other, and several may follow the same.

use std::collections::HashMap;

use protocol::chat::ShownMessage;
use protocol::worker::Speaker;
use rusqlite::{Connection, Row, params};
use serde_json::from_str;

use crate::attachments;

/// The tree without its texts. Only what was not deleted is in it.
struct Tree {
    /// Children by parent, oldest first; what follows nothing is under None.
    below: HashMap<Option<u32>, Vec<u32>>,
    /// Which child is shown, by parent.
    chosen: HashMap<Option<u32>, u32>,
}

impl Tree {
    fn of(connection: &Connection, conversation: u32) -> rusqlite::Result<Self> {
        let (mut below, mut chosen) = (HashMap::<_, Vec<u32>>::new(), HashMap::new());
        let mut keep = |parent, child: Option<u32>| child.map(|child| chosen.insert(parent, child));
        keep(
            None,
            connection.query_row("SELECT chosen FROM conversation WHERE id = ?1", [conversation], |row| row.get(0))?,
        );
        let sql = "SELECT id, parent, chosen, finished FROM message \
                   WHERE conversation = ?1 AND deleted IS NULL ORDER BY id";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([conversation])?;
        let mut unfinished = Vec::new();
        while let Some(row) = rows.next()? {
            let (id, parent): (u32, Option<u32>) = (row.get("id")?, row.get("parent")?);
            below.entry(parent).or_default().push(id);
            keep(Some(id), row.get("chosen")?);
            if !row.get::<_, bool>("finished")? {
                unfinished.push((parent, id));
            }
        }
        // An answer that is being written is what is looked at, though nothing is chosen until it says something.
        chosen.extend(unfinished);
        Ok(Self { below, chosen })
    }

    fn versions(&self, parent: Option<u32>) -> &[u32] {
        self.below.get(&parent).map_or(&[], Vec::as_slice)
    }

    /// The chosen branch behind `from`: at every fork what was chosen last, or the youngest.
    fn branch(&self, from: Option<u32>) -> Vec<(Option<u32>, u32)> {
        let mut branch = Vec::new();
        let mut at = from;
        while let Some(youngest) = self.versions(at).last() {
            let chosen = self.chosen.get(&at).filter(|chosen| self.versions(at).contains(chosen));
            let next = *chosen.unwrap_or(youngest);
            branch.push((at, next));
            at = Some(next);
        }
        branch
    }
}

/// The chosen branch of a conversation, from its root to its last message.
pub(crate) fn chosen_branch(connection: &Connection, conversation: u32) -> rusqlite::Result<Vec<ShownMessage>> {
    let tree = Tree::of(connection, conversation)?;
    let branch = tree.branch(None).into_iter();
    branch.map(|(parent, id)| shown(connection, id, parent, tree.versions(parent).to_vec())).collect()
}

/// Ids from the root to `message`, itself included.
pub(crate) fn path_to(connection: &Connection, message: u32) -> rusqlite::Result<Vec<u32>> {
    let sql = "WITH RECURSIVE above (id, parent) AS ( \
                   SELECT id, parent FROM message WHERE id = ?1 AND deleted IS NULL \
                   UNION ALL SELECT message.id, message.parent FROM message JOIN above ON message.id = above.parent \
               ) SELECT id FROM above ORDER BY id";
    connection.prepare_cached(sql)?.query_map([message], |row| row.get(0))?.collect()
}

/// Makes `message` the chosen one in its place.
pub(crate) fn choose(connection: &Connection, message: u32) -> rusqlite::Result<()> {
    let mut place = connection.prepare_cached("SELECT conversation, parent FROM message WHERE id = ?1")?;
    let (conversation, parent): (u32, Option<u32>) =
        place.query_row([message], |row| Ok((row.get(0)?, row.get(1)?)))?;
    match parent {
        Some(parent) => connection.execute("UPDATE message SET chosen = ?2 WHERE id = ?1", params![parent, message])?,
        None => {
            connection.execute("UPDATE conversation SET chosen = ?2 WHERE id = ?1", params![conversation, message])?
        }
    };
    Ok(())
}

fn shown(connection: &Connection, id: u32, parent: Option<u32>, versions: Vec<u32>) -> rusqlite::Result<ShownMessage> {
    let sql = "SELECT speaker, text, receipt, problem, edited, at_ms FROM message WHERE id = ?1";
    let attachments = attachments::of_message(connection, id)?;
    connection.prepare_cached(sql)?.query_row([id], |row| {
        let (receipt, problem): (Option<String>, Option<String>) = (row.get("receipt")?, row.get("problem")?);
        Ok(ShownMessage {
            id,
            parent,
            versions,
            speaker: speaker(row)?,
            text: row.get("text")?,
            attachments,
            // One of an older shape is no reason to hide the message.
            receipt: receipt.and_then(|text| from_str(&text).ok()),
            problem: problem.and_then(|text| from_str(&text).ok()),
            edited: row.get("edited")?,
            at_ms: row.get("at_ms")?,
        })
    })
}

/// Who says the message of a row.
pub(crate) fn speaker(row: &Row<'_>) -> rusqlite::Result<Speaker> {
    let speaker: String = row.get("speaker")?;
    Ok(if speaker == "user" { Speaker::User } else { Speaker::Assistant })
}
