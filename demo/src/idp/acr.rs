//! Owns: the ways to authenticate that there are here, and what tokens call them (`acr` of `OpenID` Connect Core
//! section 2, `amr` of RFC 8176).

/// How somebody was authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acr {
    /// A password typed into the form.
    Password,
    /// A link that was sent by mail.
    Link,
}

impl Acr {
    /// All of them.
    pub(super) const ALL: [Self; 2] = [Self::Password, Self::Link];

    /// The first of `acr_values` that there is here; what is not known is not asked for.
    pub(super) fn asked(values: Option<&str>) -> Option<Self> {
        let mut values = values.unwrap_or_default().split(' ');
        values.find_map(|value| Self::ALL.into_iter().find(|acr| acr.as_str() == value))
    }

    /// `acr`.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "urn:wicketgate:acr:password",
            Self::Link => "urn:wicketgate:acr:link",
        }
    }

    /// `amr`.
    pub(super) const fn amr(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::Link => "otp",
        }
    }
}
