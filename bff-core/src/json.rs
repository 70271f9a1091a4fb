//! Owns: JSON as text that passes through: what is left out of it, and what is put into it. Numbers stay the
//! digits that they were, members keep their order, and no object has a member twice.

mod path;
mod rules;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use struson::reader::{JsonReader as _, JsonStreamReader, ReaderError, ReaderSettings};
use struson::writer::JsonStreamWriter;

pub(crate) use path::JsonPath;
pub(crate) use rules::Rules;

/// Why a text was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonError {
    /// It is no JSON (RFC 8259), or nested deeper than 128 levels.
    Malformed,
    /// An object has a member twice: two readers could take it differently.
    Repeated,
    /// Something stands where the text needs an object or an array.
    Misfit,
}

impl From<ReaderError> for JsonError {
    fn from(_: ReaderError) -> Self {
        Self::Malformed
    }
}

/// A text on its way from `reader` to `writer`.
pub(crate) struct Passage<'t> {
    pub(crate) reader: JsonStreamReader<&'t [u8]>,
    pub(crate) writer: JsonStreamWriter<Vec<u8>>,
}

impl<'t> Passage<'t> {
    /// Numbers are never calculated with, so they may have any size.
    pub(crate) fn of(text: &'t [u8]) -> Self {
        let settings = ReaderSettings {
            track_path: false,
            restrict_number_values: false,
            ..Default::default()
        };
        Self {
            reader: JsonStreamReader::new_custom(text, settings),
            writer: JsonStreamWriter::new(Vec::with_capacity(text.len())),
        }
    }

    /// Takes the next value over as it is.
    pub(crate) fn copy(&mut self) -> Result<(), JsonError> {
        self.reader.transfer_to(&mut self.writer).map_err(|_| JsonError::Malformed)
    }

    /// What was written, if nothing follows what was read.
    pub(crate) fn finish(self) -> Result<Vec<u8>, JsonError> {
        use struson::writer::JsonWriter as _;

        self.reader.consume_trailing_whitespace()?;
        self.writer.finish_document().map_err(|_| JsonError::Malformed)
    }
}

/// The object that a body is (RFC 8259), all of it in UTF-8. An array of the members' values is none, though
/// serde takes it for one.
pub(crate) fn object<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(body).ok()?;
    if !text.trim_ascii_start().starts_with('{') {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// Whether a body says that it is one JSON text (RFC 8259, RFC 6839), in the one encoding that those have.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(CONTENT_TYPE).iter();
    let (Some(Ok(said)), None) = (lines.next().map(http::HeaderValue::to_str), lines.next()) else {
        return false;
    };
    let mut parts = said.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_utf8 = |parameter: &str| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    };
    let is_one_text = essence == "application/json"
        || essence.strip_prefix("application/").is_some_and(|sub| sub.ends_with("+json"));
    is_one_text && parts.all(is_utf8)
}

/// A name without its case, as the most forgiving of readers compare names.
pub(crate) fn folded(name: &str) -> String {
    name.to_uppercase().to_lowercase()
}
