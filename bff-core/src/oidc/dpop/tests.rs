use super::super::mock::open_proof;
use super::*;

fn proof<'a>(url: &'a Url, access_token: Option<&'a str>) -> Proof<'a> {
    Proof { method: &Method::GET, url, nonce: None, access_token, iat: 1, jti: "jti" }
}

#[test]
fn c26_htu_is_scheme_authority_and_path() {
    let key = DpopKey::generate().unwrap();
    for (url, htu) in [
        ("https://rs.example/a/b?c=d#e", "https://rs.example/a/b"),
        ("https://rs.example:443/a", "https://rs.example/a"),
        ("https://rs.example:8443/a/", "https://rs.example:8443/a/"),
        ("https://RS.example", "https://rs.example/"),
        ("https://rs.example/a%2Fb", "https://rs.example/a%2Fb"),
    ] {
        let url = Url::parse(url).unwrap();
        let (_, claims) = open_proof(&key.proof(&proof(&url, None)).unwrap());
        assert_eq!(claims["htu"], htu);
    }
}

#[test]
fn c26_ath_is_the_hash_of_the_access_token_as_rfc_9449_prints_it() {
    let key = DpopKey::generate().unwrap();
    let url = Url::parse("https://resource.example.org/protectedresource").unwrap();
    let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
    let (_, claims) = open_proof(&key.proof(&proof(&url, Some(token))).unwrap());
    assert_eq!(claims["ath"], "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
}

#[test]
fn a_stored_key_is_the_same_key() {
    let key = DpopKey::generate().unwrap();
    let again = DpopKey::from_bytes(key.to_bytes()).unwrap();
    assert_eq!(again.thumbprint(), key.thumbprint());
    assert_ne!(DpopKey::generate().unwrap().thumbprint(), key.thumbprint());
    assert!(DpopKey::from_bytes(b"no key").is_err());
}
