//! Owns: what of a JSON text is passed on, by paths that are kept or dropped.
//!
//! One pass in bounded memory: what the rules do not settle at one name is walked into, never built.

use std::collections::HashSet;

use struson::reader::{JsonReader as _, ValueType};
use struson::writer::JsonWriter as _;

use super::{JsonError, JsonPath, Passage};

/// Paths, and whether they are all that is passed on or all that is not.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    keeps: bool,
    paths: Vec<JsonPath>,
    root: Node,
}

/// What paths say about one place, and about those below it.
#[derive(Debug, Clone, Default)]
struct Node {
    ends: bool,
    any: Option<Box<Self>>,
    named: Vec<(String, Self)>,
}

/// What becomes of a value.
enum Verdict<'r> {
    Pass,
    Leave,
    /// Paths lead on into it.
    Enter(Vec<&'r Node>),
}

impl Rules {
    /// Only what `paths` lead to is passed on.
    pub(crate) fn keeping(paths: Vec<JsonPath>) -> Self {
        Self { keeps: true, root: Node::of(&paths), paths }
    }

    /// All but what `paths` lead to is passed on.
    pub(crate) fn dropping(paths: Vec<JsonPath>) -> Self {
        Self { keeps: false, root: Node::of(&paths), paths }
    }

    /// As they stand in the file.
    pub(crate) fn describe(&self) -> String {
        let paths: Vec<String> = self.paths.iter().map(|path| path.names().join(".")).collect();
        format!("{} {}", if self.keeps { "keep" } else { "drop" }, paths.join(", "))
    }

    /// What of `text` is passed on.
    ///
    /// # Errors
    /// [`JsonError`]; nothing of such a text may be passed on.
    pub(crate) fn apply(&self, text: &[u8]) -> Result<Vec<u8>, JsonError> {
        let mut passage = Passage::of(text);
        if !matches!(passage.reader.peek()?, ValueType::Object | ValueType::Array) {
            return Err(JsonError::Misfit);
        }
        self.enter(&mut passage, &[&self.root])?;
        passage.finish()
    }

    /// Walks into the object or array that comes next.
    fn enter(&self, passage: &mut Passage<'_>, nodes: &[&Node]) -> Result<(), JsonError> {
        let written = |_| JsonError::Malformed;
        if passage.reader.peek()? == ValueType::Object {
            let mut names = HashSet::new();
            passage.reader.begin_object()?;
            passage.writer.begin_object().map_err(written)?;
            while passage.reader.has_next()? {
                let name = passage.reader.next_name_owned()?;
                let verdict = self.judge(nodes, &name);
                self.carry_out(passage, &verdict, Some(&name))?;
                if !names.insert(name) {
                    return Err(JsonError::Repeated);
                }
            }
            passage.reader.end_object()?;
            passage.writer.end_object().map_err(written)
        } else {
            passage.reader.begin_array()?;
            passage.writer.begin_array().map_err(written)?;
            let mut place = 0_usize;
            while passage.reader.has_next()? {
                let verdict = self.judge(nodes, &place.to_string());
                self.carry_out(passage, &verdict, None)?;
                place += 1;
            }
            passage.reader.end_array()?;
            passage.writer.end_array().map_err(written)
        }
    }

    fn carry_out(
        &self,
        passage: &mut Passage<'_>,
        verdict: &Verdict<'_>,
        name: Option<&str>,
    ) -> Result<(), JsonError> {
        let kind = passage.reader.peek()?;
        let enters = matches!(kind, ValueType::Object | ValueType::Array);
        let passes = match verdict {
            Verdict::Pass => true,
            Verdict::Leave => false,
            // Where paths lead on there is nothing to be found in a number or a text.
            Verdict::Enter(_) => enters || !self.keeps,
        };
        if !passes {
            return Ok(passage.reader.skip_value()?);
        }
        if let Some(name) = name {
            passage.writer.name(name).map_err(|_| JsonError::Malformed)?;
        }
        match verdict {
            Verdict::Enter(nodes) if enters => self.enter(passage, nodes),
            _ => passage.copy(),
        }
    }

    fn judge<'r>(&self, nodes: &[&'r Node], name: &str) -> Verdict<'r> {
        let next: Vec<&Node> = nodes.iter().flat_map(|node| node.below(name)).collect();
        if next.iter().any(|node| node.ends) {
            return if self.keeps { Verdict::Pass } else { Verdict::Leave };
        }
        match (next.is_empty(), self.keeps) {
            (false, _) => Verdict::Enter(next),
            (true, true) => Verdict::Leave,
            (true, false) => Verdict::Pass,
        }
    }
}

impl Node {
    fn of(paths: &[JsonPath]) -> Self {
        let mut root = Self::default();
        for path in paths {
            let end = path.names().iter().fold(&mut root, |node, name| node.child(name));
            end.ends = true;
        }
        root
    }

    fn child(&mut self, name: &str) -> &mut Self {
        if name == "*" {
            return self.any.get_or_insert_default();
        }
        let known = self.named.iter().position(|(known, _)| known == name);
        let place = known.unwrap_or_else(|| {
            self.named.push((name.to_owned(), Self::default()));
            self.named.len() - 1
        });
        match self.named.get_mut(place) {
            Some((_, node)) => node,
            // The place was just made.
            None => self.any.get_or_insert_default(),
        }
    }

    fn below<'r>(&'r self, name: &str) -> impl Iterator<Item = &'r Self> {
        let named = self.named.iter().find(|(known, _)| known == name).map(|(_, node)| node);
        named.into_iter().chain(self.any.as_deref())
    }
}

#[cfg(test)]
mod tests;
