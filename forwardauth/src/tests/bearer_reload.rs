//! `idps.yaml` changes while requests are under way.

use super::bearer::Scene;
use shell::reload::{Trust, Watch};
use validator_lib::testing::{AUDIENCE, ISSUER};

/// `idps.yaml` with these entries of the scene's issuer: a name and an audience each.
fn write(scene: &Scene, entries: &[(&str, &str)], more: &str) {
    let entries = entries.iter().map(|(name, audience)| {
        let url = &scene.url;
        format!("  - {{ name: {name}, issuer: '{ISSUER}', audience: '{audience}', jwks_url: '{url}' }}\n")
    });
    let yaml = format!("idps:\n{}{more}", entries.collect::<String>());
    std::fs::write(scene.files.path().join("idps.yaml"), yaml).unwrap();
}

async fn status(scene: &Scene, audience: &str) -> u16 {
    let token = scene.issuer.mint().audience(audience).sign();
    scene.show("api", &token).await.status.as_u16()
}

#[tokio::test]
async fn t09_new_issuers_count_at_once_and_a_broken_file_leaves_the_old_in_use() {
    const NEW: &str = "https://new.example";
    let scene = Scene::start().await;
    let mut watch = Watch::over(scene.gate.config.watched_issuers());
    assert_eq!((status(&scene, AUDIENCE).await, status(&scene, NEW).await), (200, 401));

    write(&scene, &[("main", NEW), ("partner", AUDIENCE), ("bare", AUDIENCE)], "");
    watch.look(Trust::WhenSeenTwice).await;
    assert_eq!(status(&scene, NEW).await, 401, "perhaps it is half written");
    // Keys that are known stay known: their issuer may be away.
    scene.issuer.outage(true);
    watch.look(Trust::WhenSeenTwice).await;
    assert_eq!((status(&scene, AUDIENCE).await, status(&scene, NEW).await), (401, 200));

    let all = [("main", AUDIENCE), ("partner", AUDIENCE), ("bare", AUDIENCE)];
    for (entries, more) in [
        (&all[..0], "["),
        // A policy names it.
        (&all[..2], ""),
        (&all[..], "  - { name: main, issuer: 'https://x.example', audience: a }\n"),
        (&all[..2], "  - { name: bare, issuer: 'https://x.example', audience: a }\n"),
    ] {
        write(&scene, entries, more);
        watch.look(Trust::AtOnce).await;
        assert_eq!(status(&scene, NEW).await, 200, "{more}");
    }
    write(&scene, &all, "");
    watch.look(Trust::AtOnce).await;
    assert_eq!((status(&scene, AUDIENCE).await, status(&scene, NEW).await), (200, 401));
}

/// A policy may name an entry that is only in the new file, and give up one that is not.
#[tokio::test]
async fn policies_and_issuers_may_change_together() {
    let scene = Scene::start().await;
    let files = [scene.gate.config.watched_issuers(), Some(scene.gate.config.policies.watched())];
    let mut watch = Watch::over(files.into_iter().flatten());
    std::fs::write(
        scene.files.path().join("forwardauth.yaml"),
        "policies: { api: { bearer: [other], authorization: none } }",
    )
    .unwrap();
    write(&scene, &[("other", "https://other.example")], "");
    watch.look(Trust::AtOnce).await;
    assert_eq!(status(&scene, AUDIENCE).await, 200, "neither fits what there is");
    // Who adds before he takes away gets there, and what was refused before is tried once more.
    let all = ["other", "main", "partner", "bare"].map(|name| match name {
        "other" => (name, "https://other.example"),
        _ => (name, AUDIENCE),
    });
    write(&scene, &all, "");
    watch.look(Trust::AtOnce).await;
    watch.look(Trust::WhenSeenTwice).await;
    assert_eq!(status(&scene, "https://other.example").await, 200);
    write(&scene, &all[..1], "");
    watch.look(Trust::AtOnce).await;
    assert_eq!(status(&scene, "https://other.example").await, 200);
    assert_eq!(status(&scene, AUDIENCE).await, 401);
}
