//! Owns: the shape of a configuration file as a JSON Schema, made of the types that read it, and held against
//! documentation, examples and the parser. For the tests of the programs, which write docs/schemas.

#![expect(clippy::panic, reason = "it says in tests what is wrong")]

mod described;
mod mutants;

use std::path::{Path, PathBuf};

use jsonschema::Validator;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::{Problem, Settings, yaml};

/// A kind of file.
pub struct SchemaFile<'a> {
    /// As it is called in `BFF_CONFIG_DIR`.
    pub name: &'a str,
    /// Keys at the top that no other kind of file has.
    pub keys: &'a [&'a str],
    /// Where the keys that the documentation tells without their place may be, such as `routes[].`.
    pub bases: &'a [&'a str],
    /// Its shape.
    pub schema: Value,
    /// Reads its text, as far as its shape goes.
    pub read: fn(&str, &str, &Settings) -> Result<(), Problem>,
}

impl std::fmt::Debug for SchemaFile<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SchemaFile").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The schema of `T`, in one piece.
pub fn of<T: JsonSchema>() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

impl SchemaFile<'_> {
    /// That docs/schemas of the repository at `root` has this schema, with what docs/CONFIGURATION.md says of each
    /// key; that it says something of each, and of no other. With `UPDATE_DOCS=1` it is put there.
    ///
    /// # Panics
    /// Where it is not so.
    pub fn is_documented(&self, root: &Path) {
        let text = text_of(&root.join("docs/CONFIGURATION.md"));
        let schema = self.complete(&text);
        let stem = self.name.trim_end_matches(".yaml");
        let path = root.join(format!("docs/schemas/{stem}.schema.json"));
        // As values: which order keys have depends on what else is compiled.
        let is_there = || {
            let there =
                std::fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
            there == Some(schema.clone())
        };
        if !is_there() && std::env::var_os("UPDATE_DOCS").is_some() {
            let text = format!("{schema:#}\n");
            std::fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
        assert!(is_there(), "{} is another: UPDATE_DOCS=1 writes it", path.display());
    }

    fn complete(&self, documentation: &str) -> Value {
        let mut schema = self.schema.clone();
        let wrong = described::describe(&mut schema, self.name, self.bases, documentation);
        assert!(wrong.is_empty(), "{}: {}", self.name, wrong.join("\n"));
        if let Some(object) = schema.as_object_mut() {
            object.insert("title".to_owned(), json!(self.name));
        }
        schema
    }

    /// That every example in the documentation, and every file of this name below `tests`, is taken by the schema; and
    /// that what the parser refuses of the shape of any variant of one, the schema refuses, and the other way round.
    ///
    /// # Panics
    /// Where it is not so, or there are fewer than `least` examples.
    pub fn agrees_with_the_parser(&self, root: &Path, least: usize) {
        let validator = jsonschema::validator_for(&self.schema);
        let validator = validator.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let examples = self.examples(root);
        assert!(examples.len() >= least, "{}: {} examples", self.name, examples.len());
        for (place, text) in &examples {
            let value = value(text).unwrap_or_else(|error| panic!("{place}: {error}"));
            let errors: Vec<_> =
                validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{place}: {errors:?}");
            let wrong: Vec<_> = mutants::of(&value)
                .filter_map(|mutant| self.objection(&validator, &mutant))
                .collect();
            assert!(wrong.is_empty(), "{place}: {}", wrong.join("\n"));
        }
    }

    /// Where parser and schema are of two minds.
    fn objection(&self, validator: &Validator, mutant: &Value) -> Option<String> {
        let read = (self.read)(self.name, &mutant.to_string(), &settings());
        match (read, validator.is_valid(mutant)) {
            (Ok(()), true) | (Err(_), false) => None,
            (Ok(()), false) => Some(format!("the schema refuses what is read: {mutant}")),
            (Err(problem), true) => Some(format!("the schema takes {mutant}: {problem}")),
        }
    }

    /// Each with the place where it stands.
    fn examples(&self, root: &Path) -> Vec<(String, String)> {
        let mut examples = Vec::new();
        for path in files(&root.join("docs"), "md").into_iter().chain([root.join("README.md")]) {
            for (index, block) in text_of(&path).split("```yaml\n").skip(1).enumerate() {
                let text = block.split("```").next().unwrap_or_default();
                examples.push((format!("{}, example {index}", path.display()), text.to_owned()));
            }
        }
        for path in files(&root.join("tests"), self.name) {
            examples.push((path.display().to_string(), text_of(&path)));
        }
        let is_ours = |text: &str| {
            let value = value(text).ok();
            value.is_some_and(|value| self.keys.iter().any(|key| value.get(key).is_some()))
        };
        examples.retain(|(_, text)| is_ours(text));
        examples
    }
}

/// Every variable that an example names, whatever it is called, is set to something.
fn settings() -> Settings {
    Settings::from_pairs([("", "")])
}

fn value(text: &str) -> Result<Value, Problem> {
    yaml::parse_partly("an example", text, &settings())
}

fn text_of(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files below `folder` whose name ends so.
fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<_> = paths
        .flat_map(|path| if path.is_dir() { files(&path, end) } else { vec![path] })
        .filter(|path| path.to_string_lossy().ends_with(end))
        .collect();
    found.sort();
    found
}
