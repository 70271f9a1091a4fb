//! Secrets in files are exchanged in running programs, as docs/RUNBOOKS.md says: nobody starts again, and requests
//! go on meanwhile.

use std::cell::Cell;

use e2e::agent::Agent;
use e2e::clock;
use e2e::idp;
use e2e::program::Program;
use e2e::scratch::Scratch;
use e2e::stack::{Stack, key};
use e2e::wait;
use http::Method;
use serde_json::json;

const SESSION: &str = "BFF_SESSION_KEYS_FILE";
const EDGE: &str = "BFF_EDGE_KEYS_FILE";

/// Both programs, two of each.
fn programs(stack: &Stack) -> impl Iterator<Item = &Program> {
    let seconds = [&stack.second_bff, &stack.second_verify].into_iter().flatten();
    [&stack.bff, &stack.forwardauth].into_iter().chain(seconds.map(|replica| &replica.program))
}

/// Waits until each program that reads `file` has counted `result` so often.
async fn counted(stack: &Stack, file: &str, result: &str, times: u8) {
    let labels = format!("file=\"{file}\",result=\"{result}\"");
    let operator = stack.agent();
    for program in programs(stack).filter(|program| !program.environment.get(file).is_empty()) {
        wait::until("a program has read the file", wait::START, async || {
            let count = program.metric(&operator, "config_reloads_total", &labels).await;
            (count >= f64::from(times)).then_some(())
        })
        .await;
    }
}

/// What every replica of both programs answers about the session.
async fn statuses(stack: &Stack, agent: &Agent) -> Vec<u16> {
    let mut statuses = Vec::new();
    for verify in stack.verifies() {
        statuses.push(stack.ask_verify_at(verify, agent, "/app/").send().await.status.as_u16());
    }
    for bff in stack.bffs() {
        let call = stack.to_bff(bff, agent, Method::GET, "/api/orders");
        statuses.push(call.send().await.status.as_u16());
    }
    statuses
}

/// Asks all replicas about the session, one request after the other, and counts the rounds. Ends with no answer
/// but 200.
async fn ask_on(stack: &Stack, agent: &Agent, rounds: &Cell<u32>) {
    loop {
        assert_eq!(statuses(stack, agent).await, [200; 4], "after {} rounds", rounds.get());
        rounds.set(rounds.get() + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c40_keys_in_files_are_exchanged_under_requests_without_a_restart_and_nobody_is_refused() {
    let scratch = Scratch::new();
    let ring = |name: &str| format!("{name}:{}", key());
    let (s1, s2, e1, e2) = (ring("s1"), ring("s2"), ring("e1"), ring("e2"));
    let session_file = scratch.write("session-keys", &s1);
    let edge_file = scratch.write("edge-keys", &e1);
    let stack = Stack::plan()
        .twice()
        .idp("OP_AT_TTL", "2")
        .bff("TOKEN_REFRESH_THRESHOLD", "1")
        .bff("BFF_SESSION_KEYS", "")
        .bff(SESSION, session_file.display())
        .both("BFF_EDGE_KEYS", "")
        .both(EDGE, edge_file.display())
        // Also what is kept in memory counts by the keys of now.
        .forwardauth("FORWARDAUTH_CACHE", "tracking")
        .forwardauth("FORWARDAUTH_CACHE_MAX_AGE_MS", "60000")
        .start()
        .await;
    let before = stack.signed_in("alice").await;
    let rounds = Cell::new(0);
    let rotation = async {
        let mut after = None;
        for (step, first, second) in [(1, (&s1, &s2), (&e1, &e2)), (2, (&s2, &s1), (&e2, &e1))] {
            scratch.write("session-keys", format!("{},{}\n", first.0, first.1));
            scratch.write("edge-keys", format!("{},{}\n", second.0, second.1));
            counted(&stack, SESSION, "ok", step).await;
            counted(&stack, EDGE, "ok", step).await;
            after = Some(stack.signed_in("bob").await);
        }
        let after = after.expect("a session by the new keys");
        // The next refresh seals the older session with the new key.
        let refreshes = stack.idp.count("grant refresh_token").await;
        // With the second, the first is stored.
        wait::until("it is sealed anew", wait::START, async || {
            (stack.idp.count("grant refresh_token").await > refreshes + 1).then_some(())
        })
        .await;
        scratch.write("session-keys", &s2);
        counted(&stack, SESSION, "ok", 3).await;
        let so_far = rounds.get();
        wait::until("the older session was asked for once more", wait::START, async || {
            (rounds.get() > so_far.max(20) + 1).then_some(())
        })
        .await;
        after
    };
    let after = tokio::select! {
        () = ask_on(&stack, &before, &rounds) => unreachable!("it asks on"),
        after = rotation => after,
    };

    scratch.write("edge-keys", format!("{e2},{e2}"));
    counted(&stack, EDGE, "refused", 1).await;
    let operator = stack.agent();
    for program in programs(&stack) {
        wait::until("the last reload counts as refused", wait::START, async || {
            let good = program.metric(&operator, "config_last_reload_successful", "").await;
            (good < 0.5).then_some(())
        })
        .await;
    }
    assert_eq!(statuses(&stack, &before).await, [200; 4], "the last good ones stay");
    scratch.write("edge-keys", &e2);
    counted(&stack, EDGE, "ok", 3).await;
    assert_eq!(statuses(&stack, &after).await, [200; 4]);
    assert_eq!(statuses(&stack, &before).await, [401; 4], "its key was taken out");
    for (name, log) in stack.logs() {
        for secret in [&s1, &s2, &e1, &e2] {
            let secret = secret.split_once(':').map(|(_, secret)| secret).expect("kid:key");
            assert!(!log.contains(secret), "{name} holds a key");
        }
    }
}

/// The provider takes one secret at a time, as many do, and has the new one first.
#[tokio::test(flavor = "multi_thread")]
async fn c55_a_client_secret_is_exchanged_with_the_provider_without_a_restart_and_no_session_ends()
{
    const FILE: &str = "OIDC_CLIENT_SECRET_FILE";
    let scratch = Scratch::new();
    let file = scratch.write("client-secret", idp::BASIC_SECRET);
    let stack = Stack::plan()
        .idp("OP_AT_TTL", "2")
        .bff("TOKEN_REFRESH_THRESHOLD", "1")
        .bff("OIDC_CLIENT_SECRET", "")
        .bff(FILE, file.display())
        .start()
        .await;
    let (bff, session, coming) = (stack.bff_address, stack.agent(), stack.agent());
    stack.sign_in_directly(&session, "alice").await;
    let callback = stack.up_to_the_callback(&coming, "bob", bff).await;
    let call = async || {
        let call = stack.to_bff(bff, &session, Method::GET, "/api/orders");
        call.send().await.status.as_u16()
    };
    assert_eq!(call().await, 200);

    let next = "next-secret: with /odd+chars&=%";
    stack.idp.control("client", &json!({ "client_id": "bff-basic", "client_secret": next })).await;
    clock::reach(clock::now() + 3).await;
    assert!(
        matches!(call().await, 502..=504),
        "its token is over, and the secret is none any more"
    );
    assert_eq!(stack.session(&session).await["authenticated"], true);

    let operator = stack.agent();
    let labels = |result: &str| format!("file=\"files of providers\",result=\"{result}\"");
    for (text, result) in [("", "refused"), (next, "ok")] {
        scratch.write("client-secret", text);
        wait::until("bff has read the file", wait::START, async || {
            let count = stack.bff.metric(&operator, "config_reloads_total", &labels(result)).await;
            (count > 0.5).then_some(())
        })
        .await;
    }
    wait::until("the session has tokens again", wait::START, async || {
        (call().await == 200).then_some(())
    })
    .await;
    let landed = stack.visit_bff(bff, &coming, &callback).send().await;
    assert_eq!(landed.status, 303, "{}", landed.text());
    let arrived = stack.to_bff(bff, &coming, Method::GET, "/api/orders").send().await;
    assert_eq!(arrived.status, 200, "a login that was under way ends as it should");
    stack.sign_in_directly(&stack.agent(), "carol").await;
    let log = stack.bff.log();
    let told = "OIDC_CLIENT_SECRET_FILE: names a file that is empty";
    assert!(log.contains(told), "the setting is named");
    assert!(!log.contains("next-secret") && !log.contains("basic-secret"), "bff told a secret");
}
