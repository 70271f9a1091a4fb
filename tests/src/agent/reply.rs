//! What came back.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, Version};
use url::Url;

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Where it came from.
    pub url: Url,
    /// Status code.
    pub status: StatusCode,
    /// Protocol version.
    pub version: Version,
    /// Header fields.
    pub headers: HeaderMap,
    /// Content.
    pub body: Bytes,
    /// From the first byte sent to the last byte received.
    pub elapsed: Duration,
}

impl Reply {
    /// The content as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The content as JSON.
    ///
    /// # Panics
    /// When it is not.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{} {}: {error}: {}", self.url, self.status, self.text())
        })
    }

    /// A header field as text; empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The target of a redirect.
    ///
    /// # Panics
    /// When there is none.
    pub fn location(&self) -> Url {
        let location = self.header("location");
        assert!(!location.is_empty(), "{} {}: no Location: {}", self.url, self.status, self.text());
        self.url.join(location).expect("a Location that can be followed")
    }

    /// The stable code of a problem document; empty for anything else.
    pub fn problem(&self) -> String {
        if self.header("content-type").starts_with("application/problem+json") {
            self.json()["code"].as_str().unwrap_or_default().to_owned()
        } else {
            String::new()
        }
    }
}
