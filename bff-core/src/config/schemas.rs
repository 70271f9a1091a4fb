//! Owns: holding docs/schemas against the types that read the files, the documentation and its examples.

use std::path::Path;

use session::settings::tenants::TenantsFile;
use shell::config::schemas::{SchemaFile, of};
use shell::config::yaml;
use shell::idps::IdpsFile;

use super::file::BffFile;
use super::idps::ClientFile;
use super::rate_limits::RateLimitsFile;
use crate::proxy::RoutesFile;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn files() -> [SchemaFile<'static>; 4] {
    [
        SchemaFile {
            name: "routes.yaml",
            keys: &["routes", "services"],
            bases: &[
                "routes[].inject.",
                "routes[].response.",
                "services.<name>.",
                "services.<name>.retries.",
                "services.<name>.breaker.",
            ],
            schema: of::<RoutesFile>(),
            read: |name, text, settings| yaml::parse::<RoutesFile>(name, text, settings).map(drop),
        },
        SchemaFile {
            name: "idps.yaml",
            keys: &["idps"],
            bases: &["idps[]."],
            schema: of::<IdpsFile<ClientFile>>(),
            read: |name, text, settings| {
                yaml::parse::<IdpsFile<ClientFile>>(name, text, settings).map(drop)
            },
        },
        SchemaFile {
            name: "tenants.yaml",
            keys: &["tenants"],
            bases: &["tenants[]."],
            schema: of::<TenantsFile<ClientFile, RateLimitsFile>>(),
            read: |name, text, settings| {
                yaml::parse::<TenantsFile<ClientFile, RateLimitsFile>>(name, text, settings)
                    .map(drop)
            },
        },
        SchemaFile {
            name: "bff.yaml",
            keys: &["login_methods", "rate_limits", "telemetry", "user_context"],
            bases: &["login_methods.<name>.", "user_context."],
            schema: of::<BffFile>(),
            read: |name, text, settings| yaml::parse::<BffFile>(name, text, settings).map(drop),
        },
    ]
}

#[test]
fn every_key_is_documented_and_in_the_schema() {
    for file in files() {
        file.is_documented(Path::new(ROOT));
    }
}

#[test]
fn t09_the_schemas_take_every_example_and_refuse_what_the_parser_does() {
    for (file, least) in files().into_iter().zip([3, 2, 1, 2]) {
        file.agrees_with_the_parser(Path::new(ROOT), least);
    }
}
