//! Owns: an answer, read by `httparse`. As much of it as there is, once its head is whole.

use http::{HeaderMap, HeaderName, HeaderValue};
use httparse::Status;

use super::ask::Method;

const LINES_MAX: usize = 128;

/// What came back.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Bytes that are no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoAnswer;

impl Answer {
    /// What `received` is an answer to a request by `method`; `None` while its head is not whole.
    ///
    /// # Errors
    /// [`NoAnswer`]: what came is not HTTP/1.
    pub(super) fn read(received: &[u8], method: Method) -> Result<Option<Self>, NoAnswer> {
        let mut rest = received;
        loop {
            let mut room = [httparse::EMPTY_HEADER; LINES_MAX];
            let mut head = httparse::Response::new(&mut room);
            let Status::Complete(length) = head.parse(rest).map_err(|_| NoAnswer)? else {
                return Ok(None);
            };
            let status = head.code.ok_or(NoAnswer)?;
            let body = rest.get(length..).unwrap_or_default();
            // 100 and 103 announce the answer; 101 is one.
            if (100..200).contains(&status) && status != 101 {
                rest = body;
                continue;
            }
            let lines = head.headers.iter().filter_map(|line| {
                let name = HeaderName::from_bytes(line.name.as_bytes()).ok()?;
                Some((name, HeaderValue::from_bytes(line.value).ok()?))
            });
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(name, value);
            }
            let mut answer = Self { status, headers, body: Vec::new() };
            answer.body = match method {
                Method::Head => Vec::new(),
                _ if answer.is_chunked() => without_chunks(body),
                _ => body.to_vec(),
            };
            return Ok(Some(answer));
        }
    }

    /// Whether no more belongs to it, as far as the head tells.
    pub(super) fn is_whole(&self, method: Method) -> bool {
        let length = self.text("content-length").parse::<usize>();
        method == Method::Head
            || matches!(self.status, 101 | 204 | 304)
            || length.is_ok_and(|length| self.body.len() >= length)
    }

    /// The first value of a header, as text; empty without one.
    pub(super) fn text(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// All values of a header.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let values = self.headers.get_all(name).iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }

    /// Whether the body holds `text`, whatever the case of letters.
    pub(super) fn holds(&self, text: &str) -> bool {
        let body = String::from_utf8_lossy(&self.body).to_ascii_lowercase();
        body.contains(&text.to_ascii_lowercase())
    }

    pub(super) const fn is_success(&self) -> bool {
        matches!(self.status, 200..300)
    }

    pub(super) const fn is_redirect(&self) -> bool {
        matches!(self.status, 301 | 302 | 303 | 307 | 308)
    }

    fn is_chunked(&self) -> bool {
        self.text("transfer-encoding").to_ascii_lowercase().contains("chunked")
    }
}

/// The chunks that are whole (RFC 9112 section 7.1).
fn without_chunks(body: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    let mut rest = body;
    while let Ok(Status::Complete((head, size))) = httparse::parse_chunk_size(rest) {
        let Ok(size) = usize::try_from(size) else { break };
        let chunk = rest.get(head..).and_then(|from| from.get(..size));
        let Some(chunk) = chunk.filter(|chunk| !chunk.is_empty()) else { break };
        content.extend_from_slice(chunk);
        // Behind a chunk stands a line break.
        rest = head.checked_add(size + 2).and_then(|next| rest.get(next..)).unwrap_or_default();
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<Answer> {
        Answer::read(text.as_bytes(), Method::Get).unwrap()
    }

    #[test]
    fn an_answer_is_read_with_all_its_lines() {
        let answer = read(
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 401 Unauthorized\r\nSet-Cookie: a=1\r\n\
             Set-Cookie: b=2\r\nContent-Length: 2\r\n\r\n{}",
        )
        .unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (401, &b"{}"[..]));
        assert_eq!(answer.all("set-cookie"), ["a=1", "b=2"]);
        assert!(answer.is_whole(Method::Get));
        assert!(read("HTTP/1.1 200 OK\r\nContent-Le").is_none());
        assert_eq!(Answer::read(b"SSH-2.0-x\r\n\r\n", Method::Get).unwrap_err(), NoAnswer);
    }

    #[test]
    fn chunks_are_put_together_and_a_cut_one_is_left_out() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        for (body, content) in [
            ("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", "abcde"),
            ("3\r\nabc\r\n9\r\nde", "abc"),
            ("ffffffffffffffff\r\nab", ""),
        ] {
            assert_eq!(read(&format!("{head}{body}")).unwrap().body, content.as_bytes(), "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(Answer::read(&bytes, Method::Get));
            let mut chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            chunked.extend(bytes);
            prop_assert!(Answer::read(&chunked, Method::Get).unwrap().is_some());
        }
    }
}
