//! Owns: holding docs/schemas against the types that read `forwardauth.yaml`, the documentation and its examples.

use std::path::Path;

use shell::config::schemas::{SchemaFile, of};
use shell::config::yaml;

use super::file::PoliciesFile;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn file() -> SchemaFile<'static> {
    SchemaFile {
        name: "forwardauth.yaml",
        keys: &["policies"],
        bases: &["policies.<name>."],
        schema: of::<PoliciesFile>(),
        read: |name, text, settings| yaml::parse::<PoliciesFile>(name, text, settings).map(drop),
    }
}

#[test]
fn every_key_is_documented_and_in_the_schema() {
    file().is_documented(Path::new(ROOT));
}

#[test]
fn t09_the_schema_takes_every_example_and_refuses_what_the_parser_does() {
    file().agrees_with_the_parser(Path::new(ROOT), 1);
}
