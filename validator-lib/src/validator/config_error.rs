//! Owns: the mistakes that can be made in the settings of a validator.

/// A mistake in the settings of a validator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The issuer is empty.
    #[error("the issuer is empty")]
    Issuer,
    /// An audience is empty.
    #[error("an audience is empty")]
    Audience,
    /// No algorithm is allowed.
    #[error("no signature algorithm is allowed")]
    Algorithms,
    /// The leeway is longer than five minutes.
    #[error("the leeway is longer than five minutes")]
    Leeway,
    /// Nobody said where the keys of an issuer are.
    #[error("an issuer has no keys")]
    NoKeys,
    /// The origin is not `https://host[:port]` or `http://host[:port]`.
    #[error("the origin is not a scheme, a host and perhaps a port")]
    Origin,
    /// The path prefix is not `/one/or/more` plain segments.
    #[error("the path prefix is not a path without a slash at its end")]
    PathPrefix,
    /// DPoP is required, or something of it is set up, but the service does not know its own origin.
    #[error("DPoP cannot be set up without the origin of the service")]
    DpopWithoutOrigin,
    /// Certificates are required, but nobody said where they are seen.
    #[error("certificates cannot be required without a source of them")]
    MtlsWithoutSource,
    /// The name of the header that carries certificates is none.
    #[error("the header that carries certificates is not the name of a header")]
    CertificateHeader,
    /// The crate was built without `http`, so a clock has to be given.
    #[error("no clock was given")]
    NoClock,
}
