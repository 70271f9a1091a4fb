//! Owns: one path: what may happen next, what happens, and what must hold after it and at its end.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use session::id::SessionId;
use shell::walk::Walk;

use super::crossing::{Fate, REPLICAS, Step};
use super::scene::{Caller, Errand, Got, Scene, settle, story, time_passes};

/// More time than anybody has reason to wait.
const TICKS_MAX: usize = 400;

/// What is explored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// How long the IdP forgives a second use.
    pub(super) grace: &'static str,
    /// The age in seconds of an access token that lives 300.
    pub(super) age: u64,
    pub(super) callers: &'static [Caller],
    /// How much goes wrong on one path, at most.
    pub(super) faults: usize,
    /// That is the end of the lease of somebody who lives, and nothing else.
    pub(super) only_the_lease: bool,
    /// How often time passes though somebody could go on.
    pub(super) haste: usize,
    /// How often a replica goes on though the one before could.
    pub(super) turns: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Goes(Step, Fate),
    Dies(usize),
    LeaseEnds,
    TimePasses,
}

/// Where all paths so far have led.
#[derive(Debug, Default)]
pub(super) struct Way {
    pub(super) walk: Walk,
    pub(super) known: HashSet<u64>,
    /// What may happen at each step of the path that was gone last.
    events: Vec<Vec<Event>>,
}

/// How the session fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    Lives,
    LoggedOut,
    Lost,
    Refused,
}

pub(super) struct Path<'a> {
    plan: &'a Plan,
    scene: &'a Scene,
    id: SessionId,
    errands: Vec<(Caller, Errand)>,
    steps: Vec<String>,
    faults: usize,
    haste: usize,
    turns: usize,
    /// Who went on last.
    last: Option<usize>,
    dead: [bool; REPLICAS],
    /// A token may be spent without anybody having its successor.
    doubtful: bool,
    refused: bool,
    stored: Option<usize>,
    ever_stored: Vec<usize>,
    age: u64,
    end: End,
}

impl<'a> Path<'a> {
    pub(super) async fn begin(plan: &'a Plan, scene: &'a Scene) -> Self {
        let id = scene.session(plan.age).await;
        let callers = plan.callers.iter();
        let errands = callers.map(|caller| (*caller, scene.send(*caller, &id))).collect();
        Self {
            plan,
            scene,
            id,
            errands,
            steps: Vec::new(),
            faults: plan.faults,
            haste: plan.haste,
            turns: plan.turns,
            last: None,
            dead: [false; REPLICAS],
            doubtful: false,
            refused: false,
            stored: Some(0),
            ever_stored: vec![0],
            age: plan.age,
            end: End::Lives,
        }
    }

    /// Goes the next of all paths, to its end or to where another one was before. `None` there.
    pub(super) async fn go(mut self, way: &mut Way) -> Option<End> {
        settle().await;
        let mut ticks = 0;
        let walked = loop {
            let place = self.steps.len();
            if way.walk.is_new() {
                if !way.known.insert(self.state()) {
                    break false;
                }
                way.events.truncate(place);
                way.events.push(self.events());
            }
            let event = match way.events[place].as_slice() {
                [] => break true,
                [event] => *event,
                events => events[way.walk.fork(events.len())],
            };
            ticks += usize::from(event == Event::TimePasses);
            assert!(ticks < TICKS_MAX, "this never ends\n{}", self.story());
            self.happens(event).await;
            if let Event::Goes(
                Step { call: "token" | "replace" | "delete" | "delete_version" | "take", .. },
                _,
            ) = event
            {
                self.look().await;
            }
        };
        if walked {
            self.finish().await;
            self.afterwards().await;
        }
        self.scene.crossing.open();
        self.scene.forget(&self.id).await;
        walked.then_some(self.end)
    }

    fn story(&self) -> String {
        let (books, past) = (self.scene.issuer.books(), self.scene.crossing.past());
        let got: Vec<_> = self.errands.iter().map(|(caller, got)| (caller, got.got())).collect();
        format!("{:?}\n{}{got:?}\n{books:?}\n{past:?}", self.plan, story(&self.steps))
    }

    /// All on which it depends how things go on.
    fn state(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let left = (self.faults, self.haste, self.turns, self.last);
        (self.dead, self.doubtful, self.refused).hash(&mut hasher);
        left.hash(&mut hasher);
        self.scene.crossing.hash(&mut hasher);
        self.scene.issuer.hash(&mut hasher);
        hasher.finish()
    }

    fn waiting(&self) -> Vec<Step> {
        let waiting = self.scene.crossing.waiting().into_iter();
        waiting.filter(|step| !self.dead[step.replica]).collect()
    }

    fn is_busy(&self, replica: usize) -> bool {
        let mut errands = self.errands.iter().filter(|(caller, _)| caller.replica() == replica);
        errands.any(|(_, errand)| errand.got().is_none()) || !self.scene.is_idle(replica)
    }

    fn events(&self) -> Vec<Event> {
        let waiting = self.waiting();
        let live = (0..REPLICAS).filter(|replica| !self.dead[*replica]);
        let busy: Vec<usize> = live.filter(|replica| self.is_busy(*replica)).collect();
        if busy.is_empty() {
            return Vec::new();
        }
        let goes_on = |step: &&Step| self.turns > 0 || !self.is_turn(&waiting, step.replica);
        let mut events: Vec<_> =
            waiting.iter().filter(goes_on).map(|step| Event::Goes(*step, Fate::Well)).collect();
        if waiting.is_empty() || self.haste > 0 {
            events.push(Event::TimePasses);
        }
        let leased = self.scene.crossing.leased();
        if leased.is_some_and(|holder| self.faults > 0 || self.dead[holder]) {
            events.push(Event::LeaseEnds);
        }
        if self.faults > 0 && !self.plan.only_the_lease {
            events.extend(busy.into_iter().map(Event::Dies));
            let fates = waiting.iter().filter(goes_on).flat_map(|step| {
                fates(step.call).iter().map(move |fate| Event::Goes(*step, *fate))
            });
            events.extend(fates);
        }
        events
    }

    /// Whether `replica` goes on though another could that went on before.
    fn is_turn(&self, waiting: &[Step], replica: usize) -> bool {
        let last = self.last.filter(|last| *last != replica);
        last.is_some_and(|last| waiting.iter().any(|step| step.replica == last))
    }

    async fn happens(&mut self, event: Event) {
        self.steps.push(match event {
            Event::Goes(step, fate) => format!("{}: {} {fate:?}", step.replica, step.call),
            event => format!("{event:?}"),
        });
        match event {
            Event::Goes(step, fate) => {
                self.faults -= usize::from(fate != Fate::Well);
                let turn = self.is_turn(&self.waiting(), step.replica);
                self.turns = self.turns.saturating_sub(usize::from(turn));
                self.last = Some(step.replica);
                let lost = matches!(fate, Fate::Unheard | Fate::Away);
                self.doubtful |= step.call == "token" && lost;
                self.refused |= fate == Fate::Refused;
                self.scene.crossing.go(step, fate);
            }
            Event::Dies(replica) => {
                self.faults -= 1;
                self.dead[replica] = true;
                self.doubtful = true;
            }
            Event::LeaseEnds => {
                let holder = self.scene.crossing.leased();
                self.faults -= usize::from(holder.is_some_and(|holder| !self.dead[holder]));
                self.doubtful = true;
                self.scene.end_lease(&self.id);
                self.scene.crossing.lease_is_over();
            }
            Event::TimePasses => {
                self.haste -= usize::from(!self.waiting().is_empty());
                self.scene.crossing.time_passed();
                time_passes().await;
            }
        }
        settle().await;
    }

    /// What must hold after every step.
    async fn look(&mut self) {
        let stored = self.scene.stored(&self.id).await;
        let books = self.scene.issuer.books();
        for token in &books.tokens {
            assert!(token.sent <= self.scene.issuer.most(), "spent again\n{}", self.story());
        }
        if stored == self.stored {
            return;
        }
        match (self.stored, stored) {
            (None, _) => panic!("the session came back\n{}", self.story()),
            (Some(before), Some(after)) => {
                let parent = books.tokens[after].parent;
                assert_eq!(parent, Some(before), "old over new\n{}", self.story());
                self.ever_stored.push(after);
            }
            (Some(_), None) => self.ended(),
        }
        self.stored = stored;
    }

    /// A session ends by a rule, or because its user wants it.
    fn ended(&mut self) {
        let told = self.scene.heard.since();
        let mut causes = told.iter().filter_map(|line| line.strip_prefix("session.revoked "));
        let end = match causes.next() {
            // Who deleted it was not told so.
            None if self.steps.last().is_some_and(|step| step.ends_with("take Unheard")) => {
                End::LoggedOut
            }
            None if self.steps.last().is_some_and(|step| step.ends_with("Unheard")) => {
                if self.refused { End::Refused } else { End::Lost }
            }
            None => panic!("ended without a word: {told:?}\n{}", self.story()),
            Some("logout") => End::LoggedOut,
            Some("invalid_grant") => End::Refused,
            Some("refresh_lost") => End::Lost,
            Some(cause) => panic!("{cause}\n{}", self.story()),
        };
        assert_eq!(causes.next(), None, "told twice\n{}", self.story());
        let is_dead = self.age >= 300;
        let may_be = match end {
            End::Lives | End::LoggedOut => true,
            End::Refused => self.refused,
            // Nobody has stored its successor.
            End::Lost => self.doubtful && is_dead && self.scene.crossing.past().intended.is_some(),
        };
        assert!(may_be, "ended by no rule: {end:?}\n{}", self.story());
        self.end = end;
    }

    /// What must hold once nobody has anything left to do.
    async fn finish(&self) {
        let past = self.scene.crossing.past();
        let unharmed = self.faults == self.plan.faults;
        if self.dead == [false; REPLICAS] {
            let free = self.scene.lease_is_free(&self.id).await;
            assert!(free || !unharmed, "a lease is left behind\n{}", self.story());
            assert!(free == past.leased.is_none(), "we know of no lease\n{}", self.story());
        }
        for (caller, errand) in &self.errands {
            let got = errand.got();
            let good = match (caller, &got) {
                (caller, None) => self.dead[caller.replica()],
                (Caller::Calls(_), Some(Got::Token(number))) => {
                    self.ever_stored.contains(number) && (*number > 0 || self.plan.age < 300)
                }
                (_, Some(Got::Unauthenticated)) | (Caller::LogsOut(_), Some(Got::Done)) => {
                    self.stored.is_none()
                }
                (Caller::Looks(_), Some(Got::Done)) => true,
                (_, Some(Got::Later)) => !unharmed,
                (_, Some(Got::Done | Got::Token(_))) => false,
            };
            assert!(good, "{caller:?} got {got:?}\n{}", self.story());
        }
        let books = self.scene.issuer.books();
        if self.stored.is_some() {
            assert!(books.revoked.is_empty(), "revoked in use\n{}", self.story());
        } else if unharmed {
            let newest = books.tokens.len() - 1;
            assert!(books.revoked.contains(&newest), "a good token is left\n{}", self.story());
        }
    }

    /// The session is used once more, and again when its tokens are over: nothing is stuck.
    async fn afterwards(&mut self) {
        self.scene.crossing.open();
        self.scene.end_lease(&self.id);
        for age in [303, 606] {
            self.age = age;
            self.scene.is_of_age(age);
            let dead = self.dead;
            for replica in (0..REPLICAS).filter(|replica| !dead[*replica]) {
                let errand = self.scene.send(Caller::Calls(replica), &self.id);
                settle().await;
                for _ in 0..TICKS_MAX {
                    if errand.got().is_some() {
                        break;
                    }
                    time_passes().await;
                }
                self.steps.push(format!("{replica}: called at {age} s, got {:?}", errand.got()));
                self.look().await;
                let expected = self.stored.map_or(Got::Unauthenticated, Got::Token);
                assert_eq!(errand.got(), Some(expected), "\n{}", self.story());
                assert_ne!(self.stored, Some(0), "the old token is of no use\n{}", self.story());
            }
        }
    }
}

/// How a call may go wrong.
fn fates(call: &str) -> &'static [Fate] {
    match call {
        "load" | "slide" => &[Fate::Away],
        "token" => &[Fate::Unheard, Fate::Away, Fate::Busy, Fate::Refused],
        _ => &[Fate::Unheard, Fate::Away],
    }
}
