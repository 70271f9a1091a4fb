//! Owns: cutting a compact serialisation into its parts (RFC 7515 section 3.1): length cap, exactly
//! three parts, canonical unpadded base64url. What it returns is not trusted by anybody.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::header::UnverifiedHeader;
use crate::jws::JwsError;

/// The longest token that is looked at, in bytes. Most servers cap a header line at this size.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// A token whose signature nobody has checked.
#[derive(Debug)]
pub(crate) struct Unverified<'a> {
    pub(crate) header: UnverifiedHeader,
    pub(crate) signing_input: &'a [u8],
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl<'a> Unverified<'a> {
    pub(crate) fn parse(compact: &'a str) -> Result<Self, JwsError> {
        if compact.len() > MAX_TOKEN_BYTES {
            return Err(JwsError::TooLarge);
        }
        match compact.bytes().filter(|byte| *byte == b'.').count() {
            2 => {}
            4 => return Err(JwsError::Encrypted),
            _ => return Err(JwsError::NotThreeParts),
        }
        let (signing_input, signature) = compact.rsplit_once('.').ok_or(JwsError::NotThreeParts)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::NotThreeParts)?;
        Ok(Self {
            header: UnverifiedHeader::parse(&decode(header)?)?,
            signing_input: signing_input.as_bytes(),
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }
}

/// The second part of a compact serialisation, decoded and believed by nobody.
pub(crate) fn payload(compact: &str) -> Result<Vec<u8>, JwsError> {
    if compact.len() > MAX_TOKEN_BYTES {
        return Err(JwsError::TooLarge);
    }
    decode(compact.split('.').nth(1).ok_or(JwsError::NotThreeParts)?)
}

fn decode(part: &str) -> Result<Vec<u8>, JwsError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::Base64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAX_TOKEN_BYTES, Unverified};
    use crate::jws::JwsError;

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
            assert_eq!(Unverified::parse(&token).unwrap_err(), expected, "{token}");
        }
        assert!(Unverified::parse(&format!("{HEADER}.e30.AA")).is_ok());
    }

    #[test]
    fn a_token_over_the_cap_is_refused_before_it_is_decoded() {
        let long = format!("{HEADER}.{}.AA", "A".repeat(MAX_TOKEN_BYTES));
        assert_eq!(Unverified::parse(&long).unwrap_err(), JwsError::TooLarge);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,200}") {
            drop(Unverified::parse(&text));
        }

        #[test]
        fn no_bytes_in_a_part_make_the_parser_panic(header: Vec<u8>, payload: Vec<u8>) {
            use base64::Engine as _;
            let encode = |bytes: &[u8]| super::URL_SAFE_NO_PAD.encode(bytes);
            drop(Unverified::parse(&format!("{}.{}.AA", encode(&header), encode(&payload))));
        }
    }
}
