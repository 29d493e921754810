//! Word documents as Markdown.

mod numbering;
mod paragraph;
mod styles;
mod table;

use numbering::Numbering;
use paragraph::Paragraph;
use styles::Styles;
use table::Table;

use crate::output::Output;
use crate::package::Package;
use crate::xml::{Element, Node, Xml};
use crate::{Limits, Trouble};

/// Elements whose content is no text of the document: what was deleted, what fields compute from, what an older Word would
/// show instead, and how things looked before a change.
const SKIPPED: &[&str] = &[
    "del",
    "moveFrom",
    "instrText",
    "Fallback",
    "pPrChange",
    "rPrChange",
    "tblPrChange",
    "tcPrChange",
    "trPrChange",
    "sectPr",
    "tabs",
];

pub(crate) fn read(bytes: &[u8], limits: &Limits, out: &mut Output) -> Result<(), Trouble> {
    let mut package = Package::open(bytes, limits)?;
    let Some(document) = package.part("word/document.xml")? else {
        return Err(Trouble::damaged("it has no text part"));
    };
    let styles = match package.part("word/styles.xml")? {
        Some(part) => Styles::read(&part, limits.depth)?,
        None => Styles::default(),
    };
    let numbering = match package.part("word/numbering.xml")? {
        Some(part) => Numbering::read(&part, limits.depth)?,
        None => Numbering::default(),
    };
    let mut walk = Walk {
        styles,
        numbering,
        out,
        paragraphs: Vec::new(),
        tables: Vec::new(),
        held: 0,
        note: None,
        in_list: false,
    };
    walk.part(&document, limits.depth)?;
    for name in ["word/footnotes.xml", "word/endnotes.xml"] {
        if walk.out.is_cut() {
            break;
        }
        if let Some(part) = package.part(name)? {
            walk.part(&part, limits.depth)?;
        }
    }
    Ok(())
}

/// The walk through a part: what is open at the moment.
struct Walk<'o> {
    styles: Styles,
    numbering: Numbering,
    out: &'o mut Output,
    /// One in another: a text box lies inside a paragraph.
    paragraphs: Vec<Paragraph>,
    tables: Vec<Table>,
    /// Characters in them.
    held: usize,
    /// The foot- or endnote that begins with the next paragraph.
    note: Option<String>,
    /// The last block was an item of a list.
    in_list: bool,
}

impl Walk<'_> {
    fn part(&mut self, text: &str, depth: usize) -> Result<(), Trouble> {
        let mut xml = Xml::new(text, depth);
        let mut skipped = 0_usize;
        let mut shows_text = false;
        while let Some(node) = xml.next()? {
            if self.out.is_cut() {
                break;
            }
            match node {
                Node::Open(_) if skipped > 0 => skipped += 1,
                Node::Open(element) => {
                    let name = element.name();
                    if SKIPPED.contains(&name.as_str()) || is_separator(&name, &element) {
                        skipped = 1;
                    } else {
                        shows_text = name == "t";
                        self.open(&name, &element);
                    }
                }
                Node::Close(_) if skipped > 0 => skipped -= 1,
                Node::Close(name) => {
                    shows_text = false;
                    self.close(&name);
                }
                Node::Text(text) if shows_text && skipped == 0 => self.text(&text),
                Node::Text(_) => {}
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.push(text);
        }
    }

    fn open(&mut self, name: &str, element: &Element<'_>) {
        let value = || element.value("val").unwrap_or_default();
        match name {
            "p" => {
                let mut paragraph = Paragraph::default();
                if let Some(note) = self.note.take() {
                    paragraph.push(&format!("[^{note}]: "));
                }
                self.paragraphs.push(paragraph);
            }
            "tbl" => self.tables.push(Table::default()),
            "footnote" | "endnote" => self.note = note(name, element),
            "footnoteReference" | "endnoteReference" => {
                if let Some(note) = note(name, element) {
                    self.text(&format!("[^{note}]"));
                }
            }
            "tab" | "ptab" => self.text("\t"),
            "br" | "cr" => self.text("\n"),
            "noBreakHyphen" => self.text("-"),
            _ => {}
        }
        if let Some(table) = self.tables.last_mut() {
            match name {
                "tr" => table.row(),
                "tc" => table.cell(),
                "gridSpan" => table.span(value().parse().unwrap_or(1)),
                _ => {}
            }
        }
        if let Some(paragraph) = self.paragraphs.last_mut() {
            match name {
                "pStyle" => paragraph.style = Some(value()),
                "outlineLvl" => paragraph.outline = value().parse().ok(),
                "numId" => paragraph.list = Some(value()),
                "ilvl" => paragraph.level = value().parse().ok(),
                "rt" => paragraph.begin_reading(),
                _ => {}
            }
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "p" => {
                if let Some(paragraph) = self.paragraphs.pop() {
                    self.paragraph(&paragraph);
                }
            }
            "tbl" => {
                if let Some(table) = self.tables.pop() {
                    self.table(&table);
                }
            }
            "rt" | "ruby" => {
                if let Some(paragraph) = self.paragraphs.last_mut() {
                    if name == "rt" { paragraph.end_reading() } else { paragraph.end_ruby() }
                }
            }
            _ => {}
        }
    }

    fn paragraph(&mut self, paragraph: &Paragraph) {
        let text = paragraph.text().trim();
        if text.is_empty() {
            return;
        }
        if let Some(table) = self.tables.last_mut() {
            table.text(text);
            self.held += text.chars().count();
            // What does not fit is not collected first: a table may be all of a document.
            if self.out.overflows(self.held) {
                while let Some(table) = self.tables.pop() {
                    self.table(&table);
                }
                self.out.leave_out();
            }
            return;
        }
        let style = self.styles.resolve(paragraph.style.as_deref());
        let heading = paragraph.outline.map(|level| level + 1).or(style.heading).filter(|level| *level <= 9);
        let list = paragraph.list.as_deref().or(style.list.as_deref()).filter(|id| *id != "0");
        let level = paragraph.level.or(style.level).unwrap_or(0);
        let mark = match (heading, list) {
            (Some(level), _) => format!("{} ", "#".repeat(level.clamp(1, 6))),
            (None, Some(list)) => self.numbering.mark(list, level),
            (None, None) => String::new(),
        };
        let is_item = heading.is_none() && list.is_some();
        if is_item && self.in_list {
            self.out.push("\n");
        } else {
            self.out.paragraph();
        }
        self.in_list = is_item;
        self.out.push(&mark);
        // A heading is one line in Markdown.
        if heading.is_some() { self.out.push(&text.replace('\n', " ")) } else { self.out.push(text) }
    }

    fn table(&mut self, table: &Table) {
        if let Some(around) = self.tables.last_mut() {
            around.text(&table.plain());
            return;
        }
        self.in_list = false;
        self.held = 0;
        self.out.paragraph();
        self.out.push(&table.markdown());
    }
}

/// The lines above notes are notes too, as far as Word is concerned.
fn is_separator(name: &str, element: &Element<'_>) -> bool {
    matches!(name, "footnote" | "endnote") && element.value("type").is_some_and(|kind| kind != "normal")
}

fn note(name: &str, element: &Element<'_>) -> Option<String> {
    let id = element.value("id")?;
    Some(if name.starts_with("endnote") { format!("e{id}") } else { id })
}
