//! Rights that stand in a real PostgreSQL, over TLS.

use std::time::{Duration, Instant};

use e2e::postgres::Postgres;
use e2e::scratch::Scratch;
use e2e::tls::Ca;
use validator_lib::permissions::{
    PermissionCache, PermissionSource as _, PgSource, Rights, SourceError, User,
};

const TABLES: &str = "
    create table users (tenant text, id text not null, primary key (tenant, id));
    create table user_roles (tenant text, id text, role text);
    create table role_permissions (role text, permission text);
    insert into users values ('blue', 'alice'), ('red', 'alice'), ('blue', 'o''brien');
    insert into user_roles values ('blue', 'alice', 'ADMIN'), ('blue', 'alice', 'CLERK');
    insert into role_permissions values ('ADMIN', 'orders:refund'), ('CLERK', 'orders:read');
    grant select on all tables in schema public to wicketgate;
";

const QUERY: &str = "
    select array(select role from user_roles r where r.tenant = u.tenant and r.id = u.id order by role) as roles,
           array(select distinct permission from user_roles r join role_permissions using (role)
                 where r.tenant = u.tenant and r.id = u.id order by permission) as permissions
    from users u where u.id = $1 and u.tenant = $2";

struct Place {
    postgres: Postgres,
    _scratch: Scratch,
}

impl Place {
    async fn start() -> Self {
        let scratch = Scratch::new();
        let ca = Ca::new(scratch.path().to_owned());
        let postgres = Postgres::start(&scratch, &ca).await;
        postgres.query(TABLES);
        Self { postgres, _scratch: scratch }
    }

    fn source(&self, query: &str) -> PgSource {
        PgSource::new(&self.postgres.url(), query).expect("the URL is one")
    }

    async fn asks(&self, query: &str, user: &User) -> Result<Option<Rights>, SourceError> {
        self.source(query).load(user).await
    }
}

fn user(tenant: &str, id: &str) -> User {
    User::new("https://idp.example", id).tenant(tenant)
}

fn rights(roles: &[&str], permissions: &[&str]) -> Rights {
    Rights::new(roles.iter().copied(), permissions.iter().copied()).expect("few rights")
}

#[tokio::test(flavor = "multi_thread")]
async fn t13_rights_are_those_of_the_user_in_the_tenant() {
    let place = Place::start().await;
    let asked = async |user: User| place.asks(QUERY, &user).await;
    let admin = rights(&["ADMIN", "CLERK"], &["orders:read", "orders:refund"]);
    assert_eq!(asked(user("blue", "alice")).await, Ok(Some(admin)));
    assert_eq!(asked(user("red", "alice")).await, Ok(Some(Rights::default())));
    assert_eq!(asked(user("blue", "o'brien")).await, Ok(Some(Rights::default())));
    for unknown in [
        user("green", "alice"),
        user("blue", "bob"),
        user("blue", "alice' or '1'='1"),
        user("blue", ""),
        User::new("https://idp.example", "alice"),
    ] {
        assert_eq!(asked(unknown.clone()).await, Ok(None), "{unknown:?}");
    }
}

/// Whatever else comes is no answer, and above all not that somebody is unknown.
#[tokio::test(flavor = "multi_thread")]
async fn t12_a_query_that_answers_in_another_form_is_a_failure() {
    let place = Place::start().await;
    let alice = user("blue", "alice");
    let null = "select null::text[] as roles, array[$1, $2, $3]::varchar[] as permissions";
    let all = rights(&[], &["alice", "blue", "https://idp.example"]);
    assert_eq!(place.asks(null, &alice).await, Ok(Some(all)));
    for (query, why) in [
        (
            "select role as roles, null::text[] as permissions from user_roles where id = $1 limit 1",
            "`roles` of",
        ),
        ("select array['ADMIN'] as roles where $1 = 'alice'", "`permissions` of"),
        ("select array['A', null] as roles, null::text[] as permissions", "`roles` of"),
        ("select array[1] as roles, null::text[] as permissions", "`roles` of"),
        (
            "select null::text[] as roles, null::text[] as permissions from generate_series(1, 1000000)",
            "one row",
        ),
        (
            "select array_fill('a'::text, array[2000]) as roles, null::text[] as permissions",
            "bounds",
        ),
        ("select 1 / 0", "22012"),
        ("select roles from nowhere where id = $1", "42P01"),
        ("select $4::text", "PostgreSQL"),
    ] {
        let said = place.asks(query, &alice).await.expect_err(query).to_string();
        assert!(said.contains(why) && !said.contains("alice"), "{query}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_a_change_in_the_table_counts_once_it_is_told_and_an_outage_denies_nobody_known() {
    let mut place = Place::start().await;
    let source = place.source(QUERY);
    let cache = PermissionCache::builder(source).deadline(Duration::from_secs(2)).build();
    let (alice, bob) = (user("blue", "alice"), user("blue", "bob"));
    let admin = async |user: &User| {
        cache.rights(user).await.map(|rights| rights.is_some_and(|rights| rights.has_role("ADMIN")))
    };
    assert_eq!(admin(&alice).await, Ok(true));
    place.postgres.query("delete from user_roles where id = 'alice' and role = 'ADMIN'");
    assert_eq!(admin(&alice).await, Ok(true), "nobody told it");
    cache.invalidate(&alice).await.expect("there is nobody else to tell");
    assert_eq!(admin(&alice).await, Ok(false));

    // Frozen, it answers nobody: nobody waits for long, and who is known is known.
    place.postgres.freeze();
    let asked = Instant::now();
    let refused = admin(&bob).await.expect_err("nobody can say");
    assert!(asked.elapsed() < Duration::from_secs(10), "{refused}: {:?}", asked.elapsed());
    assert_eq!(admin(&alice).await, Ok(false));
    place.postgres.thaw();
    e2e::wait::until("PostgreSQL is asked again", e2e::wait::START, async || {
        (admin(&bob).await == Ok(false)).then_some(())
    })
    .await;

    let carol = user("blue", "carol");
    place.postgres.kill().await;
    assert!(admin(&carol).await.is_err(), "nobody can say");
    place.postgres.restart().await;
    e2e::wait::until("PostgreSQL is asked again", e2e::wait::START, async || {
        (admin(&carol).await == Ok(false)).then_some(())
    })
    .await;
}
