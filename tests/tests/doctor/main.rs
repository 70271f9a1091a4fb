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
        let status = i32::from(!report.verdicts(&["bad"]).is_empty());
        (found != finds || report.status != Some(status))
            .then(|| format!("{name}: {found:?}\n{:#}", report.json))
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

#[tokio::test(flavor = "multi_thread")]
async fn with_the_address_alone_nothing_is_bad_and_what_was_not_seen_is_said() {
    let report = Ward::open().await.examine_with(Files::shipped(), &[]).await;
    assert_eq!(report.verdicts(&["bad", "warn"]), [""; 0], "{:#}", report.json);
    let unseen = [
        "dropped-identity",
        "fail-open",
        "missing-identity",
        "session",
        "session-cookie-passed",
        "spoofed-identity",
        "websocket-origin",
    ];
    assert_eq!(report.verdicts(&["unknown"]), unseen, "{:#}", report.json);
    assert_eq!(report.status, Some(0));
}

/// What `fail-open` says to do in rehearsal.
#[tokio::test(flavor = "multi_thread")]
async fn t08_while_verify_is_away_the_page_is_not_open() {
    let mut ward = Ward::open().await;
    ward.stop_verify();
    let report = ward.examine(Files::shipped()).await;
    assert!(report.verdicts(&["unknown"]).contains(&"open-page"), "{:#}", report.json);
    let opens =
        ["method-bypass", "header-bypass", "host-bypass", "path-bypass", "websocket-bypass"];
    let bad = report.verdicts(&["bad", "warn"]);
    assert!(opens.iter().all(|check| !bad.contains(check)), "{:#}", report.json);
    assert!(report.json.to_string().contains("Traefik answers 500 where verify cannot be reached"));
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
