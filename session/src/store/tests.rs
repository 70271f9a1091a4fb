use super::*;
use proptest::prelude::*;

#[test]
fn t10_index_names_never_collide() {
    assert_ne!(IndexKey::user("a", "b", "c"), IndexKey::user("ab", "", "c"));
    assert_ne!(IndexKey::user("a", "b", "c"), IndexKey::user("a", "bc", ""));
    assert_ne!(IndexKey::idp_session("", "a", "b"), IndexKey::user("a", "b", ""));
    assert_ne!(IndexKey::idp_session("", "a", "b"), IndexKey::subject("", "a", "b"));
}

type Fields = (u8, String, String, String);

/// Few and awkward characters, so that fields often are another's beginning or end.
fn fields() -> impl Strategy<Value = Fields> {
    let field = || "[ab:|\\x00]{0,3}";
    (0..3_u8, field(), field(), field())
}

fn named((kind, tenant, issuer, name): &Fields) -> IndexKey {
    match kind {
        0 => IndexKey::user(tenant, issuer, name),
        1 => IndexKey::idp_session(tenant, issuer, name),
        _ => IndexKey::subject(tenant, issuer, name),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]
    #[test]
    fn t10_lists_that_differ_in_any_field_have_different_names(one in fields(), other in fields()) {
        let (a, b) = (named(&one).to_string(), named(&other).to_string());
        prop_assert_eq!(one == other, a == b, "{:?} and {:?}", one, other);
    }
}

/// The names as every replica must spell them.
#[test]
fn golden_names_of_lists() {
    let user = IndexKey::user("t1", "https://idp.example", "alice").to_string();
    assert_eq!(user, "uid:lGg5gVABsaLESvo--_a-jg");
    let idp_session = IndexKey::idp_session("", "https://idp.example", "s1").to_string();
    assert_eq!(idp_session, "sid:p8s36vYngxbZPtkDEeTbFA");
    let subject = IndexKey::subject("", "https://idp.example", "s1").to_string();
    assert_eq!(subject, "sub:p8s36vYngxbZPtkDEeTbFA");
}

/// Redis keeps a key of 30 bytes in 32, and one of 31 in 48.
#[test]
fn names_of_lists_are_small_in_redis() {
    let (user, idp_session) = (IndexKey::user("t1", "i", "u"), IndexKey::idp_session("", "i", "s"));
    for name in [user, idp_session, IndexKey::subject("", "i", "s")] {
        assert!(format!("bff:{name}").len() <= 30, "{name}");
    }
}
