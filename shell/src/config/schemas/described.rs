//! Owns: putting into a schema what the tables of docs/CONFIGURATION.md say of each key.

use serde_json::{Value, json};

/// Puts it there. What is told of a key that there is not, and the keys of which nothing is told.
pub(super) fn describe(
    schema: &mut Value,
    name: &str,
    bases: &[&str],
    documentation: &str,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let sections = documentation.split("\n## ");
    let sections = sections.filter(|section| section.starts_with(&format!("`{name}`")));
    for (keys, about) in sections.flat_map(rows) {
        let mut before: Option<String> = None;
        for key in keys {
            let parent = before.as_deref().and_then(|full| full.rsplit_once('.'));
            let beside = parent.map(|(parent, _)| format!("{parent}."));
            let bases = bases.iter().map(|base| (*base).to_owned());
            let places = beside.into_iter().chain([String::new()]).chain(bases);
            let found = places.map(|base| format!("{base}{key}")).find(|full| {
                let place = at(schema, full);
                let is_there = place.is_some();
                if let Some(Value::Object(place)) = place {
                    place.insert("description".to_owned(), json!(about));
                }
                is_there
            });
            match found {
                Some(full) => before = Some(full),
                None => wrong.push(format!("{key} is documented, and no key")),
            }
        }
    }
    undescribed(schema, "", &mut wrong);
    wrong
}

/// The rows of tables of keys: what their first cell names, and what is said of it.
fn rows(section: &str) -> Vec<(Vec<String>, String)> {
    let mut rows = Vec::new();
    let mut is_of_keys = false;
    for line in section.lines() {
        let Some(row) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else {
            is_of_keys &= line.starts_with('|');
            continue;
        };
        let cells: Vec<&str> = row.split(" | ").collect();
        if let [first, ..] = cells.as_slice()
            && first.starts_with("key")
        {
            is_of_keys = true;
        } else if let (true, [keys, unset, about]) = (is_of_keys, cells.as_slice()) {
            let names = keys.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            rows.push((names, format!("{about} (default: {unset})")));
        } else if let (true, [keys, about]) = (is_of_keys, cells.as_slice()) {
            let names = keys.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            rows.push((names, (*about).to_owned()));
        }
    }
    rows
}

/// The schema of what stands at `place`, such as `services.<name>.tls` or `routes[].path`.
fn at<'a>(schema: &'a mut Value, place: &str) -> Option<&'a mut Value> {
    let mut here = schema;
    for part in place.split('.') {
        let (name, is_list) = part.strip_suffix("[]").map_or((part, false), |name| (name, true));
        here = object(here)?;
        here = if name.starts_with('<') {
            here.get_mut("additionalProperties")?
        } else {
            here.get_mut("properties")?.get_mut(name)?
        };
        if is_list {
            here = object(here)?.get_mut("items")?;
        }
    }
    Some(here)
}

/// The one of several forms that is an object or a list.
fn object(schema: &mut Value) -> Option<&mut Value> {
    if schema.get("anyOf").is_none() {
        return Some(schema);
    }
    let forms = schema.get_mut("anyOf")?.as_array_mut()?;
    forms.iter_mut().find(|form| {
        ["properties", "additionalProperties", "items"].iter().any(|key| form.get(key).is_some())
    })
}

fn undescribed(schema: &Value, place: &str, wrong: &mut Vec<String>) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, property) in properties.iter().filter(|(name, _)| *name != "description") {
            let place = format!("{place}.{name}");
            if property.get("description").is_none() {
                wrong.push(format!("{place} is a key, and not documented"));
            }
            undescribed(property, &place, wrong);
        }
    }
    for part in ["additionalProperties", "items"] {
        if let Some(part) = schema.get(part) {
            undescribed(part, place, wrong);
        }
    }
    for form in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        undescribed(form, place, wrong);
    }
}
