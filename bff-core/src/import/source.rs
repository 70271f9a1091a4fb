//! Owns: where options stand: in the file, in variables, in flags; and which of them counts. oauth2-proxy takes a
//! flag before a variable, and a variable before the file.

use toml_edit::{Document, Item, Value as Toml};

use super::options;
use super::value::Value;

/// Where an option stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Line(usize),
    Variable,
    Flag,
}

/// One option as it was found.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// As the file writes it, whatever it came from.
    pub(super) name: String,
    pub(super) place: Place,
    /// `None` for what oauth2-proxy does not read either, such as a table.
    pub(super) value: Option<Value>,
}

/// Why nothing of a file can be read. Never holds any of it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not TOML")]
pub struct NotToml {
    line: usize,
}

/// The options of `text`, in the order of its lines.
pub(super) fn of_file(text: &str) -> Result<Vec<Entry>, NotToml> {
    let line_at = |place: usize| {
        text.bytes().take(place).filter(|byte| *byte == b'\n').count().saturating_add(1)
    };
    let document = Document::parse(text)
        .map_err(|error| NotToml { line: line_at(error.span().map_or(0, |span| span.start)) })?;
    let mut entries: Vec<Entry> = Vec::new();
    for (name, item) in document.as_table() {
        let key = document.as_table().key(name);
        let place = key.and_then(toml_edit::Key::span).or_else(|| item.span());
        let place = Place::Line(line_at(place.map_or(0, |span| span.start)));
        entries.push(Entry { name: canonical(name), place, value: of_item(item) });
    }
    entries.sort_by_key(|entry| match entry.place {
        Place::Line(line) => line,
        Place::Variable | Place::Flag => usize::MAX,
    });
    Ok(entries)
}

/// Those of variables, by name.
pub(super) fn of_variables(variables: &[(String, String)]) -> Vec<Entry> {
    let named = variables.iter().filter_map(|(name, value)| {
        let name = canonical(&name.strip_prefix("OAUTH2_PROXY_")?.to_ascii_lowercase());
        Some(Entry { name, place: Place::Variable, value: Some(Value::text(value)) })
    });
    let mut entries: Vec<Entry> = named.collect();
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    entries
}

/// Those of a command line. What is none is an entry without a name, because it may be a secret.
pub(super) fn of_flags(arguments: &[String]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut rest = arguments.iter().map(String::as_str).peekable();
    while let Some(argument) = rest.next() {
        let Some(flag) = argument.strip_prefix("--") else {
            entries.push(Entry { name: String::new(), place: Place::Flag, value: None });
            continue;
        };
        let (flag, given) = match flag.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (flag, None),
        };
        let known = options::of_flag(flag);
        let value = given.unwrap_or_else(|| {
            let takes_next = !known.is_some_and(|known| known.is_switch);
            rest.next_if(|next| takes_next && !next.starts_with("--")).unwrap_or("true")
        });
        let value = Value::text(value);
        let name = known.map_or_else(|| canonical(flag), |known| known.name.to_owned());
        let before = entries.iter_mut().find(|entry| entry.name == name);
        match before.and_then(|entry| entry.value.as_mut()) {
            Some(before) => before.append(value),
            None => entries.push(Entry { name, place: Place::Flag, value: Some(value) }),
        }
    }
    entries
}

fn canonical(name: &str) -> String {
    name.replace('-', "_")
}

fn of_item(item: &Item) -> Option<Value> {
    match item {
        Item::Value(Toml::Array(array)) => {
            array.iter().map(scalar).collect::<Option<Vec<_>>>().map(Value::array)
        }
        Item::Value(value) => scalar(value).map(Value::text),
        Item::None | Item::Table(_) | Item::ArrayOfTables(_) => None,
    }
}

fn scalar(value: &Toml) -> Option<String> {
    match value {
        Toml::String(text) => Some(text.value().clone()),
        Toml::Integer(number) => Some(number.value().to_string()),
        Toml::Float(number) => Some(number.value().to_string()),
        Toml::Boolean(switch) => Some(switch.value().to_string()),
        Toml::Datetime(_) | Toml::Array(_) | Toml::InlineTable(_) => None,
    }
}

/// Everything that is set.
#[derive(Debug)]
pub(super) struct Given {
    /// What counts comes last.
    pub(super) entries: Vec<Entry>,
}

impl Given {
    /// What `name` is set to where that counts, if it says something.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        let last = self.entries.iter().rev().find(|entry| entry.name == name);
        last.and_then(|entry| entry.value.as_ref()).filter(|value| !value.is_blank())
    }

    /// Its text; empty where it says nothing.
    pub(super) fn one(&self, name: &str) -> &str {
        self.value(name).map_or("", Value::one)
    }

    /// Its entries.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        self.value(name).map(Value::list).unwrap_or_default()
    }

    /// Whether it is a switch that is on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.value(name).is_some_and(Value::is_true)
    }

    /// Whether it is a switch that is off.
    pub(super) fn is_off(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| !value.is_true())
    }

    /// Where the value stands that counts in place of the one at `index`, if that is another.
    pub(super) fn before(&self, index: usize) -> Option<Place> {
        let name = &self.entries.get(index)?.name;
        let behind = self.entries.iter().skip(index.saturating_add(1));
        behind.rev().find(|entry| entry.name == *name).map(|entry| entry.place)
    }
}
