//! Owns: reading YAML files. serde-saphyr stays behind this one function.
//!
//! Variables are expanded in the text before it is parsed, in quoted values too, so a value that
//! could end its quotes is refused. Errors carry the place and at most the name of a key, never what stands
//! there or around it: it may be a secret, in the wrong line.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_saphyr::Error;

use super::expand::{ExpandError, expand};
use super::{Problem, Settings};

/// Stands for a variable that is not set, where that is no error. It holds a slash, so that it is no
/// host, name, number or origin.
pub const ABSENT: &str = "not/set";

/// Reads `path` into `T`, with `${VAR}` and `${VAR:-default}` expanded.
///
/// # Errors
/// A [`Problem`] with file, line and column.
pub fn load<T: DeserializeOwned>(path: &Path, settings: &Settings) -> Result<T, Problem> {
    parse(&name(path), &read(path)?, settings)
}

/// The text of `path` as it stands, for who must see when it changes.
///
/// # Errors
/// A [`Problem`] with the file.
pub fn read(path: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(path).map_err(|error| Problem {
        path: name(path),
        problem: format!("cannot be read ({})", error.kind()),
        hint: "Check the path and its permissions.".to_owned(),
    })
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Reads YAML text that stands in the file `name`.
///
/// # Errors
/// A [`Problem`] with file, line and column.
pub fn parse<T: DeserializeOwned>(
    name: &str,
    text: &str,
    settings: &Settings,
) -> Result<T, Problem> {
    let expanded = expanded(name, text, settings)?;
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(&expanded, options).map_err(|error| {
        let place = error.location().map(|at| format!(":{}:{}", at.line(), at.column()));
        Problem {
            path: format!("{name}{}", place.unwrap_or_default()),
            problem: Some(what(&error))
                .filter(|problem| !holds_a_variable(problem, text, settings))
                .unwrap_or_else(|| "has a variable where none can stand".to_owned()),
            hint: "Unknown keys and keys given twice are errors.".to_owned(),
        }
    })
}

/// What is wrong, without the value that is.
fn what(error: &Error) -> String {
    match error {
        Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
            format!("is not {expected}")
        }
        Error::SerdeUnknownVariant { expected, .. } => {
            format!("is not one of {}", expected.join(", "))
        }
        Error::NonFiniteFloat { .. } => "is not a finite number".to_owned(),
        other => other.to_string().lines().next().unwrap_or_default().to_owned(),
    }
}

/// Shorter values, which are no secrets, stand in many a message by chance.
const TELLING: usize = 4;

/// Whether `problem` shows the value of a variable that `text` names, as a key or an anchor may be one.
fn holds_a_variable(problem: &str, text: &str, settings: &Settings) -> bool {
    let names = text.split("${").skip(1).map(|rest| rest.split(['}', ':']).next());
    names
        .flatten()
        .filter_map(|name| settings.variables().get(name))
        .any(|value| value.len() >= TELLING && problem.contains(value.as_str()))
}

/// As [`parse`], for a program that uses a part of the text and has not the variables of the rest: one
/// that is not set is [`ABSENT`], which nothing should take for a value.
///
/// # Errors
/// As [`parse`].
pub fn parse_partly<T: DeserializeOwned>(
    name: &str,
    text: &str,
    settings: &Settings,
) -> Result<T, Problem> {
    let mut known = settings.clone();
    for variable in text.split("${").skip(1) {
        let end = variable.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let variable = end.and_then(|end| variable.split_at_checked(end));
        if let Some((variable, rest)) = variable
            && rest.starts_with('}')
        {
            known = known.with_defaults([(variable, ABSENT)]);
        }
    }
    parse(name, text, &known)
}

fn expanded(name: &str, text: &str, settings: &Settings) -> Result<String, Problem> {
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.lines().enumerate() {
        let (content, comment) = split_comment(line);
        let content = expand_line(content, settings).map_err(|problem| Problem {
            path: format!("{name}:{}", index + 1),
            problem,
            hint: "Set the variable, or write ${VAR:-default}.".to_owned(),
        })?;
        out.push_str(&content);
        out.push_str(comment);
        out.push('\n');
    }
    Ok(out)
}

/// A line and its comment. A `#` begins one at the start or behind a blank, outside quotes.
fn split_comment(line: &str) -> (&str, &str) {
    let mut before = ' ';
    for (at, character, quoted) in scan(line) {
        if character == '#' && !quoted && before.is_whitespace() {
            return line.split_at_checked(at).unwrap_or((line, ""));
        }
        before = character;
    }
    (line, "")
}

/// Each character with its place, and whether it stands in quotes.
fn scan(line: &str) -> impl Iterator<Item = (usize, char, bool)> {
    let (mut quote, mut before) = (None, ' ');
    line.char_indices().map(move |(at, character)| {
        let quoted = quote.is_some();
        match (quote, character) {
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character && before != '\\' => quote = None,
            _ => {}
        }
        before = character;
        (at, character, quoted)
    })
}

/// Whether a value in quotes would end them.
fn ends_quotes(value: &str) -> bool {
    value.chars().any(|character| character.is_control() || "\"'\\".contains(character))
}

/// Whether a value outside quotes would be read as more than itself: as a key, a comment, an alias or a tag.
fn is_more_than_text(value: &str) -> bool {
    value.contains(": ")
        || value.contains(" #")
        || value.ends_with(':')
        || value.starts_with(['#', '&', '*', '!', '|', '>', '%', '@', '`'])
}

fn expand_line(line: &str, settings: &Settings) -> Result<String, String> {
    for (at, rest) in line.match_indices("${").filter_map(|(at, _)| Some((at, line.get(at + 2..)?)))
    {
        let variable = rest.split(['}', ':']).next().unwrap_or_default();
        let Some(value) = settings.variables().get(variable) else { continue };
        if ends_quotes(value) {
            return Err(format!(
                "needs the variable {variable}, whose value holds a quote, backslash or line break"
            ));
        }
        let quoted = scan(line).any(|(place, _, quoted)| place == at && quoted);
        if !quoted && is_more_than_text(value) {
            return Err(format!(
                "needs quotes around the variable {variable}, whose value is YAML"
            ));
        }
    }
    let lookup = |variable: &str| settings.variables().get(variable).cloned();
    expand(line, &lookup).map_err(|error| match error {
        ExpandError::Unset(variable) => format!("needs the variable {variable}, which is not set"),
        ExpandError::Unclosed | ExpandError::Name => "holds a ${ that cannot be read".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Service {
        base_url: String,
        #[serde(default)]
        timeout: Option<u32>,
    }

    #[test]
    fn t09_what_another_program_is_told_reads_as_nothing_usable() {
        let text = "base_url: http://${HOST}/${SECRET}/${PORT:-1}\ntimeout: ${OTHER:-3}\n";
        let settings = Settings::from_pairs([("HOST", "crud")]);
        assert!(parse::<Service>("x.yaml", text, &settings).is_err());
        let service: Service = parse_partly("x.yaml", text, &settings).unwrap();
        assert_eq!(service.base_url, "http://crud/not/set/1");
        assert_eq!(service.timeout, Some(3));
    }

    fn service(text: &str) -> Result<Service, Problem> {
        let settings =
            Settings::from_pairs([("HOST", "crud"), ("QUOTE", "a\"b"), ("CANARY", "canary")]);
        parse("routes.yaml", text, &settings)
    }

    #[test]
    fn variables_are_expanded_in_plain_and_quoted_values_but_not_in_comments() {
        let text = "base_url: \"http://${HOST}:${PORT:-8000}/#x\" # ${NOT_READ}\n# ${NOR_THIS}\n\
                    timeout: ${TIMEOUT:-30}\n";
        let service = service(text).unwrap();
        assert_eq!(service.base_url, "http://crud:8000/#x");
        assert_eq!(service.timeout, Some(30));
    }

    #[test]
    fn t09_no_variable_adds_a_key_a_comment_or_an_alias() {
        for value in ["a #b", "a: b", "a:", "#a", "*a", "&a b", "!a", "|", "> a", "@a"] {
            let settings = Settings::from_pairs([("X", value)]);
            let problem = parse::<Service>("x.yaml", "base_url: ${X}\n", &settings).unwrap_err();
            assert!(problem.problem.contains("quotes around the variable X"), "{problem}");
            for quoted in ["base_url: \"${X}\"\n", "base_url: '${X}' # it's so\n"] {
                let service: Service = parse("x.yaml", quoted, &settings).unwrap();
                assert_eq!(service.base_url, value);
            }
        }
        let settings = Settings::from_pairs([("X", "redis://a:b@c:1/2#d")]);
        let service: Service = parse("x.yaml", "base_url: ${X}\n", &settings).unwrap();
        assert_eq!(service.base_url, "redis://a:b@c:1/2#d");
    }

    #[test]
    fn t09_problems_name_the_place_and_show_no_value() {
        let unknown = service("base_url: canary\nbase_uri: x\n").unwrap_err();
        assert!(unknown.path.starts_with("routes.yaml:2"), "{unknown}");
        assert!(unknown.problem.contains("base_uri"), "{unknown}");
        assert!(!unknown.to_string().contains("canary"), "{unknown}");

        for misplaced in [
            "base_url: x\ntimeout: canary\n",
            "base_url: [canary]\n",
            "- canary\n",
            "base_url: x\n\"${CANARY}\": 1\n",
            "base_url: *${CANARY}\n",
            "base_url: ${CANARY}\ntimeout: ${CANARY}\n",
        ] {
            let problem = service(misplaced).unwrap_err().to_string();
            assert!(!problem.contains("canary"), "{problem}");
        }

        let unset = service("base_url: x\ntimeout: ${NONE}\n").unwrap_err();
        assert_eq!(unset.path, "routes.yaml:2");
        let quote = service("base_url: \"${QUOTE}\"\n").unwrap_err();
        assert!(quote.problem.contains("QUOTE") && !quote.problem.contains("a\"b"), "{quote}");
        assert!(service("base_url: a\nbase_url: b\n").is_err(), "duplicate keys");
        assert!(service("[").is_err());
    }
}
