//! Owns: cutting a compact serialisation into its parts (RFC 7515 section 3.1): length cap, exactly
//! three parts, canonical unpadded base64url. What it returns is not trusted by anybody.

use base64_simd::URL_SAFE_NO_PAD;

use crate::header::UnverifiedHeader;
use crate::jws::JwsError;

/// The longest token that is looked at, in bytes. Most servers cap a header line at this size.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The three parts of a compact serialisation, still encoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) header: &'a str,
    payload: &'a str,
    signature: &'a str,
    pub(crate) signing_input: &'a [u8],
}

impl<'a> Parts<'a> {
    pub(crate) fn cut(compact: &'a str) -> Result<Self, JwsError> {
        if compact.len() > MAX_TOKEN_BYTES {
            return Err(JwsError::TooLarge);
        }
        let mut dots = memchr::memchr_iter(b'.', compact.as_bytes());
        let (Some(first), Some(second)) = (dots.next(), dots.next()) else {
            return Err(JwsError::NotThreeParts);
        };
        match dots.count() {
            0 => {}
            2 => return Err(JwsError::Encrypted),
            _ => return Err(JwsError::NotThreeParts),
        }
        let cut = || {
            let (signing_input, signature) = compact.split_at_checked(second)?;
            let (header, payload) = signing_input.split_at_checked(first)?;
            Some(Self {
                header,
                payload: payload.strip_prefix('.')?,
                signature: signature.strip_prefix('.')?,
                signing_input: signing_input.as_bytes(),
            })
        };
        cut().ok_or(JwsError::NotThreeParts)
    }

    pub(crate) fn unverified_header(&self) -> Result<UnverifiedHeader, JwsError> {
        UnverifiedHeader::parse(&decode(self.header)?)
    }

    /// The payload, which nobody has checked, and the signature.
    pub(crate) fn decode(&self) -> Result<(Vec<u8>, Vec<u8>), JwsError> {
        Ok((decode(self.payload)?, decode(self.signature)?))
    }
}

/// The second part of a compact serialisation, decoded and believed by nobody.
pub(crate) fn payload(compact: &str) -> Result<Vec<u8>, JwsError> {
    if compact.len() > MAX_TOKEN_BYTES {
        return Err(JwsError::TooLarge);
    }
    decode(compact.split('.').nth(1).ok_or(JwsError::NotThreeParts)?)
}

/// Decoding with the general crate took as long as everything else that is done beside the signature.
fn decode(part: &str) -> Result<Vec<u8>, JwsError> {
    URL_SAFE_NO_PAD.decode_to_vec(part).map_err(|_| JwsError::Base64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAX_TOKEN_BYTES, Parts};
    use crate::jws::JwsError;

    fn parse(compact: &str) -> Result<(Vec<u8>, Vec<u8>), JwsError> {
        let parts = Parts::cut(compact)?;
        parts.unverified_header()?;
        parts.decode()
    }

    const HEADER: &str = "eyJhbGciOiJFUzI1NiJ9";

    #[test]
    fn t12_only_three_parts_of_canonical_base64url_are_read() {
        let cases = [
            (String::new(), JwsError::NotThreeParts),
            (HEADER.to_owned(), JwsError::NotThreeParts),
            (format!("{HEADER}.e30"), JwsError::NotThreeParts),
            (format!("{HEADER}.e30.AA.AA"), JwsError::NotThreeParts),
            (format!("{HEADER}.e30.AA.AA.AA"), JwsError::Encrypted),
            (format!("{HEADER}.e30=.AA"), JwsError::Base64),
            (format!("{HEADER}.e31.AA"), JwsError::Base64),
            (format!("{HEADER}.e 30.AA"), JwsError::Base64),
            (format!("{HEADER}.e30.A+"), JwsError::Base64),
            (format!("{HEADER}.e30.A/"), JwsError::Base64),
            (format!("{HEADER}.e30.AA\n"), JwsError::Base64),
            (format!(" {HEADER}.e30.AA"), JwsError::Base64),
            (format!(".{HEADER}.e30"), JwsError::Header),
        ];
        for (token, expected) in cases {
            assert_eq!(parse(&token).unwrap_err(), expected, "{token}");
        }
        assert!(parse(&format!("{HEADER}.e30.AA")).is_ok());
    }

    #[test]
    fn a_token_over_the_cap_is_refused_before_it_is_decoded() {
        let long = format!("{HEADER}.{}.AA", "A".repeat(MAX_TOKEN_BYTES));
        assert_eq!(parse(&long).unwrap_err(), JwsError::TooLarge);
    }

    proptest! {
        /// The second implementation is known for being strict: no padding, no other alphabet, no spaces,
        /// no bits that stand for nothing.
        #[test]
        fn t12_decoding_agrees_with_a_second_implementation(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            place in 0_usize..300,
            other: u8,
        ) {
            use base64::Engine as _;
            let second = base64::engine::general_purpose::URL_SAFE_NO_PAD;
            let mut text = second.encode(&bytes).into_bytes();
            prop_assert_eq!(super::decode(std::str::from_utf8(&text).unwrap()), Ok(bytes));
            if let Some(byte) = text.get_mut(place) {
                *byte = other;
            } else {
                text.push(other);
            }
            if let Ok(text) = std::str::from_utf8(&text) {
                prop_assert_eq!(super::decode(text).ok(), second.decode(text).ok(), "{}", text);
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,200}") {
            drop(parse(&text));
        }

        #[test]
        fn no_bytes_in_a_part_make_the_parser_panic(header: Vec<u8>, payload: Vec<u8>) {
            let encode = |bytes: &[u8]| super::URL_SAFE_NO_PAD.encode_to_string(bytes);
            drop(parse(&format!("{}.{}.AA", encode(&header), encode(&payload))));
        }
    }
}
