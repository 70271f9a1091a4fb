//! Owns: knowing where a frame ends (RFC 6455 section 5.2), so that one of ours can follow it, and the
//! frame that says why a socket closes (section 5.5.1). Contents are looked at by nobody.

/// Follows the frames of one direction.
#[derive(Debug, Default)]
pub(super) struct Frames(Next);

#[derive(Debug, Clone, Copy, Default)]
enum Next {
    #[default]
    First,
    Length,
    Extended {
        bytes: u8,
        length: u64,
        masked: bool,
    },
    Mask {
        bytes: u8,
        length: u64,
    },
    Payload {
        left: u64,
    },
}

impl Frames {
    /// Takes note of bytes that were passed on.
    pub(super) fn note(&mut self, mut passed: &[u8]) {
        while let Some((byte, rest)) = passed.split_first() {
            if let Next::Payload { left } = self.0 {
                let here = usize::try_from(left).unwrap_or(usize::MAX).min(passed.len());
                let left = left.saturating_sub(u64::try_from(here).unwrap_or(u64::MAX));
                self.0 = payload(left);
                passed = passed.get(here..).unwrap_or_default();
            } else {
                self.0 = self.0.after(*byte);
                passed = rest;
            }
        }
    }

    /// Whether the last frame is complete.
    pub(super) const fn is_between(&self) -> bool {
        matches!(self.0, Next::First)
    }
}

impl Next {
    /// What follows a byte of a frame's header.
    fn after(self, byte: u8) -> Self {
        match self {
            Self::First => Self::Length,
            Self::Length => {
                let masked = byte & 0x80 != 0;
                match byte & 0x7f {
                    126 => Self::Extended { bytes: 2, length: 0, masked },
                    127 => Self::Extended { bytes: 8, length: 0, masked },
                    length => unmasked(u64::from(length), masked),
                }
            }
            Self::Extended { bytes, length, masked } => {
                let length = length << 8 | u64::from(byte);
                match bytes.saturating_sub(1) {
                    0 => unmasked(length, masked),
                    bytes => Self::Extended { bytes, length, masked },
                }
            }
            Self::Mask { bytes, length } => match bytes.saturating_sub(1) {
                0 => payload(length),
                bytes => Self::Mask { bytes, length },
            },
            Self::Payload { left } => payload(left.saturating_sub(1)),
        }
    }
}

const fn unmasked(length: u64, masked: bool) -> Next {
    if masked { Next::Mask { bytes: 4, length } } else { payload(length) }
}

const fn payload(left: u64) -> Next {
    if left == 0 { Next::First } else { Next::Payload { left } }
}

/// A close frame from a server. `reason` is cut where a control frame could not hold it.
pub(super) fn close(code: u16, reason: &str) -> Vec<u8> {
    const MOST: usize = 123;
    let reason = reason.as_bytes().iter().take(MOST);
    let length = u8::try_from(reason.len()).unwrap_or_default().saturating_add(2);
    let mut frame = vec![0x88, length];
    frame.extend(code.to_be_bytes());
    frame.extend(reason);
    frame
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(length: usize, masked: bool) -> Vec<u8> {
        let mask = if masked { 0x80 } else { 0 };
        let mut frame = vec![0x82];
        match length {
            0..126 => frame.push(mask | u8::try_from(length).unwrap()),
            126..65_536 => {
                frame.push(mask | 0x7e);
                frame.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                frame.push(mask | 0x7f);
                frame.extend(u64::try_from(length).unwrap().to_be_bytes());
            }
        }
        frame.extend(vec![0; if masked { 4 } else { 0 }]);
        frame.extend(vec![0xff; length]);
        frame
    }

    proptest! {
        #[test]
        fn frames_end_where_they_end_however_they_are_cut(
            lengths in prop::collection::vec((prop_oneof![0_usize..130, 65_500_usize..65_600], any::<bool>()), 1..4),
            pieces in prop::collection::vec(1_usize..70_000, 1..40),
        ) {
            let mut all = Vec::new();
            let mut ends = vec![0];
            for (length, masked) in lengths {
                all.extend(frame(length, masked));
                ends.push(all.len());
            }
            let (mut frames, mut place) = (Frames::default(), 0);
            for piece in pieces {
                let next = (place + piece).min(all.len());
                frames.note(&all[place..next]);
                place = next;
                prop_assert_eq!(frames.is_between(), ends.contains(&place));
            }
        }
    }

    #[test]
    fn a_close_frame_says_why_and_fits() {
        assert_eq!(close(1008, "over"), *b"\x88\x06\x03\xf0over");
        assert_eq!(close(1001, &"x".repeat(500)).len(), 127);
    }
}
