use super::LocalDenylist;
use crate::revocation::{Denylist as _, TokenName, Verdict};
use crate::testkit::NOW;

const ALICE: TokenName<'_> =
    TokenName { issuer: "i", id: Some("t"), subject: "alice", issued_at: Some(NOW) };

fn verdict(list: &LocalDenylist, token: TokenName<'_>) -> Verdict {
    list.verdict(&token, NOW)
}

#[test]
fn t15_a_token_is_denied_by_issuer_and_id_until_it_expires() {
    let list = LocalDenylist::default();
    assert_eq!(verdict(&list, ALICE), Verdict::Clear);
    list.deny_token("i", "t", NOW + 10, NOW);
    assert_eq!(verdict(&list, ALICE), Verdict::Denied);
    assert_eq!(verdict(&list, TokenName { issuer: "j", ..ALICE }), Verdict::Clear);
    assert_eq!(verdict(&list, TokenName { id: Some("u"), ..ALICE }), Verdict::Clear);
    assert_eq!(verdict(&list, TokenName { id: None, ..ALICE }), Verdict::Clear);
    assert_eq!(list.verdict(&ALICE, NOW + 10), Verdict::Clear);
    // A shorter word does not take a longer one back.
    list.deny_token("i", "t", NOW + 5, NOW);
    assert_eq!(list.verdict(&ALICE, NOW + 9), Verdict::Denied);
    assert_eq!(list.len(), 1);
}

#[test]
fn t15_a_user_is_denied_what_was_issued_before() {
    let list = LocalDenylist::default();
    list.deny_user("i", "alice", NOW, NOW + 60, NOW);
    assert_eq!(verdict(&list, ALICE), Verdict::Denied);
    assert_eq!(verdict(&list, TokenName { issued_at: None, ..ALICE }), Verdict::Denied);
    assert_eq!(verdict(&list, TokenName { issued_at: Some(NOW + 1), ..ALICE }), Verdict::Clear);
    assert_eq!(verdict(&list, TokenName { subject: "bob", ..ALICE }), Verdict::Clear);
    assert_eq!(list.verdict(&ALICE, NOW + 60), Verdict::Clear);
    list.deny_user("i", "alice", NOW - 9, NOW + 10, NOW);
    assert_eq!(list.verdict(&ALICE, NOW + 59), Verdict::Denied);
}

#[test]
fn a_full_list_does_not_vouch_for_anybody() {
    let list = LocalDenylist::new(2);
    list.deny_token("i", "a", NOW + 10, NOW);
    list.deny_token("i", "b", NOW + 20, NOW);
    assert_eq!(verdict(&list, ALICE), Verdict::Clear);
    list.deny_token("i", "t", NOW + 30, NOW);
    assert_eq!(verdict(&list, ALICE), Verdict::Unknown);
    assert_eq!(verdict(&list, TokenName { id: Some("a"), ..ALICE }), Verdict::Denied);
    // The first has expired, so that there is room; what was turned away is over at thirty.
    list.deny_token("i", "c", NOW + 40, NOW + 10);
    assert_eq!(list.len(), 2);
    assert_eq!(list.verdict(&ALICE, NOW + 29), Verdict::Unknown);
    assert_eq!(list.verdict(&ALICE, NOW + 30), Verdict::Clear);
}

/// Who reads a source once more says again what the list knows already.
#[test]
fn a_full_list_takes_what_it_has() {
    let list = LocalDenylist::new(2);
    for until in [NOW + 10, NOW + 20] {
        list.deny_token("i", "a", until, NOW);
        list.deny_user("i", "bob", until - 10, until, NOW);
    }
    assert_eq!((list.len(), verdict(&list, ALICE)), (2, Verdict::Clear));
    let bobs = TokenName { subject: "bob", issued_at: Some(NOW + 10), ..ALICE };
    assert_eq!(list.verdict(&bobs, NOW + 19), Verdict::Denied);
    let renewed = TokenName { id: Some("a"), ..ALICE };
    assert_eq!(list.verdict(&renewed, NOW + 19), Verdict::Denied);
}

#[test]
fn what_is_over_is_not_entered() {
    let list = LocalDenylist::default();
    list.deny_token("i", "t", NOW, NOW);
    list.deny_user("i", "alice", NOW, NOW, NOW);
    assert!(list.is_empty());
}
