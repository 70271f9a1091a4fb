//! Owns: an open stream of `/api/auth/events`, read event by event.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::HeaderMap;
use http_body_util::BodyExt as _;
use serde_json::Value;

use super::Browser;
use crate::app::App;

/// A stream as a browser reads it.
pub(crate) struct Events {
    pub(crate) headers: HeaderMap,
    body: Body,
    read: String,
}

impl Events {
    pub(crate) async fn open(browser: &Browser, app: &Arc<App>) -> Self {
        let response = browser.get("/api/auth/events").by_our_page().response(app).await;
        let (head, body) = response.into_parts();
        assert_eq!(head.status, 200);
        Self { headers: head.headers, body, read: String::new() }
    }

    /// The next event and its data; a comment is an event without name. `None` at the end.
    ///
    /// The limit is of time as the runtime counts it, longer than anything that is waited for.
    pub(crate) async fn any(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.read = rest;
                return Some(parse(&event));
            }
            let limit = Duration::from_secs(24 * 3600);
            let frame = tokio::time::timeout(limit, self.body.frame()).await.unwrap()?;
            let data = frame.unwrap().into_data().unwrap();
            self.read.push_str(std::str::from_utf8(&data).unwrap());
        }
    }

    /// The next event that is no comment.
    pub(crate) async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            let (name, data) = self.any().await?;
            if !name.is_empty() {
                return Some((name, data));
            }
        }
    }

    /// [`Self::expect`], before a stream would look by itself.
    pub(crate) async fn expect_at_once(&mut self, name: &str) -> Value {
        let told = tokio::time::timeout(Duration::from_secs(10), self.expect(name)).await;
        told.unwrap_or_else(|_| panic!("{name} was not told at once"))
    }

    /// The next event that is no comment, which must be called `name`.
    pub(crate) async fn expect(&mut self, name: &str) -> Value {
        let (told, data) = self.next().await.unwrap_or_else(|| panic!("the end, not {name}"));
        assert_eq!(told, name, "{data}");
        data
    }
}

fn parse(event: &str) -> (String, Value) {
    let field = |name: &str| {
        let mut lines = event.lines();
        lines.find_map(|line| Some(line.strip_prefix(name)?.trim_start().to_owned()))
    };
    let data = field("data:").map_or(Value::Null, |data| serde_json::from_str(&data).unwrap());
    (field("event:").unwrap_or_default(), data)
}
