//! Owns: mutations of an input, the same in every run.

/// Makes inputs out of others.
#[derive(Debug)]
pub struct Mutator(u64);

/// What means something to some parser.
const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\0",
    b"\t",
    b" ",
    b"%",
    b"%2f",
    b"%2e%2e",
    b"%25",
    b"%00",
    b"..",
    b"//",
    b"\\",
    b";",
    b"=",
    b",",
    b"&",
    b"?",
    b"#",
    b"@",
    b":",
    b"\"",
    b"'",
    b"{",
    b"}",
    b"[",
    b"]",
    b"${",
    b"*",
    b"&a",
    b"- ",
    b"\xff",
    b"\xc3\xa9",
    b"\xef\xbb\xbf",
    b"null",
    b"true",
    b"0",
    b"-1",
    b"1e309",
    b"18446744073709551616",
    b".",
    b"eyJ",
    b"none",
];

impl Mutator {
    /// The sequence of this `seed`.
    pub const fn new(seed: u64) -> Self {
        // Zero is the one state that xorshift never leaves.
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// `input` with a few changes, of which some are parts of `other`.
    pub fn mutate(&mut self, input: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..=self.below(4) {
            self.change(&mut bytes, other);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(bytes.len() + 1);
        let end = at + self.below((bytes.len() - at).min(24) + 1);
        match self.below(8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            3 => {
                let bit = self.below(8);
                bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << bit);
            }
            4 => {
                let new = u8::try_from(self.below(256)).unwrap_or_default();
                bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = new);
            }
            5 => {
                let from = self.below(other.len() + 1);
                let to = from + self.below((other.len() - from).min(64) + 1);
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            _ => {
                let piece = PIECES[self.below(PIECES.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
        }
    }

    /// A number below `limit`, which is not zero.
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default() % limit
    }
}
