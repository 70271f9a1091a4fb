use super::*;
use http::Method;
use shell::reload::{Trust, Watch};
use tempfile::TempDir;

const TWO: &str = r#"
tenants:
  - id: acme
    hosts: [acme.test]
    cookie: { name: acme_session }
    cors_origins: ["https://spa.acme.test"]
    issuer: ${ACME_ISSUER}
    client: { id: acme, secret: "${ACME_SECRET}" }
  - { id: globex, hosts: ["globex.test:8443"] }
"#;

struct Place(TempDir);

impl Place {
    fn new(yaml: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.write(yaml);
        place
    }

    fn write(&self, yaml: &str) {
        std::fs::write(self.0.path().join(FILE), yaml).unwrap();
    }

    fn read(&self, more: &[(&str, &str)]) -> Result<TenantTable, String> {
        let mut settings = Settings::from_pairs(
            [("BFF_CONFIG_DIR", self.0.path().to_str().unwrap())].iter().chain(more).copied(),
        );
        let listeners = [("FORWARDAUTH_LISTEN", "127.0.0.1:1".parse().unwrap())];
        let table = TenantTable::read(&mut settings, &listeners);
        settings.finish(Some(table)).map(|(table, _)| table).map_err(|all| all.to_string())
    }
}

fn id_at(table: &TenantTable, host: &str) -> Option<String> {
    let original = Original {
        method: Method::GET,
        websocket: false,
        https: true,
        host: Some(host),
        uri: None,
    };
    table.of(&original).map(|tenant| tenant.id.clone())
}

#[test]
fn c79_the_host_tells_the_tenant_and_none_is_the_default() {
    let table = Place::new(TWO).read(&[]).unwrap();
    let id = |host| id_at(&table, host);
    assert_eq!(id("acme.test").as_deref(), Some("acme"));
    assert_eq!(id("ACME.test:443").as_deref(), Some("acme"));
    assert_eq!(id("globex.test:8443").as_deref(), Some("globex"));
    for nobody in ["globex.test", "www.acme.test", "acme.test.", "localhost", "127.0.0.1"] {
        assert_eq!(id(nobody), None, "{nobody}");
    }
    let original =
        Original { method: Method::GET, websocket: false, https: true, host: None, uri: None };
    assert!(table.of(&original).is_none(), "nor is no host at all");
}

#[tokio::test]
async fn c79_t09_a_new_file_counts_as_a_whole_and_a_broken_one_does_not() {
    let place = Place::new(TWO);
    let table = place.read(&[]).unwrap();
    let mut watch = Watch::over(table.watched());
    for broken in ["tenants: []", "[", "tenants: [{ id: acme }]"] {
        place.write(broken);
        watch.look(Trust::AtOnce).await;
        assert_eq!(id_at(&table, "acme.test").as_deref(), Some("acme"), "{broken}");
    }
    place.write("tenants: [{ id: initech, hosts: [initech.test] }]");
    watch.look(Trust::AtOnce).await;
    assert_eq!(id_at(&table, "initech.test").as_deref(), Some("initech"));
    assert_eq!(id_at(&table, "acme.test"), None);
}

#[test]
fn c79_tenants_are_made_of_hosts_of_this_machine_where_that_is_asked_for() {
    let auto = [(auto::NAME, "true")];
    let table = Place::new(TWO).read(&auto).unwrap();
    assert_eq!(id_at(&table, "new.localhost:8080").as_deref(), Some("new.localhost"));
    assert_eq!(id_at(&table, "acme.test").as_deref(), Some("acme"));
    assert_eq!(id_at(&table, "new.test"), None);
    assert!(Place::new(TWO).read(&[auto[0], ("REDIS_URL", "redis://redis:6379")]).is_err());
}
