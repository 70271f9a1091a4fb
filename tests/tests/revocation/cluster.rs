//! A list that follows a Redis Cluster.

use e2e::cluster::Cluster;
use e2e::scratch::Scratch;
use e2e::wait;
use session::shelf::Shelf as _;
use validator_lib::revocation::Verdict::{Clear, Denied};
use validator_lib::revocation::redis::RedisDenylist;

use crate::writer::{
    BACK, HOUR, INDEX, PASSWORD, RIGHTS, SERVICE, asked, deny, following, store_at, to_give, token,
    until,
};

/// The index and the channel are on one server, whichever that is, and the entries on all.
#[tokio::test(flavor = "multi_thread")]
async fn t15_a_cluster_is_followed_where_the_index_is_and_where_it_moves() {
    let scratch = Scratch::new();
    let cluster = Cluster::start(&scratch).await;
    let store = store_at(cluster.url()).await;
    deny(&store, "before").await;
    let rights = RIGHTS.into_iter().chain(["+cluster|slots", "+cluster|info"]);
    let words = to_give(&rights.collect::<Vec<_>>());
    cluster.ask_each(&words.iter().map(String::as_bytes).collect::<Vec<_>>()).await;
    let product = format!("{}:{}", e2e::redis::USER, e2e::redis::PASSWORD);
    let url = cluster.url().replace(&product, &format!("{SERVICE}:{PASSWORD}"));
    let list = following(RedisDenylist::builder(&url)).await;
    assert_eq!((asked(&list, "before"), asked(&list, "other")), (Denied, Clear));
    for number in 0..50 {
        let jti = format!("t{number}");
        deny(&store, &jti).await;
        until(&list, &jti, Denied).await;
    }
    assert_eq!(cluster.spread("jwt:blacklist:").await, 3);
    assert_eq!(list.loads(), 1);

    cluster.move_key(INDEX).await;
    wait::until("the list is read where it is now", BACK, async || {
        (list.loads() > 1).then_some(())
    })
    .await;
    until(&list, "other", Clear).await;
    // The command that learns of a move fails; administrators are told to repeat it.
    wait::until("the writer follows too", BACK, async || {
        store.deny("after", token("after").into(), HOUR).await.ok()
    })
    .await;
    until(&list, "after", Denied).await;
    let newcomer = following(RedisDenylist::builder(&url)).await;
    for jti in ["before", "t0", "t49", "after"] {
        assert_eq!((asked(&newcomer, jti), asked(&list, jti)), (Denied, Denied), "{jti}");
    }
}
