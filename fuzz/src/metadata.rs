//! Target: a discovery document.
//!
//! Oracle: what is taken is this issuer's, to the letter and once; no address of it carries a secret in the
//! clear off the machine, or names a user.

use url::{Host, Url};

use crate::logout_token::CONFIG;
use crate::members::Members;
use crate::signed::ISSUER;

/// Reads it.
pub(crate) fn run(data: &[u8]) {
    let Ok(addresses) = bff_core::fuzzing::metadata(data, &CONFIG) else { return };
    let Some(said) = Members::of(data) else { return };
    assert_eq!(said.text("issuer"), Some(ISSUER));
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        assert!(said.text(name).is_some(), "{name}: {said:?}");
    }
    for address in addresses {
        assert!(address.scheme() == "https" || is_here(&address), "{address}");
        assert!(address.username().is_empty() && address.password().is_none(), "{address}");
        assert!(address.fragment().is_none() && address.has_host(), "{address}");
    }
}

fn is_here(address: &Url) -> bool {
    address.scheme() == "http"
        && match address.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(ip)) => ip.octets()[0] == 127,
            Some(Host::Ipv6(ip)) => ip.segments() == [0, 0, 0, 0, 0, 0, 0, 1],
            None => false,
        }
}
