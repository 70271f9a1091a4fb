//! `forwardauth doctor` before the real Traefik with verify, the BFF and Redis behind it: it finds nothing in the
//! shipped configuration, and in each spoiled one what was spoiled.

mod ward;

use e2e::ports;
use e2e::program::{self, Environment};
use ward::Ward;

#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_configuration_is_good() {
    let ward = Ward::open().await;
    let report = ward.examine(|files| files).await;
    eprintln!("{:#}", report.json);
    assert_eq!(report.verdicts(&["bad", "warn"]), [""; 0], "{:#}", report.json);
    assert_eq!(report.verdicts(&["unknown"]), ["fail-open"], "{:#}", report.json);
    assert_eq!(report.status, Some(0));
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
