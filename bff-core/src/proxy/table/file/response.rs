//! Owns: `response` of a route: what the browser sees of its answers.

use serde::Deserialize;

use super::super::build::What;
use super::Scalar;
use crate::json::{JsonPath, Rules};
use crate::proxy::shape::Shaping;

/// Longest answer that is shaped where the file does not say.
const DEFAULT_MAX_BODY: usize = 1024 * 1024;

/// What the file may say at most: an answer is held in memory while it is shaped.
const MOST: usize = 64 * 1024 * 1024;

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in super::super) struct ResponseFile {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    #[serde(default)]
    keep: Option<Vec<String>>,
    #[serde(default)]
    drop: Option<Vec<String>>,
    #[serde(default)]
    max_body: Option<Scalar>,
}

impl ResponseFile {
    pub(in super::super) fn parse(&self) -> Result<Shaping, What> {
        let rules = match (&self.keep, &self.drop) {
            (Some(keep), None) => paths(keep).map(Rules::keeping),
            (None, Some(drop)) => paths(drop).map(Rules::dropping),
            _ => None,
        };
        let rules = rules.ok_or_else(|| {
            What::new(
                "has a response that names no paths, both keep and drop, or something that is no path",
                "For example response: { keep: [id, name, \"items.*.title\"] }.",
            )
        })?;
        let max_body = match &self.max_body {
            None => Some(DEFAULT_MAX_BODY),
            Some(size) => size.size().ok().filter(|bytes| (1..=MOST).contains(bytes)),
        };
        let max_body = max_body.ok_or_else(|| {
            What::new(
                "has a response with a max_body that is no size up to 64MiB",
                "For example max_body: 1MiB, or a number of bytes.",
            )
        })?;
        Ok(Shaping { rules, max_body })
    }
}

fn paths(texts: &[String]) -> Option<Vec<JsonPath>> {
    if texts.is_empty() {
        return None;
    }
    texts.iter().map(|text| JsonPath::with_wildcards(text)).collect()
}
