//! Rights that are shared in a Redis Cluster.

use e2e::cluster::Cluster;
use e2e::scratch::Scratch;
use e2e::wait;
use validator_lib::permissions::User;
use validator_lib::permissions::redis::RedisTier;

use crate::place::{BACK, Directory, EPOCH, PASSWORD, RIGHTS, SERVICE, Service, to_give};

/// All keys are on one server, and the services follow them when they move.
#[tokio::test(flavor = "multi_thread")]
async fn t15_in_a_cluster_changes_are_heard_of_where_the_rights_are_and_where_they_move() {
    let scratch = Scratch::new();
    let cluster = Cluster::start(&scratch).await;
    let rights = RIGHTS.into_iter().chain(["+cluster|slots", "+cluster|info"]);
    let words = to_give(&rights.collect::<Vec<_>>());
    cluster.ask_each(&words.iter().map(String::as_bytes).collect::<Vec<_>>()).await;
    let product = format!("{}:{}", e2e::redis::USER, e2e::redis::PASSWORD);
    let url = cluster.url().replace(&product, &format!("{SERVICE}:{PASSWORD}"));
    let directory = Directory::default();
    let start = async || Service::start(RedisTier::builder(&url), &directory).await;
    let (teller, hearer) = (start().await, start().await);
    let users: Vec<_> = (0..20).map(|number| User::new("i", number.to_string())).collect();
    let change = async |allowed: bool| {
        for user in &users {
            directory.allow(user, allowed);
            wait::until("the change is told", BACK, async || {
                teller.cache.invalidate(user).await.ok()
            })
            .await;
            wait::until("the change counts", BACK, async || {
                (hearer.allows(user).await == Some(allowed)).then_some(())
            })
            .await;
        }
    };
    change(true).await;
    change(false).await;
    assert_eq!(cluster.spread("{wicket:permissions}").await, 1);
    assert_eq!((teller.tier.flushes(), hearer.tier.flushes()), (1, 1));

    cluster.move_key(EPOCH).await;
    change(true).await;
}
