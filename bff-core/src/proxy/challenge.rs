//! Owns: what a service asks for with a 401 (RFC 9110 section 11.6.1, RFC 6750 section 3, RFC 9449 section 9,
//! RFC 9470 section 3).

use axum::response::Response;
use http::StatusCode;
use http::header::WWW_AUTHENTICATE;

use crate::step_up::StepUp;

/// Lines that are read, and how long each may be.
const LINES: usize = 8;
const LENGTH: usize = 4096;

/// What would help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A proof with the nonce of this answer.
    Nonce,
    /// Another token.
    Token,
    /// A fresher or stronger login.
    StepUp(StepUp),
}

/// The gravest of what an answer asks for; `None` for whatever we cannot bring.
pub(super) fn read(response: &Response) -> Option<Challenge> {
    if response.status() != StatusCode::UNAUTHORIZED {
        return None;
    }
    let lines = response.headers().get_all(WWW_AUTHENTICATE).iter().take(LINES);
    let texts = lines.filter_map(|line| line.to_str().ok()).filter(|text| text.len() <= LENGTH);
    let asked: Vec<Challenge> = texts.flat_map(parse).filter_map(|one| one.meaning()).collect();
    let of = |wanted: fn(&Challenge) -> bool| asked.iter().find(|one| wanted(one)).cloned();
    of(|one| matches!(one, Challenge::StepUp(_)))
        .or_else(|| of(|one| *one == Challenge::Nonce))
        .or_else(|| of(|one| *one == Challenge::Token))
}

/// One challenge of a line.
#[derive(Debug, Default)]
struct Asked {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Asked {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn meaning(&self) -> Option<Challenge> {
        let dpop = self.scheme.eq_ignore_ascii_case("dpop");
        if !dpop && !self.scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        match self.get("error")? {
            "use_dpop_nonce" if dpop => Some(Challenge::Nonce),
            "invalid_token" => Some(Challenge::Token),
            "insufficient_user_authentication" => {
                StepUp::new(self.get("acr_values"), self.get("max_age")).map(Challenge::StepUp)
            }
            _ => None,
        }
    }
}

/// The challenges of a line. Commas divide challenges as well as their parameters: an item that begins with
/// a word and a blank, or is one word, begins a challenge.
fn parse(line: &str) -> Vec<Asked> {
    let mut challenges: Vec<Asked> = Vec::new();
    for item in items(line) {
        let (word, rest) = item.split_once(' ').unwrap_or((item, ""));
        let parameter = if word.contains('=') || rest.trim_start().starts_with('=') {
            item
        } else {
            challenges.push(Asked { scheme: word.to_owned(), parameters: Vec::new() });
            rest
        };
        let Some((name, value)) = parameter.split_once('=') else { continue };
        if let Some(challenge) = challenges.last_mut() {
            challenge.parameters.push((name.trim().to_owned(), unquoted(value.trim())));
        }
    }
    challenges
}

/// What stands between commas outside of quotes.
fn items(line: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    line.split(move |character| {
        let is_escaped = std::mem::replace(&mut escaped, false);
        match character {
            '\\' if quoted && !is_escaped => escaped = true,
            '"' if !is_escaped => quoted = !quoted,
            _ => {}
        }
        character == ',' && !quoted
    })
    .map(str::trim)
    .filter(|item| !item.is_empty())
    .collect()
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut escaped = false;
    inner
        .chars()
        .filter(|character| {
            escaped = *character == '\\' && !escaped;
            !escaped
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use proptest::prelude::*;

    fn of(status: u16, lines: &[&str]) -> Option<Challenge> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for line in lines {
            response.headers_mut().append(WWW_AUTHENTICATE, line.parse().unwrap());
        }
        read(&response)
    }

    #[test]
    fn c29_c69_c70_challenges_are_read_in_every_form() {
        let step_up = StepUp::new(Some("gold silver"), Some("60")).map(Challenge::StepUp);
        for (lines, expected) in [
            (&[r#"DPoP error="use_dpop_nonce", algs="ES256""#][..], Some(Challenge::Nonce)),
            (
                &[r#"Bearer realm="a, b", DPoP algs="ES256", error="use_dpop_nonce""#],
                Some(Challenge::Nonce),
            ),
            (&[r#"Bearer error="use_dpop_nonce""#], None),
            (&["Bearer", "dpop error=use_dpop_nonce"], Some(Challenge::Nonce)),
            (&[r#"Bearer realm="x\"", error = "invalid_token""#], Some(Challenge::Token)),
            (&[r#"Basic realm="x", Bearer error="invalid_token""#], Some(Challenge::Token)),
            (
                &[
                    r#"Bearer error="insufficient_user_authentication", acr_values="gold silver", max_age="60""#,
                ],
                step_up.clone(),
            ),
            (
                &[
                    r#"DPoP error="invalid_token""#,
                    r#"Bearer error="insufficient_user_authentication", acr_values="gold silver", max_age=60"#,
                ],
                step_up,
            ),
            (&[r#"Basic error="invalid_token""#], None),
            (&[r#"Bearer error="insufficient_scope""#], None),
            (&["Bearer", "", ",,,", "="], None),
            (&[], None),
        ] {
            assert_eq!(of(401, lines), expected, "{lines:?}");
        }
        assert_eq!(of(403, &[r#"Bearer error="invalid_token""#]), None);
    }

    proptest! {
        #[test]
        fn nothing_that_a_service_sends_upsets_us(line in "[ -~]{0,80}") {
            of(401, &[&line]);
        }
    }
}
