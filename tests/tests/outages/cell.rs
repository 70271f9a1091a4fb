//! One fault under load, from before it to after it.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, interval, sleep_until, timeout};

use crate::client::Client;
use crate::fault::{Fault, Part, mend, strike};
use crate::judge::{Case, Line, Times, judge};
use crate::load::Load;
use crate::watch::NOTICED;

const BEFORE: Duration = Duration::from_millis(500);
const DURING: Duration = Duration::from_millis(1_500);
/// For as long as that a replica that says nothing is noticed.
const LOST: Duration = Duration::from_secs(2);
/// From the return of a part to the last request that is told of it.
const BACK: Duration = Duration::from_secs(2);
/// The same from a new master on.
const TAKEN_OVER: Duration = Duration::from_secs(1);
const AFTER: Duration = Duration::from_millis(500);
/// By when a session can be ended, whatever goes away.
const ENDED: Duration = Duration::from_secs(20);
/// Where a part has another beside it, only what is under way is lost; and what a shared machine adds.
const UNDER_WAY: Duration = Duration::from_millis(150);

/// These tests measure time: one fault at a time.
pub(crate) static ALONE: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);

/// Who takes part.
pub(crate) struct Cast {
    pub(crate) clients: Vec<Arc<Client>>,
    /// Goes on after its session was ended.
    pub(crate) unaware: Arc<Client>,
    /// The same, and ends it.
    pub(crate) ending: Client,
}

impl Cast {
    fn start(&self) -> Load {
        let mut clients = self.clients.clone();
        clients.push(Arc::clone(&self.unaware));
        Load::start(&clients)
    }

    /// Ends the session as soon as anybody takes that, and says when it was known.
    async fn end(&self) -> Instant {
        let mut tick = interval(Duration::from_millis(100));
        let ended = async {
            while !self.ending.sign_out().await {
                tick.tick().await;
            }
        };
        timeout(ENDED, ended).await.expect("somebody takes a logout");
        Instant::now()
    }
}

/// A fault of a part that comes back.
pub(crate) async fn outage(cast: &Cast, row: Case, part: &mut impl Part) -> Line {
    let load = cast.start();
    sleep_until(Instant::now() + BEFORE).await;
    let gone = strike(part, row.fault).await;
    let faulty = async {
        sleep_until(gone + DURING).await;
        let back = mend(part, row.fault).await;
        sleep_until(back + BACK + AFTER).await;
        back
    };
    let (back, ended) = tokio::join!(faulty, cast.end());
    let seen = load.stop().await;
    judge(row, Times { gone, back, done: back + BACK, ended }, &seen)
}

/// A fault of one of two replicas: back is when no more requests are sent to it.
pub(crate) async fn loss(cast: &Cast, row: Case, part: &mut impl Part) -> Line {
    let load = cast.start();
    sleep_until(Instant::now() + BEFORE).await;
    let gone = strike(part, row.fault).await;
    let faulty = async {
        sleep_until(gone + LOST).await;
        let back = mend(part, row.fault).await;
        sleep_until(back + AFTER).await;
    };
    let ((), ended) = tokio::join!(faulty, cast.end());
    let seen = load.stop().await;
    let back = match row.fault {
        Fault::Killed | Fault::Cut => gone,
        Fault::Frozen | Fault::Mute => gone + NOTICED,
    };
    judge(row, Times { gone, back, done: back + UNDER_WAY, ended }, &seen)
}

/// Several servers of which one is the master.
pub(crate) trait Group {
    type Member: Part;
    /// The port of the master.
    async fn master(&mut self) -> u16;
    /// The member that clients find at this port.
    fn member(&mut self, port: u16) -> &mut Self::Member;
    /// Waits until another one is announced as the master.
    async fn failed_over(&self, from: u16);
}

/// A fault of a master whose place another one takes, up to its own return.
pub(crate) async fn failover(cast: &Cast, row: Case, group: &mut impl Group) -> Line {
    let master = group.master().await;
    let load = cast.start();
    sleep_until(Instant::now() + BEFORE).await;
    let gone = strike(group.member(master), row.fault).await;
    let faulty = async {
        group.failed_over(master).await;
        let announced = Instant::now();
        sleep_until(announced + TAKEN_OVER + AFTER).await;
        // Its return, perhaps in the belief of being the master, must not be noticed.
        mend(group.member(master), row.fault).await;
        sleep_until(Instant::now() + AFTER).await;
        announced
    };
    let (back, ended) = tokio::join!(faulty, cast.end());
    let seen = load.stop().await;
    judge(row, Times { gone, back, done: back + TAKEN_OVER, ended }, &seen)
}
