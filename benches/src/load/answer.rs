//! Owns: where an answer ends. Answers of one server have mostly the same length, so the last one is
//! tried first, and its headers are not looked for again.

use anyhow::Context as _;

const ROOM: usize = 16 * 1024;

/// Answers on one connection, one at a time.
#[derive(Debug)]
pub(super) struct Answers {
    buffer: Vec<u8>,
    filled: usize,
    /// Length of the head, and of the whole, of the last answer.
    last: (usize, usize),
}

impl Default for Answers {
    fn default() -> Self {
        Self { buffer: vec![0; ROOM], filled: 0, last: (0, 0) }
    }
}

impl Answers {
    /// Where to read to.
    pub(super) fn room(&mut self) -> anyhow::Result<&mut [u8]> {
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        anyhow::ensure!(!room.is_empty(), "an answer of more than {ROOM} bytes");
        Ok(room)
    }

    /// `read` bytes came. The status, once the answer is whole.
    pub(super) fn filled(&mut self, read: usize) -> anyhow::Result<Option<u16>> {
        self.filled += read;
        let bytes = self.buffer.get(..self.filled).unwrap_or_default();
        let (head, whole) = self.last;
        let known = bytes.len() == whole
            && bytes.get(..head).is_some_and(|head| head.ends_with(b"\r\n\r\n"));
        if !known {
            let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
            let head = bytes.get(..end + 4).unwrap_or_default();
            self.last = (head.len(), head.len() + content_length(head)?);
            if bytes.len() < self.last.1 {
                return Ok(None);
            }
            anyhow::ensure!(bytes.len() == self.last.1, "more than one answer");
        }
        self.filled = 0;
        let digits = bytes.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
        digits.and_then(|digits| digits.parse().ok()).context("no status").map(Some)
    }
}

fn content_length(head: &[u8]) -> anyhow::Result<usize> {
    let head = std::str::from_utf8(head).context("a head that is not text")?;
    let fields = || head.lines().filter_map(|line| line.split_once(':'));
    let field = |wanted: &str| {
        fields().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    anyhow::ensure!(field("transfer-encoding").is_none(), "an answer in chunks");
    field("content-length").map_or(Ok(0), |value| value.parse().context("content-length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(answers: &mut Answers, bytes: &[u8]) -> Option<u16> {
        answers.room().unwrap()[..bytes.len()].copy_from_slice(bytes);
        answers.filled(bytes.len()).unwrap()
    }

    #[test]
    fn an_answer_ends_with_its_body() {
        let mut answers = Answers::default();
        assert_eq!(feed(&mut answers, b"HTTP/1.1 401 No\r\nContent-Length: 4\r\n"), None);
        assert_eq!(feed(&mut answers, b"\r\nab"), None);
        assert_eq!(feed(&mut answers, b"cd"), Some(401));
        assert_eq!(feed(&mut answers, b"HTTP/1.1 200 OK\r\n\r\n"), Some(200));
        assert_eq!(feed(&mut answers, b"HTTP/1.1 503 No\r\n\r\n"), Some(503));
    }

    #[test]
    fn an_answer_of_the_last_ones_length_is_not_believed_blindly() {
        let mut answers = Answers::default();
        assert_eq!(feed(&mut answers, b"HTTP/1.1 200 OK\r\n\r\n"), Some(200));
        assert_eq!(feed(&mut answers, b"HTTP/1.1 200 OK\r\nA:"), None);
        assert_eq!(feed(&mut answers, b"1\r\n\r\n"), Some(200));
    }
}
