//! Target: the way back that a login is given.
//!
//! Oracle: a browser that follows it from any page of ours stays at a host that is listed, as the crate `url`
//! reads it, now and after a service decoded it; what was read once reads the same again, and never leads back
//! into the login.

use bff_core::return_to::ReturnTo;
use url::Url;

use crate::sites;

/// Reads it.
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let allowed = ["app.example.com".to_owned(), "dev.example.com:8443".to_owned()];
    let target = ReturnTo::parse(text, &allowed);
    let target = target.as_str();
    assert_eq!(ReturnTo::parse(target, &allowed).as_str(), target, "{text:?}");
    assert!(target.bytes().all(|byte| byte.is_ascii_graphic()), "{text:?} is {target:?}");

    let site = Url::parse("https://app.example.com/here/and?there#x").expect("a URL");
    let led = site.join(target).expect("a URL");
    match led.host_str() {
        Some("app.example.com") => assert_eq!(led.port(), None, "{text:?} is {target:?}"),
        Some("dev.example.com") => assert_eq!(led.port(), Some(8443), "{text:?} is {target:?}"),
        other => panic!("{text:?} leads to {other:?}"),
    }
    assert_eq!(led.scheme(), "https", "{text:?}");
    assert!(led.username().is_empty() && led.password().is_none(), "{text:?} is {target:?}");
    if target.starts_with('/') {
        sites::stays(target, &site, 2);
        let loops = ["/auth/", "/api/auth/"].iter().any(|own| led.path().starts_with(own));
        assert!(!loops && led.path() != "/auth", "{text:?} is {target:?}");
    }
}
