use super::basic;

#[test]
fn basic_credentials_are_form_encoded_before_they_are_joined() {
    use base64::Engine;
    let header = basic("client:1", "p\u{e4}ss w%rd:+/&=").unwrap();
    assert!(header.is_sensitive());
    let pair = header.to_str().unwrap().strip_prefix("Basic ").unwrap().to_owned();
    let pair = base64::engine::general_purpose::STANDARD.decode(pair).unwrap();
    assert_eq!(String::from_utf8(pair).unwrap(), "client%3A1:p%C3%A4ss+w%25rd%3A%2B%2F%26%3D");
}
