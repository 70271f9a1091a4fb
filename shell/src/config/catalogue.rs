//! Owns: what a setting is to those who look for it: its name, kind, default and meaning. The tables of
//! docs/CONFIGURATION.md and the command `settings` are made of these, and tests hold them against what
//! the programs read.

use serde_json::{Value, json};

use super::Settings;

/// How a setting is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The variable holds it.
    Text,
    /// The variable holds PEM, or names a file that does.
    Pem,
    /// The variable holds it, or `<NAME>_FILE` names a file that does.
    Secret,
    /// As `Pem`, or `<NAME>_FILE` names the file.
    SecretPem,
}

/// What holds where a setting is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unset {
    /// The program does not start.
    Refused,
    /// The same as with this value.
    Is(&'static str),
    /// Something that has no value, in Markdown.
    Means(&'static str),
}

/// A variable that a program reads.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// How it is given.
    pub kind: Kind,
    /// What holds without it.
    pub unset: Unset,
    /// What it does, in Markdown without a line break; may be empty where the name says it.
    pub about: &'static str,
}

impl Setting {
    /// One that the variable holds.
    pub const fn text(name: &'static str, unset: Unset, about: &'static str) -> Self {
        Self { name, kind: Kind::Text, unset, about }
    }

    /// [`Kind::Pem`].
    pub const fn pem(name: &'static str, unset: Unset, about: &'static str) -> Self {
        Self { name, kind: Kind::Pem, unset, about }
    }

    /// [`Kind::Secret`].
    pub const fn secret(name: &'static str, unset: Unset, about: &'static str) -> Self {
        Self { name, kind: Kind::Secret, unset, about }
    }

    /// [`Kind::SecretPem`].
    pub const fn secret_pem(name: &'static str, unset: Unset, about: &'static str) -> Self {
        Self { name, kind: Kind::SecretPem, unset, about }
    }

    const fn kind_words(&self) -> &'static str {
        match self.kind {
            Kind::Text => "",
            Kind::Pem => ", PEM",
            Kind::Secret => ", secret",
            Kind::SecretPem => ", secret PEM",
        }
    }
}

/// A table of `settings`, as it stands in docs/CONFIGURATION.md.
pub fn markdown<'a>(settings: impl IntoIterator<Item = &'a Setting>) -> String {
    let mut table = "| variable | default | meaning |\n|---|---|---|\n".to_owned();
    for setting in settings {
        let unset = match setting.unset {
            Unset::Refused => "required".to_owned(),
            Unset::Is(value) => format!("`{value}`"),
            Unset::Means(words) => words.to_owned(),
        };
        let (name, kind, about) = (setting.name, setting.kind_words(), setting.about);
        for part in ["| `", name, "` | ", &unset, kind, " | ", about, " |\n"] {
            table.push_str(part);
        }
    }
    table
}

/// `settings` for programs: a list of objects with `name`, `kind`, `required`, `default` (`null` where there is
/// none) and `about`.
pub fn json<'a>(settings: impl IntoIterator<Item = &'a Setting>) -> Value {
    let object = |setting: &Setting| {
        let kind = match setting.kind {
            Kind::Text => "text",
            Kind::Pem => "pem",
            Kind::Secret => "secret",
            Kind::SecretPem => "secret_pem",
        };
        let default = match setting.unset {
            Unset::Is(value) => Some(value),
            Unset::Refused | Unset::Means(_) => None,
        };
        json!({ "name": setting.name, "kind": kind, "required": setting.unset == Unset::Refused,
            "default": default, "about": setting.about })
    };
    settings.into_iter().map(object).collect()
}

/// Warns of variables that begin as ours do with one of `prefixes`, and that are none of `known`: a slip of the pen
/// leaves a default in force.
pub fn warn_of_unknown(settings: &mut Settings, prefixes: &[&str], known: &[&[Setting]]) {
    let is_known = |name: &str| {
        let bare = name.strip_suffix("_FILE").unwrap_or(name);
        known.iter().copied().flatten().any(|setting| setting.name == name || setting.name == bare)
    };
    let mut unknown: Vec<String> = settings
        .variables()
        .iter()
        .filter(|(name, value)| !value.is_empty() && !is_of_kubernetes(name))
        .map(|(name, _)| name)
        .filter(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)) && !is_known(name))
        .cloned()
        .collect();
    unknown.sort();
    for name in unknown {
        settings.warn(
            &name,
            "is set, and no setting of this version",
            "Check the spelling. For ${...} in files a name that begins otherwise is safer.",
        );
    }
}

/// What Kubernetes sets in every pod for a service that is called as we are (`enableServiceLinks`).
fn is_of_kubernetes(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || name.contains("_PORT_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Setting; 3] = [
        Setting::text("BFF_A", Unset::Is("1"), "a"),
        Setting::secret("BFF_B", Unset::Refused, ""),
        Setting::pem("BFF_C", Unset::Means("the system's"), "c"),
    ];

    #[test]
    fn a_table_has_a_row_for_each() {
        let expected = "| variable | default | meaning |\n|---|---|---|\n| `BFF_A` | `1` | a |\n\
                        | `BFF_B` | required, secret |  |\n| `BFF_C` | the system's, PEM | c |\n";
        assert_eq!(markdown(&ALL), expected);
        let first = json!({ "name": "BFF_A", "kind": "text", "required": false, "default": "1", "about": "a" });
        assert_eq!(json(&ALL)[0], first);
    }

    #[test]
    fn t09_a_name_with_a_slip_of_the_pen_is_told() {
        let mut settings = Settings::from_pairs([
            ("BFF_A", "1"),
            ("BFF_B_FILE", "1"),
            ("BFF_AA", "canary"),
            ("BFF_EMPTY", ""),
            ("BFF_SERVICE_HOST", "10.0.0.1"),
            ("BFF_PORT_8000_TCP", "tcp://10.0.0.1:8000"),
            ("BFF_SERVICE_PORT_HTTP", "8000"),
            ("PATH", "/bin"),
        ]);
        warn_of_unknown(&mut settings, &["BFF_"], &[&ALL]);
        let ((), warnings) = settings.finish(Some(())).unwrap();
        let paths: Vec<_> = warnings.iter().map(|warning| warning.path.as_str()).collect();
        assert_eq!(paths, ["BFF_AA"]);
    }
}
