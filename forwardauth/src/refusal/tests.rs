use super::*;

#[test]
fn t08_no_refusal_has_a_status_that_a_proxy_takes_for_yes() {
    for refusal in Refusal::ALL {
        let status = refusal.row().status;
        assert!(status.is_client_error() || status.is_server_error(), "{refusal:?}");
    }
}

#[test]
fn reasons_are_distinct_and_all_refusals_are_listed_in_order() {
    let mut reasons: Vec<_> = Refusal::ALL.iter().map(|refusal| refusal.reason()).collect();
    for (index, refusal) in Refusal::ALL.into_iter().enumerate() {
        assert_eq!(refusal as usize, index);
    }
    reasons.sort_unstable();
    reasons.dedup();
    assert_eq!(reasons.len(), Refusal::ALL.len());
    assert_eq!(Refusal::BearerKeys as usize + 1, Refusal::ALL.len(), "the last variant");
}
