//! Logout against refresh against slide, over two replicas and two verifies, a thousand times: the
//! session never comes back.

use std::sync::Arc;
use std::time::Duration;

use e2e::agent::Agent;
use e2e::stack::Stack;
use e2e::wait;
use http::Method;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

const SESSIONS: u64 = 1_000;

/// `SESSION_IDLE_TTL`, of which a use after a quarter moves the deadline.
const IDLE: u64 = 60;
const SLIDES_AFTER: Duration = Duration::from_secs(IDLE / 4 + 1);

/// Milliseconds up to which the moments differ at which the others begin, and at which logout does: a
/// refresh takes some dozens on a busy machine, and every moment of it is to be met.
const OTHERS_WITHIN: u64 = 12;
const LOGOUT_WITHIN: u64 = 80;

/// Numbers that look random and are the same in every run.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, limit: u64) -> u64 {
        // Xorshift: Marsaglia, Journal of Statistical Software 8 (14), 2003.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).expect("an index")]
    }
}

/// One session, from login to the end, with everything that could bring it back happening at once.
async fn interleaved(stack: &Stack, number: u64, signing: &Semaphore, ending: &Semaphore) {
    let mut seeded = Seeded(0x9e37_79b9_7f4a_7c15 ^ (number << 7 | 1));
    let agent = stack.agent().another();
    let begun = {
        let _turn = signing.acquire().await.expect("never closed");
        stack.sign_in_directly(&agent, "alice").await;
        Instant::now()
    };
    sleep_until(begun + SLIDES_AFTER).await;
    let _turn = ending.acquire().await.expect("never closed");
    let (bffs, verifies) = (stack.bffs(), stack.verifies());
    let session = stack
        .to_bff(seeded.of(&bffs), &agent, Method::GET, "/api/auth/session?slide=false")
        .send()
        .await
        .json();
    let token = session["csrf_token"].as_str().expect("signed in").to_owned();
    // Logout takes the cookie away from the agent that asks for it.
    let kept = agent.tab();
    let moments = [LOGOUT_WITHIN, OTHERS_WITHIN, OTHERS_WITHIN, OTHERS_WITHIN]
        .map(|limit| Duration::from_millis(seeded.below(limit)));
    let (logout, refresh, slide) = (seeded.of(&bffs), seeded.of(&bffs), seeded.of(&bffs));
    let verify = seeded.of(&verifies);
    let (logout, refresh, slide, asked) = tokio::join!(
        async {
            sleep(moments[0]).await;
            let call = stack.to_bff(logout, &agent, Method::POST, "/auth/logout");
            call.header("x-csrf-token", &token).send().await
        },
        async {
            sleep(moments[1]).await;
            stack.to_bff(refresh, &kept, Method::GET, "/api/echo/x").send().await
        },
        async {
            sleep(moments[2]).await;
            stack.to_bff(slide, &kept, Method::GET, "/api/auth/session").send().await
        },
        async {
            sleep(moments[3]).await;
            stack.ask_verify_at(verify, &kept, "/app/").send().await
        },
    );
    assert!(logout.status.is_success(), "{number}: {}", logout.text());
    assert!(matches!(refresh.status.as_u16(), 200 | 401), "{number}: {}", refresh.text());
    assert_eq!(slide.status, 200, "{number}: {}", slide.text());
    assert!(matches!(asked.status.as_u16(), 200 | 401), "{number}: {}", asked.text());
    is_over(stack, &kept, number).await;
}

async fn is_over(stack: &Stack, agent: &Agent, number: u64) {
    for bff in stack.bffs() {
        let call = stack.to_bff(bff, agent, Method::GET, "/api/echo/x").send().await;
        assert_eq!(call.status, 401, "{number}: {}", call.text());
    }
    for verify in stack.verifies() {
        let reply = stack.ask_verify_at(verify, agent, "/app/").send().await;
        assert_eq!(reply.status, 401, "{number}: {}", reply.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c45_t15_in_a_thousand_interleavings_with_refresh_and_slide_logout_wins() {
    let plan = Stack::plan()
        .twice()
        .idp("OP_AT_TTL", "1")
        .both("RUST_LOG", "info")
        .bff("SESSION_IDLE_TTL", IDLE);
    let stack = Arc::new(plan.start().await);
    let (signing, ending) = (Arc::new(Semaphore::new(6)), Arc::new(Semaphore::new(6)));
    let mut sessions = JoinSet::new();
    for number in 0..SESSIONS {
        let (stack, signing) = (Arc::clone(&stack), Arc::clone(&signing));
        let ending = Arc::clone(&ending);
        sessions.spawn(async move { interleaved(&stack, number, &signing, &ending).await });
    }
    while let Some(session) = sessions.join_next().await {
        session.expect("no session came back");
    }
    // What was begun before a logout and finished after it has had its time.
    wait::until("refreshes are done with", wait::START, async || {
        stack.keys("bff:lease:").await.is_empty().then_some(())
    })
    .await;
    assert_eq!(stack.keys("bff:session:").await, Vec::<String>::new());
    assert_eq!(stack.audit("session.created").len() as u64, SESSIONS);
    // The parties did meet: some refreshes were stored before the logout, and some came too late.
    assert_eq!(stack.audit("session.revoked").len() as u64, SESSIONS);
    let stored = stack.audit("session.refreshed").len() as u64;
    let tried = stack.idp.spent().await.len() as u64;
    assert!(stored > SESSIONS / 50, "{stored} of {tried} refreshes were stored");
    assert!(tried > stored + SESSIONS / 50, "{stored} of {tried} refreshes were stored");
    assert_eq!(stack.idp.spent_at_most().await, 1);
    let mut slides = 0.0;
    for program in [&stack.forwardauth, &stack.second_verify.as_ref().expect("two").program] {
        slides += program.metric(&stack.agent(), "forwardauth_slides_total", "done").await;
    }
    assert!(slides > 10.0, "{slides}");
}
