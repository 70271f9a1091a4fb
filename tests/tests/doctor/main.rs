//! `forwardauth doctor` before the real Traefik with verify, the BFF and Redis behind it: it finds nothing in the
//! shipped configuration, and in each spoiled one what was spoiled.

mod spoiled;
mod ward;

use std::collections::BTreeSet;

use e2e::ports;
use e2e::program::{self, Environment};
use e2e::traefik::Files;
use futures_util::future::join_all;
use spoiled::Spoiled;
use ward::Ward;

#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_configuration_is_good() {
    let ward = Ward::open().await;
    let report = ward.examine(Files::shipped()).await;
    assert_eq!(report.verdicts(&["bad", "warn"]), [""; 0], "{:#}", report.json);
    assert_eq!(report.verdicts(&["unknown"]), ["fail-open"], "{:#}", report.json);
    assert_eq!(report.status, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn t01_t09_each_spoiled_configuration_is_found_and_nothing_else() {
    let ward = Ward::open().await;
    let examinations = spoiled::ALL.map(async |Spoiled { name, edit, finds }| {
        let report = ward.examine(edit(Files::shipped())).await;
        let found = report.verdicts(&["bad", "warn"]);
        (found != finds).then(|| format!("{name}: {found:?}\n{:#}", report.json))
    });
    let wrong: Vec<String> = join_all(examinations).await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(ward.examine(Files::shipped()).await.verdicts(&["bad", "warn"]), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_check_has_a_configuration_that_it_finds() {
    let report = Ward::open().await.examine(Files::shipped()).await;
    // What Traefik says of itself has a unit test that names each line.
    let is_outside = |check: &&str| !check.starts_with("admin-");
    let all = report.verdicts(&["bad", "warn", "unknown", "ok"]).into_iter().filter(is_outside);
    let found = spoiled::ALL.iter().flat_map(|spoiled| spoiled.finds).copied().filter(is_outside);
    let (all, mut found): (BTreeSet<&str>, BTreeSet<&str>) = (all.collect(), found.collect());
    // What cannot be seen from outside.
    found.insert("fail-open");
    assert_eq!(found, all);
}

#[test]
fn nobody_there_and_no_address_have_statuses_of_their_own() {
    let doctor = |arguments: &[&str]| {
        let arguments: Vec<&str> = ["doctor"].iter().chain(arguments).copied().collect();
        program::once("forwardauth", &arguments, &Environment::default())
    };
    let nobody = format!("https://{}/", ports::free());
    let away = doctor(&[&nobody]);
    assert_eq!(away.status.code(), Some(69), "{away:?}");
    assert!(away.stdout.is_empty());
    for arguments in
        [["ftp://app.wicket.test/", "--json"], ["https://app.wicket.test/", "--echo=x"]]
    {
        assert_eq!(doctor(&arguments).status.code(), Some(64), "{arguments:?}");
    }
}
