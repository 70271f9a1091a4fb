//! Owns: the closed list of signature algorithms. Asymmetric only: `none` and the HMAC family have no
//! variant, so no configuration can let them in (RFC 8725 sections 3.1 and 3.2, RFC 7518 section 3,
//! RFC 8037 section 3.1).

use std::fmt;

/// A JWS signature algorithm this crate can verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// RSASSA-PSS with SHA-384.
    PS384,
    /// RSASSA-PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// ECDSA on P-521 with SHA-512. Only with the feature `josekit`.
    #[cfg(feature = "josekit")]
    ES512,
    /// Ed25519.
    EdDSA,
}

impl Algorithm {
    /// Every algorithm, with the one each key type uses most at the head of its family.
    pub const ALL: &'static [Self] = &[
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        #[cfg(feature = "josekit")]
        Self::ES512,
        Self::EdDSA,
    ];

    /// The name in the `alg` header. Names are case-sensitive (RFC 7515 section 4.1.1).
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            #[cfg(feature = "josekit")]
            Self::ES512 => "ES512",
            Self::EdDSA => "EdDSA",
        }
    }

    /// The algorithm of that exact name, if it is one of ours. `Ed25519` is what `EdDSA` with the one
    /// curve that is known here is called since RFC 9864.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDSA);
        }
        Self::ALL.iter().copied().find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Algorithm;

    #[test]
    fn names_round_trip() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(*algorithm));
        }
        assert_eq!(Algorithm::from_name("Ed25519"), Some(Algorithm::EdDSA));
    }

    #[test]
    fn t12_none_and_hmac_have_no_variant_in_any_spelling() {
        for name in [
            "none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "rs256", "", "ES521",
            "Ed448", "ed25519",
        ] {
            assert_eq!(Algorithm::from_name(name), None, "{name}");
        }
    }
}
