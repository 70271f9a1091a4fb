//! Callers that ask, wait and go away, and works that end or die, in every order: also in the moment in
//! which a work has told its result and is not yet gone, for a waker runs just there.

use std::collections::HashSet;
use std::future::Future;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use shell::walk::Walk;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::*;

const CALLERS: usize = 3;

/// What a caller does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Asks(usize),
    Looks(usize),
    Leaves(usize),
    /// The work is told to end so.
    Ends {
        well: bool,
    },
    /// Tasks go on until they all wait.
    Runs,
}

#[derive(Default)]
struct Caller {
    wait: Option<Pin<Box<dyn Future<Output = Option<usize>> + Send>>>,
    /// The number of the work that was under way, or begun, when it asked.
    work: Option<usize>,
    looked: bool,
    left: bool,
}

/// Works, by their number.
#[derive(Default)]
struct Works {
    /// How each is to end.
    orders: Vec<Option<oneshot::Sender<bool>>>,
    ordered: Vec<bool>,
    ended: Vec<bool>,
    running: usize,
}

/// Clones are one.
#[derive(Clone)]
struct Scene {
    flights: SingleFlight<u8, usize>,
    tasks: Shutdown,
    works: Arc<Mutex<Works>>,
    callers: Arc<Mutex<[Caller; CALLERS]>>,
    /// The path is at its end; what is thrown away there wakes nobody.
    over: Arc<AtomicBool>,
}

impl Scene {
    /// A caller asks, perhaps while another is being told.
    fn ask(&self, caller: usize) {
        let begun = Mutex::new(None);
        let work = || {
            let (order, ordered) = oneshot::channel();
            let mut works = self.works.lock().unwrap();
            let number = works.orders.len();
            *begun.lock().unwrap() = Some(number);
            works.orders.push(Some(order));
            works.running += 1;
            assert_eq!(works.running, 1, "two works at once");
            let works = Arc::clone(&self.works);
            async move {
                let well = ordered.await.unwrap();
                let mut works = works.lock().unwrap();
                works.running -= 1;
                works.ended.push(well);
                drop(works);
                if !well {
                    // Dies without a word on the test's output.
                    std::panic::resume_unwind(Box::new("dies"));
                }
                number
            }
        };
        let wait = self.flights.begin(1, &self.tasks, work);
        let begun = begun.into_inner().unwrap();
        assert_eq!(wait.joined(), begun.is_none());
        let latest = self.works.lock().unwrap().orders.len() - 1;
        let mut callers = self.callers.lock().unwrap();
        callers[caller].work = Some(begun.unwrap_or(latest));
        callers[caller].wait = Some(Box::pin(wait.result()));
    }

    /// What the caller's work gave, if it is told. Woken, `asks` asks at once.
    fn look(&self, caller: usize, asks: Option<usize>) -> Poll<Option<usize>> {
        let waker = Waker::from(Arc::new(Woken { scene: self.clone(), asks }));
        let Some(mut wait) = self.callers.lock().unwrap()[caller].wait.take() else {
            return Poll::Pending;
        };
        let looked = wait.as_mut().poll(&mut Context::from_waker(&waker));
        let mut callers = self.callers.lock().unwrap();
        callers[caller].looked = true;
        if looked.is_pending() {
            callers[caller].wait = Some(wait);
        }
        looked
    }

    /// A caller is told what came of the very work that it asked for.
    fn told(&self, caller: usize, told: Option<usize>) {
        let number = self.callers.lock().unwrap()[caller].work.unwrap();
        let well = self.works.lock().unwrap().ended[number];
        assert_eq!(told, well.then_some(number), "the result of another work");
    }

    /// All on which it depends how things go on.
    fn state(&self, ran: bool) -> u64 {
        let mut hasher = DefaultHasher::new();
        for caller in self.callers.lock().unwrap().iter() {
            (caller.wait.is_some(), caller.work, caller.looked, caller.left).hash(&mut hasher);
        }
        let works = self.works.lock().unwrap();
        works.orders.iter().for_each(|order| order.is_some().hash(&mut hasher));
        (ran, &works.ordered, &works.ended).hash(&mut hasher);
        hasher.finish()
    }

    fn is_under_way(&self) -> bool {
        self.works.lock().unwrap().orders.last().is_some_and(Option::is_some)
    }
}

struct Woken {
    scene: Scene,
    asks: Option<usize>,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        if let Some(caller) = self.asks
            && !self.scene.over.load(Ordering::SeqCst)
            && self.scene.callers.lock().unwrap()[caller].work.is_none()
        {
            self.scene.ask(caller);
        }
    }
}

/// One path. `nested`: a caller that asks as soon as the first is told.
async fn path(walk: &mut Walk, known: &mut HashSet<u64>, nested: Option<usize>) {
    let scene = Scene {
        flights: SingleFlight::default(),
        tasks: Shutdown::new(),
        works: Arc::default(),
        callers: Arc::default(),
        over: Arc::default(),
    };
    let mut ran = true;
    loop {
        if walk.is_new() && !known.insert(scene.state(ran)) {
            scene.over.store(true, Ordering::SeqCst);
            return;
        }
        let events = events(&scene, ran, nested);
        let event = match events.as_slice() {
            [] => break,
            [event] => *event,
            events => events[walk.fork(events.len())],
        };
        match event {
            Event::Asks(caller) => {
                scene.ask(caller);
                // All tasks waited, so a work whose end was ordered was gone.
                let work = scene.callers.lock().unwrap()[caller].work.unwrap();
                let ended = scene.works.lock().unwrap().ended.len();
                assert!(!ran || work == ended, "joined a work that was gone");
            }
            Event::Looks(caller) => {
                if let Poll::Ready(told) = scene.look(caller, nested.filter(|_| caller == 0)) {
                    scene.told(caller, told);
                }
            }
            Event::Leaves(caller) => {
                let mut callers = scene.callers.lock().unwrap();
                callers[caller].left = true;
                let gone = callers[caller].wait.take();
                drop(callers);
                drop(gone);
            }
            Event::Ends { well } => {
                let mut works = scene.works.lock().unwrap();
                works.ordered.push(well);
                let order = works.orders.last_mut().and_then(Option::take);
                order.unwrap().send(well).unwrap();
            }
            Event::Runs => {
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
            }
        }
        ran = event == Event::Runs;
    }
    let waiting: Vec<usize> = {
        let callers = scene.callers.lock().unwrap();
        (0..CALLERS).filter(|caller| callers[*caller].wait.is_some()).collect()
    };
    for caller in waiting {
        let Poll::Ready(told) = scene.look(caller, None) else { panic!("waits for ever") };
        scene.told(caller, told);
    }
    let works = scene.works.lock().unwrap();
    assert_eq!(works.ended.len(), works.orders.len(), "a work was given up");
    assert!(!scene.flights.is_flying(), "a work is remembered that is gone");
}

fn events(scene: &Scene, ran: bool, nested: Option<usize>) -> Vec<Event> {
    let mut events = Vec::new();
    let callers = scene.callers.lock().unwrap();
    for (number, caller) in callers.iter().enumerate() {
        if caller.work.is_none() {
            // Who asks when woken may find that nobody is.
            if nested != Some(number) || callers[0].looked {
                events.push(Event::Asks(number));
            }
        } else if caller.wait.is_some() && !caller.left {
            if !caller.looked {
                events.push(Event::Looks(number));
            }
            events.push(Event::Leaves(number));
        }
    }
    drop(callers);
    if scene.is_under_way() {
        events.extend([true, false].map(|well| Event::Ends { well }));
    }
    if !ran {
        events.push(Event::Runs);
    }
    // The rest is to wait until the end.
    let over = events.iter().all(|event| matches!(event, Event::Looks(_) | Event::Leaves(_)));
    if over { Vec::new() } else { events }
}

#[test]
fn c49_c50_in_every_order_of_asking_leaving_and_ending_each_is_told_what_it_asked_for() {
    let mut paths = 0;
    for nested in [None, Some(2)] {
        let (mut walk, mut known) = (Walk::default(), HashSet::new());
        while walk.next_path() {
            let runtime = Builder::new_current_thread().build().unwrap();
            runtime.block_on(path(&mut walk, &mut known, nested));
        }
        paths += walk.paths();
    }
    println!("{paths} paths");
    assert!(paths > 10_000, "{paths} paths");
}
