//! Customers that get a token from the provider, use it at once, and go on using those they have.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use e2e::idp::AUDIENCE;
use e2e::wait;
use tokio::task::JoinSet;
use validator_lib::Validator;

use crate::scene::{Scene, bear};
use crate::token;

/// How many customers there are; each does one thing after the other.
const CUSTOMERS: usize = 8;
/// How many tokens are in use besides new ones.
const IN_USE: usize = 64;
/// How many of them a customer uses for each that it gets.
const USES: usize = 24;

/// Customers at work.
pub(crate) struct Load {
    shared: Arc<Shared>,
    customers: JoinSet<()>,
}

/// The answers to good tokens: how often each status and reason came.
pub(crate) type Answers = BTreeMap<(u16, &'static str), u64>;

struct Shared {
    scene: Arc<Scene>,
    validator: Validator,
    stopped: AtomicBool,
    minting: AtomicBool,
    rounds: [AtomicU64; CUSTOMERS],
    turn: AtomicUsize,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    in_use: VecDeque<Arc<str>>,
    /// How many new tokens each key has signed.
    signed: BTreeMap<String, u64>,
    /// Keys whose tokens are good no more.
    withdrawn: BTreeSet<String>,
    answers: Answers,
    /// What the first answers were about that are not 200.
    refused: Vec<String>,
}

impl Load {
    /// Lets customers use tokens for [`AUDIENCE`] from the provider of `scene`.
    pub(crate) fn start(scene: &Arc<Scene>, validator: &Validator) -> Self {
        let shared = Arc::new(Shared {
            scene: Arc::clone(scene),
            validator: validator.clone(),
            stopped: AtomicBool::new(false),
            minting: AtomicBool::new(true),
            rounds: Default::default(),
            turn: AtomicUsize::new(0),
            book: Mutex::default(),
        });
        let mut customers = JoinSet::new();
        for number in 0..CUSTOMERS {
            let shared = Arc::clone(&shared);
            customers.spawn(async move { shared.customer(number).await });
        }
        Self { shared, customers }
    }

    /// Waits until `kid` has signed `count` new tokens and each of them was used.
    pub(crate) async fn signed(&self, kid: &str, count: u64) {
        self.until(&format!("{count} tokens by {kid}"), || {
            self.shared.book().signed.get(kid).is_some_and(|signed| *signed >= count)
        })
        .await;
    }

    /// Waits until every customer has gone through `count` whole rounds more.
    pub(crate) async fn rounds(&self, count: u64) {
        // The one that each is in has begun already.
        let goals: Vec<_> = self.shared.rounds().map(|rounds| rounds + count + 1).collect();
        self.until(&format!("{count} rounds"), || {
            self.shared.rounds().zip(&goals).all(|(rounds, goal)| rounds >= *goal)
        })
        .await;
    }

    /// Lets no new tokens be got, or lets them again.
    pub(crate) async fn minting(&self, on: bool) {
        self.shared.minting.store(on, Ordering::SeqCst);
        self.rounds(1).await;
    }

    /// Has every token thrown away that another key than `kid` signed, as after its expiry; what is being
    /// done with them is done when this returns.
    pub(crate) async fn only(&self, kid: &str) {
        {
            let mut book = self.shared.book();
            let others: Vec<_> =
                book.signed.keys().filter(|other| *other != kid).cloned().collect();
            book.withdrawn.extend(others);
            book.drop_withdrawn();
        }
        self.rounds(1).await;
    }

    /// What good tokens were answered so far.
    pub(crate) fn answers(&self) -> Answers {
        self.shared.book().answers.clone()
    }

    /// Fails where a good token met another answer than 200 so far.
    pub(crate) fn all_good(&self) {
        let book = self.shared.book();
        let others = book.answers.keys().filter(|(status, _)| *status != 200).count();
        assert_eq!(others, 0, "{:?}\n{}", book.answers, book.refused.join("\n"));
    }

    /// Fails where a good token met 401 so far.
    pub(crate) fn no_false_401(&self) {
        let book = self.shared.book();
        let false_401 = book.answers.keys().any(|(status, _)| *status == 401);
        assert!(!false_401, "{:?}\n{}", book.answers, book.refused.join("\n"));
    }

    /// Stops and returns what good tokens were answered.
    pub(crate) async fn stop(mut self) -> Answers {
        self.shared.stopped.store(true, Ordering::SeqCst);
        while let Some(ended) = self.customers.join_next().await {
            ended.expect("a customer's task");
        }
        self.answers()
    }

    async fn until(&self, what: &str, reached: impl Fn() -> bool) {
        let ends = || self.customers.len() == CUSTOMERS;
        wait::until(what, wait::START, async || {
            assert!(ends(), "a customer is gone");
            reached().then_some(())
        })
        .await;
    }
}

impl Shared {
    async fn customer(&self, number: usize) {
        let agent = self.scene.agent.another();
        while !self.stopped.load(Ordering::SeqCst) {
            if self.minting.load(Ordering::SeqCst) {
                let minted = self.scene.try_mint(&agent, AUDIENCE).await.expect("a token");
                self.use_new(minted.into()).await;
            }
            for _ in 0..USES {
                let turn = self.turn.fetch_add(1, Ordering::Relaxed);
                let token = {
                    let book = self.book();
                    let index = turn.checked_rem(book.in_use.len());
                    index.map(|index| Arc::clone(&book.in_use[index]))
                };
                if let Some(token) = token {
                    self.use_once(&token).await;
                }
                tokio::task::yield_now().await;
            }
            self.rounds[number].fetch_add(1, Ordering::SeqCst);
        }
    }

    async fn use_new(&self, token: Arc<str>) {
        let kid = token::kid(&token);
        // Signed before its key was withdrawn and under way since.
        if self.book().withdrawn.contains(&kid) {
            return;
        }
        self.use_once(&token).await;
        let mut book = self.book();
        *book.signed.entry(kid).or_default() += 1;
        book.in_use.push_back(token);
        book.drop_withdrawn();
        if book.in_use.len() > IN_USE {
            // An old one every other time, so that old and new ones stay in use.
            let place = self.turn.fetch_add(1, Ordering::Relaxed) % IN_USE;
            book.in_use.remove(place);
        }
    }

    async fn use_once(&self, token: &str) {
        let outcome = {
            let _standing = self.scene.standing().await;
            bear(&self.validator, token).await
        };
        let mut book = self.book();
        let answer = outcome.as_ref().err().map_or((200, ""), |no| (no.status(), no.reason()));
        *book.answers.entry(answer).or_default() += 1;
        if let Err(refusal) = outcome
            && book.refused.len() < 10
        {
            let issued_at = token::claims(token)["iat"].clone();
            let now = self.scene.now();
            book.refused
                .push(format!("{refusal}: {}, iat {issued_at}, now {now}", token::kid(token)));
        }
    }

    fn rounds(&self) -> impl Iterator<Item = u64> {
        self.rounds.iter().map(|rounds| rounds.load(Ordering::SeqCst))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn drop_withdrawn(&mut self) {
        let Self { in_use, withdrawn, .. } = self;
        in_use.retain(|token| !withdrawn.contains(&token::kid(token)));
    }
}
