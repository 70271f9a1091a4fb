//! `routes.yaml` changes while requests are under way.

use std::path::Path;
use std::sync::Arc;

use shell::reload::{Trust, Watch};

use crate::testing::{Answer, Browser, RawService, World};

fn routes(url: &str, paths: &[&str]) -> String {
    let routes = paths.iter().map(|path| {
        format!("- {{ path: {path}, target_service: s, methods: [GET], auth: none }}\n")
    });
    let routes: String = routes.collect();
    format!("services:\n  s: {{ base_url: \"{url}\" }}\nroutes:\n{routes}")
}

fn write(directory: &Path, yaml: &str) {
    std::fs::write(directory.join("routes.yaml"), yaml).unwrap();
}

#[tokio::test]
async fn a_new_table_counts_for_new_requests_and_connections_stay() {
    let world = World::start().await;
    let mut service = RawService::start().await;
    let (app, directory) = world.replica_routed(&routes(&service.url, &["/api/old"]), &[]);
    let mut watch = Watch::over(crate::reload::watched(&app));
    let get = |path: &'static str| {
        let app = Arc::clone(&app);
        tokio::spawn(async move { Browser::new().get(path).send(&app).await })
    };
    let first = get("/api/old");
    let mut talk = service.talk().await;
    let under_way = get("/api/old");
    let mut other = service.talk().await;

    write(directory.path(), &routes(&service.url, &["/api/new"]));
    watch.look(Trust::AtOnce).await;
    talk.answer(200, "first").await;
    other.answer(200, "under way").await;
    assert_eq!(first.await.unwrap().body, "first");
    assert_eq!(under_way.await.unwrap().body, "under way");
    assert_eq!(get("/api/old").await.unwrap().status, 404);

    // Nothing about the service has changed, so its connections are used on.
    let again = get("/api/new");
    let request = async {
        tokio::select! {
            head = talk.next_head() => { head.unwrap(); talk.answer(200, "again").await; }
            head = other.next_head() => { head.unwrap(); other.answer(200, "again").await; }
        }
    };
    request.await;
    assert_eq!(again.await.unwrap().body, "again");
    assert!(service.is_alone(), "no new connection");
}

#[tokio::test]
async fn t09_a_broken_file_leaves_the_old_table_in_use() {
    let world = World::start().await;
    let good = routes(&world.service.url, &["/api/old"]);
    let no_keys = [("BFF_CONTEXT_KEYS", ""), ("BFF_CONTEXT_ISSUER", "")];
    let (app, directory) = world.replica_routed(&good, &no_keys);
    let mut watch = Watch::over(crate::reload::watched(&app));
    let status = async |path: &str| -> u16 {
        let answer: Answer = Browser::new().get(path).send(&app).await;
        answer.status
    };
    let missing = directory.path().join("ca.pem").display().to_string();
    for broken in [
        "services: [",
        "routes:\n- { path: /x, target_service: gone, methods: [GET], auth: none }\n",
        &format!(
            "services: {{ a: {{ base_url: \"https://a\", tls: {{ ca: \"{missing}\" }} }} }}\n"
        ),
        "services: { a: { base_url: \"http://a\", token: context, audience: a } }\nroutes:\n- { path: /x, target_service: a, methods: [GET], auth: session }\n",
        "services: { a: { base_url: \"http://${NOT_SET}\" } }\n",
    ] {
        write(directory.path(), broken);
        watch.look(Trust::AtOnce).await;
        assert_eq!(status("/api/old").await, 200, "{broken}");
    }
    std::fs::remove_file(directory.path().join("routes.yaml")).unwrap();
    watch.look(Trust::AtOnce).await;
    assert_eq!(status("/api/old").await, 200);
    write(directory.path(), &routes(&world.service.url, &["/api/new"]));
    watch.look(Trust::WhenSeenTwice).await;
    assert_eq!(status("/api/old").await, 200, "perhaps it is half written");
    watch.look(Trust::WhenSeenTwice).await;
    assert_eq!((status("/api/old").await, status("/api/new").await), (404, 200));
}
