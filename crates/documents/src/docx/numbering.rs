use std::collections::HashMap;

use crate::Trouble;
use crate::xml::{Node, Xml};

/// Levels that a list of Word has.
const LEVELS: usize = 9;

/// The lists of a document and how far each has counted.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    /// List id → id of what defines it.
    lists: HashMap<String, String>,
    /// (Definition, level) → how the level is numbered.
    formats: HashMap<(String, usize), String>,
    counts: HashMap<String, [u32; LEVELS]>,
}

impl Numbering {
    pub(super) fn read(part: &str, depth: usize) -> Result<Self, Trouble> {
        let mut xml = Xml::new(part, depth);
        let mut all = Self::default();
        let (mut definition, mut list, mut level) = (None, None, 0);
        while let Some(node) = xml.next()? {
            let Node::Open(element) = node else { continue };
            match element.name().as_str() {
                "abstractNum" => definition = element.value("abstractNumId"),
                "lvl" => level = element.value("ilvl").and_then(|level| level.parse().ok()).unwrap_or(0),
                "numFmt" => {
                    if let (Some(definition), Some(format)) = (&definition, element.value("val")) {
                        all.formats.insert((definition.clone(), level), format);
                    }
                }
                "num" => (definition, list) = (None, element.value("numId")),
                "abstractNumId" => {
                    if let (Some(list), Some(definition)) = (list.take(), element.value("val")) {
                        all.lists.insert(list, definition);
                    }
                }
                _ => {}
            }
        }
        Ok(all)
    }

    /// What stands before the next item of a list.
    pub(super) fn mark(&mut self, list: &str, level: usize) -> String {
        let level = level.min(LEVELS - 1);
        let indent = "   ".repeat(level);
        let definition = self.lists.get(list).cloned().unwrap_or_default();
        let format = self.formats.get(&(definition, level)).map_or("bullet", String::as_str);
        if matches!(format, "bullet" | "none") {
            return format!("{indent}- ");
        }
        let counts = self.counts.entry(list.to_owned()).or_default();
        counts[level] = counts[level].saturating_add(1);
        counts[level + 1..].fill(0);
        format!("{indent}{}. ", counts[level])
    }
}
