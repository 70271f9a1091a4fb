//! A request, before and while it is sent.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body_util::{BodyExt as _, Full};
use tokio::time::{Instant, timeout};
use url::Url;

use super::{Agent, Reply};
use crate::stream::Stream;

/// A request that is being built.
#[derive(Debug)]
pub struct Call<'a> {
    pub(super) agent: &'a Agent,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) limit: Duration,
}

impl Call<'_> {
    /// Sets a header field, in place of what was there.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("a field name");
        self.headers.insert(name, value.parse().expect("a field value"));
        self
    }

    /// Adds a header line to those of the same name.
    #[must_use]
    pub fn add(mut self, name: &str, value: &[u8]) -> Self {
        let name: HeaderName = name.parse().expect("a field name");
        self.headers.append(name, HeaderValue::from_bytes(value).expect("a field value"));
        self
    }

    /// Leaves a header field out.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// Sends JSON.
    #[must_use]
    pub fn json(mut self, value: &serde_json::Value) -> Self {
        self.body = value.to_string().into();
        self.header("content-type", "application/json")
    }

    /// Sends a form.
    #[must_use]
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        self.body = form.extend_pairs(fields).finish().into();
        self.header("content-type", "application/x-www-form-urlencoded")
    }

    /// Waits longer for an answer, because the request takes long.
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.limit = Duration::from_mins(5);
        self
    }

    /// Waits no longer than this for an answer.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sends bytes.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the request and reads the answer.
    ///
    /// # Panics
    /// When there is none.
    pub async fn send(self) -> Reply {
        let (method, url) = (self.method.clone(), self.url.clone());
        self.try_send().await.unwrap_or_else(|error| panic!("{method} {url}: {error}"))
    }

    /// Sends the request and returns its answer as soon as it begins.
    ///
    /// # Panics
    /// When there is none.
    pub async fn open(self) -> Stream {
        let mut request = Request::builder().method(self.method).uri(self.url.as_str());
        *request.headers_mut().expect("nothing wrong so far") = self.headers;
        let request = request.body(Full::new(self.body)).expect("a request");
        let response = timeout(self.limit, self.agent.client.request(request)).await;
        Stream::new(response.expect("an answer in time").expect("an answer"))
    }

    /// Sends the request and reads the answer.
    ///
    /// # Errors
    /// When no answer came, in words.
    pub async fn try_send(self) -> Result<Reply, String> {
        let mut request = Request::builder().method(self.method).uri(self.url.as_str());
        *request.headers_mut().expect("nothing wrong so far") = self.headers;
        let request = request.body(Full::new(self.body)).map_err(|error| error.to_string())?;
        let begin = Instant::now();
        let exchange = async {
            let response =
                self.agent.client.request(request).await.map_err(|error| format!("{error:?}"))?;
            let (head, body) = response.into_parts();
            let body = body.collect().await.map_err(|error| format!("{error:?}"))?.to_bytes();
            Ok::<_, String>((head, body))
        };
        let (head, body) = timeout(self.limit, exchange)
            .await
            .map_err(|_| format!("no answer in {:?}", self.limit))??;
        self.agent.lock().store(&self.url, &head.headers);
        Ok(Reply {
            url: self.url,
            status: head.status,
            version: head.version,
            headers: head.headers,
            body,
            elapsed: begin.elapsed(),
        })
    }
}
