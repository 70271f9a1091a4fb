//! A flood of tokens with invented kids.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use e2e::idp::AUDIENCE;
use tokio::task::JoinSet;
use validator_lib::Validator;
use validator_lib::keysource::COOLDOWN_SECS;

use crate::scene::{Scene, bear};
use crate::token::Attacker;

const INVENTED: u64 = 100_000;
const TASKS: usize = 32;
/// After how many invented ones the clock moves on by a second.
const A_SECOND: u64 = 1_000;
/// After how many invented ones a task uses a good one.
const GOOD: u64 = 50;
/// What would show if names were kept: three times the limit on growth.
const NAME_BYTES: usize = 1_000;
const GROWTH: u64 = 32 * 1024 * 1024;

struct Flood {
    scene: Arc<Scene>,
    validator: Validator,
    attacker: Attacker,
    good: String,
    sent: AtomicU64,
}

/// How often each answer came, by the age of the token.
type Answers = BTreeMap<(&'static str, u16, &'static str), u64>;

impl Flood {
    async fn attack(&self) -> Answers {
        let mut answers = Answers::new();
        loop {
            let number = self.sent.fetch_add(1, Ordering::SeqCst);
            if number >= INVENTED {
                return answers;
            }
            if number > 0 && number.is_multiple_of(A_SECOND) {
                self.scene.advance(1).await;
            }
            let now = self.scene.now();
            let (age, issued_at) =
                if number.is_multiple_of(2) { ("new", now) } else { ("old", now - 3_600) };
            let kid = format!("{number:0NAME_BYTES$}");
            let refusal = bear(&self.validator, &self.attacker.token_of(&kid, issued_at)).await;
            let refusal = refusal.expect_err("signed by nobody");
            *answers.entry((age, refusal.status(), refusal.reason())).or_default() += 1;
            if number.is_multiple_of(GOOD) {
                let outcome = bear(&self.validator, &self.good).await;
                assert!(outcome.is_ok(), "a good token after {number} invented: {outcome:?}");
            }
            tokio::task::yield_now().await;
        }
    }
}

/// The name of the test below, and what tells it that it is alone.
const TEST: &str =
    "invented::t12_a_hundred_thousand_invented_kids_cost_the_provider_one_fetch_in_a_cooldown";
const ALONE: &str = "WICKETGATE_INVENTED_ALONE";

/// Memory is that of a process, so the flood has one of its own: the other tests of this one would grow
/// meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn t12_a_hundred_thousand_invented_kids_cost_the_provider_one_fetch_in_a_cooldown() {
    if std::env::vars_os().any(|(name, _)| name == ALONE) {
        println!("{}", flood().await);
        return;
    }
    let alone = tokio::task::spawn_blocking(|| {
        let this = std::env::current_exe().expect("this program");
        Command::new(this).args(["--exact", TEST, "--nocapture"]).env(ALONE, "1").output()
    });
    let ended = alone.await.expect("a task").expect("this program starts");
    let told = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{told}\n{}", String::from_utf8_lossy(&ended.stderr));
    assert!(told.contains("1 passed"), "the flood did not run: {told}");
    print!("{told}");
}

/// Says what happened.
async fn flood() -> String {
    let scene = Arc::new(Scene::start(&[]).await);
    let flood = Arc::new(Flood {
        validator: scene.validator().await,
        attacker: Attacker::new(&scene),
        good: scene.mint(AUDIENCE).await,
        sent: AtomicU64::new(0),
        scene: Arc::clone(&scene),
    });
    assert!(bear(&flood.validator, &flood.good).await.is_ok());
    let (began, memory) = (scene.now(), resident());
    let before = scene.fetches().await;

    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let flood = Arc::clone(&flood);
        tasks.spawn(async move { flood.attack().await });
    }
    let mut answers = Answers::new();
    while let Some(part) = tasks.join_next().await {
        for (answer, count) in part.expect("an attacker's task") {
            *answers.entry(answer).or_default() += count;
        }
    }

    let took = scene.now() - began;
    let fetches = scene.fetches().await - before;
    let grown = resident().saturating_sub(memory);
    let told = format!("{fetches} fetches in {took} s, {} KiB more, {answers:?}", grown / 1024);
    assert_eq!(answers.values().sum::<u64>(), INVENTED);
    assert!(took >= 3 * COOLDOWN_SECS, "{took}");
    assert!((1..=took / COOLDOWN_SECS + 1).contains(&fetches), "{fetches} in {took} s");
    assert!(grown < GROWTH, "{grown} bytes");
    // Who says that a token is old enough is told that it is none. Who says that it is new is told so where
    // his own question was put to the provider, and to come again where it was not.
    let refused = answers.remove(&("old", 401, "key_unknown")).unwrap_or(0);
    assert_eq!(refused, INVENTED / 2, "{answers:?}");
    let asked = answers.remove(&("new", 401, "key_unknown")).unwrap_or(0);
    assert!(asked <= fetches, "{asked} of {fetches}");
    let told_to_wait = answers.remove(&("new", 503, "jwks_cooldown")).unwrap_or(0);
    assert_eq!(asked + told_to_wait, INVENTED / 2, "{answers:?}");
    told
}

/// The resident memory of this process in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("there is /proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line for it");
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kibibytes * 1024
}
