//! Owns: a request as the bytes that go out. A client library would mend what an attacker writes: the case of
//! names, paths with dots, `Connection` lines.

/// A request without a body, by one of the methods that change nothing (RFC 9110 section 9.2.1).
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    target: String,
    host: Option<String>,
    connection: String,
    lines: Vec<(String, String)>,
}

/// What the doctor uses, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
    Options,
    Trace,
}

impl Method {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
        }
    }
}

impl Ask {
    /// A GET for `target`, which goes out as it is.
    pub(super) fn get(target: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            target: target.into(),
            host: None,
            connection: "close".to_owned(),
            lines: Vec::new(),
        }
    }

    pub(super) fn method(self, method: Method) -> Self {
        Self { method, ..self }
    }

    /// Another `Host` than that of the URL.
    pub(super) fn host(self, host: impl Into<String>) -> Self {
        Self { host: Some(host.into()), ..self }
    }

    /// The whole `Connection` line.
    pub(super) fn connection(self, value: impl Into<String>) -> Self {
        Self { connection: value.into(), ..self }
    }

    /// One more line, whether there is one of this name or not.
    pub(super) fn line(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.lines.push((name.into(), value.into()));
        self
    }

    /// As a browser that goes to a page.
    pub(super) fn navigating(self) -> Self {
        self.line("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
            .line("Sec-Fetch-Mode", "navigate")
            .line("Sec-Fetch-Dest", "document")
            .line("Sec-Fetch-Site", "none")
    }

    /// As a page's script.
    pub(super) fn scripted(self) -> Self {
        self.line("Accept", "application/json")
            .line("Sec-Fetch-Mode", "cors")
            .line("Sec-Fetch-Dest", "empty")
            .line("Sec-Fetch-Site", "same-origin")
    }

    /// The head as it is written, for a server whose `Host` is `authority`.
    pub(super) fn bytes(&self, authority: &str) -> Vec<u8> {
        let host = self.host.as_deref().unwrap_or(authority);
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method.as_str(), self.target);
        let own = [("Host", host), ("Connection", &self.connection)];
        let lines = self.lines.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.into_iter().chain(lines) {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_goes_out_to_the_letter() {
        let ask = Ask::get("//a/%2e%2e/b")
            .method(Method::Options)
            .line("x_USER-id", "1")
            .line("x_USER-id", "2")
            .connection("close, X-User-ID");
        let bytes = ask.bytes("app.test:8443");
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "OPTIONS //a/%2e%2e/b HTTP/1.1\r\nHost: app.test:8443\r\nConnection: close, X-User-ID\r\n\
             x_USER-id: 1\r\nx_USER-id: 2\r\n\r\n"
        );
    }
}
