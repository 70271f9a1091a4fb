//! Owns: the place where replicas wait before every step that somebody else could notice, until they are
//! let go, one at a time.

use std::fmt::{self, Debug};
use std::future::Future;
use std::hash::{Hash as _, Hasher};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};

use session::faulty::{Fault, Turnstile};
use tokio::sync::oneshot;

pub(super) const REPLICAS: usize = 2;

/// Calls to the store that wait. What the others do decides nothing about tokens and the end of a session.
const STEPS: [&str; 11] = [
    "load",
    "slide",
    "replace",
    "intend",
    "forget_intent",
    "delete",
    "delete_version",
    "take",
    "acquire_lease",
    "extend_lease",
    "release_lease",
];

/// How a step fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Fate {
    Well,
    /// It is carried out, and the answer gets lost.
    Unheard,
    /// Nothing is carried out. Of a store that is known, of the IdP it is not.
    Away,
    /// The IdP says that it did nothing.
    Busy,
    /// The IdP takes the token for dead, and from now on all that descends from it.
    Refused,
}

/// A step that is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) number: usize,
    pub(super) replica: usize,
    pub(super) call: &'static str,
}

/// What happened so far, as far as anybody could notice. Two paths that agree in it go on alike.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Past {
    /// What each replica did and heard, in its order.
    pub(super) seen: [Vec<String>; REPLICAS],
    /// What changed the store, in the store's order: by whom, and as which of its steps.
    pub(super) written: Vec<(usize, usize)>,
    pub(super) leased: Option<usize>,
    /// The replica that wrote down that it spends the refresh token which the session holds.
    pub(super) intended: Option<usize>,
    /// Changes of the session among `written`.
    changes: usize,
}

#[derive(Default)]
struct State {
    past: Past,
    waiting: Vec<(Step, oneshot::Sender<Fate>)>,
    steps: usize,
    open: bool,
}

/// Clones are one.
#[derive(Clone, Default)]
pub(super) struct Crossing(Arc<Mutex<State>>);

impl Crossing {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// As if nothing had happened.
    pub(super) fn clear(&self) {
        *self.lock() = State::default();
    }

    /// Nobody waits any more, but for those who do already.
    pub(super) fn open(&self) {
        self.lock().open = true;
    }

    pub(super) fn past(&self) -> Past {
        self.lock().past.clone()
    }

    /// The replica that holds the lease.
    pub(super) fn leased(&self) -> Option<usize> {
        self.lock().past.leased
    }

    pub(super) fn hash(&self, hasher: &mut impl Hasher) {
        self.lock().past.hash(hasher);
    }

    /// The steps that replicas wait with, in the order in which they came.
    pub(super) fn waiting(&self) -> Vec<Step> {
        self.lock().waiting.iter().map(|(step, _)| *step).collect()
    }

    /// Lets a step go.
    pub(super) fn go(&self, step: Step, fate: Fate) {
        let mut state = self.lock();
        let place = state.waiting.iter().position(|(waiting, _)| waiting.number == step.number);
        let (_, go) = state.waiting.remove(place.unwrap());
        state.past.seen[step.replica].push(format!("{} {fate:?}", step.call));
        // Whoever waited may have given up.
        let _given_up = go.send(fate).is_err();
    }

    pub(super) fn lease_is_over(&self) {
        let past = &mut self.lock().past;
        past.leased = None;
        past.written.push((usize::MAX, 0));
    }

    pub(super) fn time_passed(&self) {
        for seen in &mut self.lock().past.seen {
            seen.push("time".to_owned());
        }
    }

    /// Waits as `replica` until `call` may go.
    pub(super) async fn wait(&self, replica: usize, call: &'static str) -> Fate {
        let gone = {
            let mut state = self.lock();
            if state.open {
                return Fate::Well;
            }
            let (go, gone) = oneshot::channel();
            state.steps += 1;
            let step = Step { number: state.steps, replica, call };
            state.waiting.push((step, go));
            gone
        };
        match gone.await {
            Ok(fate) => fate,
            Err(_) => std::future::pending().await,
        }
    }

    /// What `replica` was told at its last step.
    pub(super) fn heard(&self, replica: usize, answer: &str) {
        if let Some(seen) = self.lock().past.seen[replica].last_mut() {
            seen.push_str(answer);
        }
    }

    fn stored(&self, replica: usize, call: &'static str, answer: &str) {
        let mut state = self.lock();
        if state.open {
            return;
        }
        let past = &mut state.past;
        let changes_session = matches!(
            (call, answer),
            ("replace" | "slide" | "delete_version", "Ok(Done)") | ("delete" | "take", "Ok(true)")
        );
        let writes = changes_session
            || matches!(
                (call, answer),
                ("intend", "Ok(First)" | "Ok(Again)")
                    | ("forget_intent" | "release_lease", _)
                    | ("acquire_lease", "Ok(true)")
            );
        if call == "acquire_lease" && answer == "Ok(true)" {
            past.leased = Some(replica);
        }
        if call == "release_lease" && past.leased == Some(replica) {
            past.leased = None;
        }
        match (call, answer) {
            ("intend", "Ok(First)" | "Ok(Again)") => past.intended = Some(replica),
            ("forget_intent", _) if past.intended == Some(replica) => past.intended = None,
            ("replace", "Ok(Done)") => past.intended = None,
            _ => {}
        }
        if writes {
            past.written.push((replica, past.seen[replica].len()));
        }
        past.changes += usize::from(changes_session);
        // Sealed bytes differ from path to path; by whom they were written does not.
        let told = if call == "load" { format!(" {}", past.changes) } else { format!(" {answer}") };
        past.seen[replica].last_mut().unwrap().push_str(&told);
    }

    /// The way of `replica` to the store.
    pub(super) fn turnstile(&self, replica: usize) -> Arc<dyn Turnstile> {
        Arc::new(Way { crossing: self.clone(), replica })
    }
}

struct Way {
    crossing: Crossing,
    replica: usize,
}

impl Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Way({})", self.replica)
    }
}

impl Turnstile for Way {
    fn pass(&self, call: &'static str) -> Pin<Box<dyn Future<Output = Option<Fault>> + Send + '_>> {
        Box::pin(async move {
            if !STEPS.contains(&call) {
                return None;
            }
            match self.crossing.wait(self.replica, call).await {
                Fate::Well => None,
                Fate::Unheard => Some(Fault::AnswerLost),
                Fate::Away | Fate::Busy | Fate::Refused => Some(Fault::Away),
            }
        })
    }

    fn passed(&self, call: &'static str, answer: &dyn Debug) {
        if !STEPS.contains(&call) {
            return;
        }
        let answer = match call {
            "load" => String::new(),
            "take" => format!("Ok({})", format!("{answer:?}") != "Ok(None)"),
            _ => format!("{answer:?}"),
        };
        self.crossing.stored(self.replica, call, &answer);
    }
}
