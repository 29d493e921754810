use std::collections::HashMap;

use crate::Trouble;
use crate::xml::{Node, Xml};

/// How many styles may be based on each other before it must be a circle.
const DEEPEST: usize = 20;

/// The paragraph styles of a document, by their ids.
#[derive(Debug, Default)]
pub(super) struct Styles(HashMap<String, Style>);

#[derive(Debug, Clone, Default)]
pub(super) struct Style {
    based_on: Option<String>,
    /// 1 for the highest.
    pub(super) heading: Option<usize>,
    pub(super) list: Option<String>,
    pub(super) level: Option<usize>,
}

impl Styles {
    pub(super) fn read(part: &str, depth: usize) -> Result<Self, Trouble> {
        let mut xml = Xml::new(part, depth);
        let (mut styles, mut current) = (HashMap::new(), None::<(String, Style)>);
        while let Some(node) = xml.next()? {
            match node {
                Node::Open(element) if element.name() == "style" => {
                    current = Some((element.value("styleId").unwrap_or_default(), Style::default()));
                }
                Node::Close(name) if name == "style" => styles.extend(current.take()),
                Node::Open(element) => {
                    let (Some((_, style)), Some(value)) = (&mut current, element.value("val")) else { continue };
                    match element.name().as_str() {
                        // Word translates the ids of its own styles, never their names.
                        "name" => style.heading = style.heading.or_else(|| heading(&value)),
                        "basedOn" => style.based_on = Some(value),
                        "outlineLvl" => style.heading = value.parse().ok().map(|level: usize| level.saturating_add(1)),
                        "numId" => style.list = Some(value),
                        "ilvl" => style.level = value.parse().ok(),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        Ok(Self(styles))
    }

    /// A style with what it takes from those it is based on.
    pub(super) fn resolve(&self, id: Option<&str>) -> Style {
        let mut style = Style::default();
        let mut next = id;
        for _ in 0..DEEPEST {
            let Some(found) = next.and_then(|id| self.0.get(id)) else { break };
            style.heading = style.heading.or(found.heading);
            style.list = style.list.or_else(|| found.list.clone());
            style.level = style.level.or(found.level);
            next = found.based_on.as_deref();
        }
        style
    }
}

fn heading(name: &str) -> Option<usize> {
    let name = name.to_lowercase();
    if name == "title" { Some(1) } else { name.strip_prefix("heading ")?.parse().ok() }
}
