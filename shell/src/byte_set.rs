//! Owns: sets of bytes that one look-up answers for, for checks on the way of every request.

/// A set of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteSet([bool; 256]);

impl ByteSet {
    /// The bytes for which `is_in` holds. To be made once.
    pub fn of(is_in: impl Fn(u8) -> bool) -> Self {
        let mut set = [false; 256];
        for (byte, place) in (0..=u8::MAX).zip(set.iter_mut()) {
            *place = is_in(byte);
        }
        Self(set)
    }

    /// Whether all of `bytes` are in it. Looks at all of them: nearly always all are, and to ask after
    /// each whether to go on costs as much as the look-up.
    pub fn holds_all(&self, bytes: &[u8]) -> bool {
        let holds = |byte: &u8| self.0.get(usize::from(*byte)).copied().unwrap_or_default();
        let hold = |bytes: &[u8]| bytes.iter().fold(true, |all, byte| all & holds(byte));
        // Of a known length, which is no loop any more.
        let (eights, rest) = bytes.as_chunks::<8>();
        eights.iter().fold(hold(rest), |all, eight| all & hold(eight))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_it_was_made_of() {
        let set = ByteSet::of(|byte| byte.is_ascii_digit() || byte == 0xff);
        assert!(set.holds_all(b"") && set.holds_all(b"0189\xff"));
        assert!(!set.holds_all(b"01a") && !set.holds_all(b"\0"));
    }
}
