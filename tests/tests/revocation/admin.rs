//! From the administrator's call to the refusal by a service: the real BFF, the real Redis, and a service that
//! is asked without a pause.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use e2e::agent::Agent;
use e2e::clock::now;
use e2e::service::Service;
use e2e::stack::Stack;
use e2e::wait;
use e2e::wire::Wire;
use futures_util::{StreamExt as _, stream};
use http::Method;
use serde_json::{Value, json};
use validator_lib::revocation::redis::{DEFAULT_MAX_STALENESS, Failure, RedisDenylist};

use crate::service::{Issuer, ask};
use crate::writer::{BACK, HOUR, ISSUER, PASSWORD, SERVICE, allow, following, list_at};

const ADMIN: &str = "admin-canary-0123456789abcdef0123456789abcdef";
const TOKENS: usize = 10_000;
const LANES: usize = 8;

/// What is promised.
const USUAL: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

/// A deployment, and a service beside it.
struct Deployment {
    stack: Stack,
    issuer: Issuer,
    agent: Agent,
}

impl Deployment {
    async fn start() -> Self {
        let plan = Stack::plan().bff("BFF_ADMIN_TOKENS", format!("ops:{ADMIN}"));
        let stack = plan.both("RUST_LOG", "info").start().await;
        allow(&stack.redis).await;
        Self { agent: stack.agent(), stack, issuer: Issuer::new() }
    }

    async fn list(&self) -> RedisDenylist {
        following(list_at(self.stack.redis.url_as(SERVICE, PASSWORD), &self.stack.ca)).await
    }

    /// Has the administrator deny something.
    async fn revoke(&self, what: &Value) {
        let url = format!("http://{}/admin/revocations", self.stack.bff.admin);
        let call = self.agent.request(Method::POST, &url).json(what);
        let reply = call.header("authorization", &format!("Bearer {ADMIN}")).send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    /// Withdraws a token that is in use, every tenth by its user, and says how it went.
    async fn withdraw(&self, service: &Service, number: usize) -> Withdrawn {
        let (jti, user) = (format!("token-{number}"), format!("user-{number}"));
        let token = self.issuer.mint(&jti, &user);
        wait::until("the token is good", BACK, async || {
            (ask(&self.agent, service, &token).await.0 == 200).then_some(())
        })
        .await;
        let what = match number % 10 {
            0 => json!({"iss": ISSUER, "user_id": user}),
            _ => json!({"iss": ISSUER, "jti": jti, "exp": now() + HOUR.as_secs()}),
        };
        let asking = async {
            let (mut last, mut unsure) = (None, 0);
            loop {
                let asked = Instant::now();
                match ask(&self.agent, service, &token).await {
                    (200, _) => last = Some(asked),
                    (401, why) => {
                        assert_eq!(why, "revoked");
                        return (last, Instant::now(), unsure);
                    }
                    (503, _) => unsure += 1,
                    other => panic!("{other:?}"),
                }
            }
        };
        let revoking = async {
            self.revoke(&what).await;
            Instant::now()
        };
        let both = async { tokio::join!(revoking, asking) };
        let both = tokio::time::timeout(wait::START, both).await;
        let (revoked, (last, refused, unsure)) = both.expect("it is refused in the end");
        Withdrawn {
            token,
            refused: refused.saturating_duration_since(revoked),
            accepted: last.map_or(Duration::ZERO, |last| last.saturating_duration_since(revoked)),
            unsure,
        }
    }

    async fn withdraw_many(&self, service: &Service, many: usize) -> Vec<Withdrawn> {
        let each = stream::iter(0..many).map(|number| async move {
            if number % 100 == 0 {
                // What the service remembers of its requests is not needed.
                drop(service.take());
            }
            self.withdraw(service, number).await
        });
        each.buffer_unordered(LANES).collect().await
    }
}

/// How a token was withdrawn. Times count from the return of the administrator's call.
struct Withdrawn {
    token: String,
    /// When the first refusal had arrived.
    refused: Duration,
    /// When the last request began that was let in.
    accepted: Duration,
    /// Requests that were answered with 503.
    unsure: u32,
}

/// The share `of_thousand` of all were refused within so long.
fn within(all: &[Withdrawn], of_thousand: usize) -> Duration {
    let mut times: Vec<_> = all.iter().map(|each| each.refused).collect();
    times.sort();
    times[(times.len() * of_thousand).div_ceil(1_000).saturating_sub(1)]
}

fn report(what: &str, all: &[Withdrawn]) {
    let accepted = all.iter().map(|each| each.accepted).max().unwrap_or_default();
    let unsure: u32 = all.iter().map(|each| each.unsure).sum();
    eprintln!(
        "{what}: {} tokens, refused after p50 {:?}, p99 {:?}, p99.9 {:?}, max {:?}; last let in {accepted:?} \
         after the call returned; {unsure} times 503",
        all.len(),
        within(all, 500),
        within(all, 990),
        within(all, 999),
        within(all, 1_000),
    );
    assert!(accepted < LONGEST, "{accepted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_what_an_administrator_denies_is_refused_at_once() {
    let all = Deployment::start().await;
    let list = all.list().await;
    let service = all.issuer.service(list.clone()).await;
    let withdrawn = all.withdraw_many(&service, TOKENS).await;
    report("undisturbed", &withdrawn);
    assert!(within(&withdrawn, 990) < USUAL);
    assert_eq!((list.loads(), list.skipped()), (1, 0), "{:?}", list.last_failure());

    // By each of them, by the service that heard of it and by one that starts now.
    let newcomer = all.issuer.service(all.list().await).await;
    for service in [&service, &newcomer] {
        for each in &withdrawn {
            let (status, why) = ask(&all.agent, service, &each.token).await;
            assert_eq!((status, why.as_str()), (401, "revoked"));
        }
        drop(service.take());
    }
    let fresh = all.issuer.mint("fresh", "fresh");
    assert_eq!(ask(&all.agent, &newcomer, &fresh).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_what_an_administrator_denies_is_refused_while_connections_break() {
    let all = Deployment::start().await;
    let list = all.list().await;
    let service = all.issuer.service(list.clone()).await;
    let (done, broken) = (AtomicBool::new(false), AtomicUsize::new(0));
    let breaking = async {
        let mut every = tokio::time::interval(Duration::from_millis(150));
        while !done.load(Ordering::Relaxed) {
            every.tick().await;
            all.stack.redis.ask(&[b"CLIENT", b"KILL", b"USER", SERVICE.as_bytes()]).await;
            broken.fetch_add(1, Ordering::Relaxed);
            // A connection that breaks is noticed, at whatever point it breaks.
            let failure = list.last_failure();
            assert!(
                matches!(failure, None | Some(Failure::Lost | Failure::Connect)),
                "{failure:?}"
            );
        }
    };
    let withdrawing = async {
        let withdrawn = all.withdraw_many(&service, 1_000).await;
        done.store(true, Ordering::Relaxed);
        withdrawn
    };
    let ((), withdrawn) = tokio::join!(breaking, withdrawing);
    report(&format!("{} connections broken", broken.into_inner()), &withdrawn);
    assert!(list.loads() > 1, "nothing was broken");
}

/// The administrator's call succeeds, and the service cannot hear of it.
#[tokio::test(flavor = "multi_thread")]
async fn t15_a_service_that_is_cut_off_lets_nobody_in_for_longer_than_a_second() {
    let all = Deployment::start().await;
    let address = all.stack.redis.address();
    let wire = Wire::to(address);
    let url = all.stack.redis.url_as(SERVICE, PASSWORD);
    let url = url.replace(&format!(":{}", address.port()), &format!(":{}", wire.address.port()));
    let list = following(list_at(url, &all.stack.ca)).await;
    let service = all.issuer.service(list.clone()).await;
    let (denied, other) = (all.issuer.mint("denied", "a"), all.issuer.mint("other", "b"));
    for token in [&denied, &other] {
        assert_eq!(ask(&all.agent, &service, token).await.0, 200);
    }
    wire.cut();
    all.revoke(&json!({"iss": ISSUER, "jti": "denied", "exp": now() + HOUR.as_secs()})).await;
    let revoked = Instant::now();
    let mut accepted = Duration::ZERO;
    while revoked.elapsed() < LONGEST * 2 {
        let asked = revoked.elapsed();
        match ask(&all.agent, &service, &denied).await {
            (200, _) => accepted = asked,
            (503, _) => {}
            told => panic!("{told:?}"),
        }
    }
    eprintln!("cut off: last let in {accepted:?} after the call returned");
    assert!(accepted <= DEFAULT_MAX_STALENESS, "{accepted:?}");
    wire.mend();
    wait::until("the service takes tokens again", BACK, async || {
        (ask(&all.agent, &service, &other).await.0 == 200).then_some(())
    })
    .await;
    assert_eq!(ask(&all.agent, &service, &denied).await, (401, "revoked".to_owned()));
}
