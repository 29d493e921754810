//! XML as office documents have it: no entities of its own, not deeper than the limit.

use encoding_rs::Encoding;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, escape};

use crate::Trouble;

/// What comes next in a part of a document. Names are without their prefix.
#[derive(Debug)]
pub(crate) enum Node<'a> {
    Open(Element<'a>),
    Close(String),
    Text(String),
}

/// An element that begins.
#[derive(Debug)]
pub(crate) struct Element<'a>(BytesStart<'a>);

impl Element<'_> {
    pub(crate) fn name(&self) -> String {
        self.0.local_name().as_ref().to_owned()
    }

    /// The value of an attribute, by its name without prefix.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        let found = self.0.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == name)?;
        found.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok().map(std::borrow::Cow::into_owned)
    }
}

/// Reads the XML of one part.
pub(crate) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    depth: usize,
    limit: usize,
}

impl<'a> Xml<'a> {
    pub(crate) fn new(text: &'a str, depth: usize) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, depth: 0, limit: depth }
    }

    /// The next node; None at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Node<'a>>, Trouble> {
        loop {
            return Ok(Some(match self.reader.read_event().map_err(Trouble::damaged)? {
                Event::Start(start) => {
                    self.depth += 1;
                    if self.depth > self.limit {
                        return Err(Trouble::Unsafe(format!("more than {} elements in each other", self.limit)));
                    }
                    Node::Open(Element(start))
                }
                Event::End(end) => {
                    self.depth -= 1;
                    Node::Close(end.local_name().as_ref().to_owned())
                }
                Event::Text(text) => Node::Text(text.xml10_content().into_owned()),
                Event::CData(text) => Node::Text(text.xml10_content().into_owned()),
                Event::GeneralRef(entity) => match entity.resolve_char_ref().map_err(Trouble::damaged)? {
                    Some(char) => Node::Text(char.to_string()),
                    None => match escape::resolve_predefined_entity(&entity.xml10_content()) {
                        Some(text) => Node::Text(text.to_owned()),
                        None => return Err(Trouble::Unsafe("it uses XML entities".into())),
                    },
                },
                Event::DocType(_) => return Err(Trouble::Unsafe("it declares XML entities".into())),
                Event::Eof if self.depth > 0 => return Err(Trouble::damaged("its XML ends too early")),
                Event::Eof => return Ok(None),
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
            }));
        }
    }
}

/// The text of an XML part: UTF-8, or UTF-16 with its mark.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<String, Trouble> {
    match Encoding::for_bom(&bytes) {
        Some((encoding, mark)) => Ok(encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned()),
        None => String::from_utf8(bytes).map_err(Trouble::damaged),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<String, Trouble> {
        let mut xml = Xml::new(text, 8);
        let mut found = String::new();
        while let Some(node) = xml.next()? {
            if let Node::Text(text) = node {
                found.push_str(&text);
            }
        }
        Ok(found)
    }

    #[test]
    fn characters_come_as_they_are_meant() {
        assert_eq!(all("<a>1 &lt; 2 &amp; &#x6edd;<![CDATA[<b>]]></a>").unwrap(), "1 < 2 & 滝<b>");
    }

    #[test]
    fn entities_and_depth_are_refused() {
        let laughs = r#"<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]><a>&c;</a>"#;
        assert!(matches!(all(laughs), Err(Trouble::Unsafe(_))));
        assert!(matches!(all("<a>&c;</a>"), Err(Trouble::Unsafe(_))));
        assert!(all(&format!("{}{}", "<a>".repeat(8), "</a>".repeat(8))).is_ok());
        assert!(matches!(all(&"<a>".repeat(9)), Err(Trouble::Unsafe(_))));
        for cut in ["<a>", "<a", "<a></b>", "</a>"] {
            assert!(matches!(all(cut), Err(Trouble::Damaged(_))), "{cut}");
        }
    }
}
