//! Owns: making something nearly right out of something right.

use crate::testkit::encode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// What breaks parsers: boundaries, escapes, numbers without end, members that occur twice.
const WORDS: [&[u8]; 44] = [
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"[[[[[[[[",
    b"{\"a\":{\"a\":{\"a\":",
    b"\"\"",
    b"\"\\u0000\"",
    b"\\ud800",
    b"\\",
    b"\"",
    b":",
    b",",
    b"-1",
    b"-0",
    b"0",
    b"1e309",
    b"1e-400",
    b"18446744073709551615",
    b"18446744073709551616",
    b"9223372036854775808",
    b"253402300800",
    b"1.7976931348623157e308",
    b"NaN",
    b"\xff",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\0",
    b".",
    b"..",
    b"=",
    b"==",
    b"+",
    b"/",
    b"%",
    b"%0",
    b"%zz",
    b"#",
    b"?",
    b" ",
    b"\r\n",
    b"\"exp\":",
    b"\"cnf\":{\"jkt\":",
];

/// A source of changes that is the same in every run.
pub(super) struct Mutator(u64);

impl Mutator {
    pub(super) fn new(seed: u64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15 ^ seed)
    }

    /// A changed `seed`. Tokens are changed as they stand, or behind their encoding.
    pub(super) fn mutate(&mut self, seed: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
        let parts: Vec<&[u8]> = seed.split(|byte| *byte == b'.').collect();
        if parts.len() == 3 && !seed.starts_with(b"{") && self.below(3) > 0 {
            let chosen = self.below(3);
            let mut whole = Vec::with_capacity(seed.len() + 64);
            for (place, part) in parts.iter().enumerate() {
                if place > 0 {
                    whole.push(b'.');
                }
                match URL_SAFE_NO_PAD.decode(part) {
                    Ok(decoded) if place == chosen => {
                        whole.extend(encode(&self.changed(&decoded, others)).bytes());
                    }
                    _ => whole.extend_from_slice(part),
                }
            }
            return whole;
        }
        self.changed(seed, others)
    }

    fn changed(&mut self, input: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
        let mut output = input.to_vec();
        for _ in 0..=self.below(3) {
            let (from, to) = self.span(output.len());
            match self.below(8) {
                0 if !output.is_empty() => {
                    let place = self.below(output.len());
                    output[place] ^= 1 << self.below(8);
                }
                1 if !output.is_empty() => {
                    let place = self.below(output.len());
                    output[place] = self.byte();
                }
                2 => drop(output.drain(from..to)),
                3 => {
                    let copied = output[from..to].to_vec();
                    let place = self.below(output.len() + 1);
                    output.splice(place..place, copied);
                }
                4 => {
                    let other = &others[self.below(others.len())];
                    let (begin, end) = self.span(other.len());
                    output.splice(from..to, other[begin..end].iter().copied());
                }
                5 => output.truncate(from),
                6 => {
                    let word = WORDS[self.below(WORDS.len())];
                    output.splice(from..from, word.iter().copied());
                }
                _ => {
                    let word = WORDS[self.below(WORDS.len())];
                    output.splice(from..to, word.iter().copied());
                }
            }
            // Repeated copies must not grow without end.
            output.truncate(20_000);
        }
        output
    }

    /// A short span that lies in `length`.
    fn span(&mut self, length: usize) -> (usize, usize) {
        let from = self.below(length + 1);
        let longest = (length - from).min(40);
        (from, from + self.below(longest + 1))
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 16).unwrap() % end
    }

    /// xorshift64*: quick, and nothing here has to be unforeseeable.
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}
