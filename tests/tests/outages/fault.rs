//! What can happen to a part, and the parts to which it happens.

use std::fmt;

use e2e::agent::Agent;
use e2e::cluster::Node;
use e2e::idp::Idp;
use e2e::program::Program;
use e2e::redis::Redis;
use e2e::sentinel::Server;
use e2e::wire::Wire;
use rustix::process::Signal;
use tokio::time::Instant;

/// What happens to a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// `kill -9`, and connections are refused until it is started again.
    Killed,
    /// `SIGSTOP`: connections stay open, the kernel accepts more, and nothing answers.
    Frozen,
    /// Connections break off and are refused; the part itself lives.
    Cut,
    /// Nothing passes and nothing is closed. What was connected stays so for ever.
    Mute,
}

impl Fault {
    pub(crate) const ALL: [Self; 4] = [Self::Killed, Self::Frozen, Self::Cut, Self::Mute];
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Killed => "killed",
            Self::Frozen => "frozen",
            Self::Cut => "cut off",
            Self::Mute => "black hole",
        })
    }
}

/// A real process behind a line.
pub(crate) trait Part {
    fn wire(&self) -> &Wire;
    fn kill(&mut self);
    fn freeze(&mut self);
    fn thaw(&mut self);
    /// Starts it again and waits until it answers.
    async fn restart(&mut self);
}

/// Does `fault` to `part`, and says when.
pub(crate) async fn strike(part: &mut impl Part, fault: Fault) -> Instant {
    let gone = Instant::now();
    match fault {
        Fault::Killed => {
            part.kill();
            part.wire().refuse().await;
        }
        Fault::Frozen => part.freeze(),
        Fault::Cut => part.wire().refuse().await,
        Fault::Mute => part.wire().mute(),
    }
    gone
}

/// Takes it back, and says when the part was there again.
pub(crate) async fn mend(part: &mut impl Part, fault: Fault) -> Instant {
    match fault {
        Fault::Killed => {
            part.restart().await;
            part.wire().mend();
        }
        Fault::Frozen => part.thaw(),
        Fault::Cut | Fault::Mute => part.wire().mend(),
    }
    Instant::now()
}

/// The only Redis there is.
pub(crate) struct Alone {
    pub(crate) redis: Redis,
    pub(crate) wire: Wire,
}

impl Part for Alone {
    fn wire(&self) -> &Wire {
        &self.wire
    }

    fn kill(&mut self) {
        self.redis.kill();
    }

    fn freeze(&mut self) {
        self.redis.freeze();
    }

    fn thaw(&mut self) {
        self.redis.thaw();
    }

    async fn restart(&mut self) {
        self.redis.restart().await;
    }
}

/// Parts of the harness that can do all of this themselves.
macro_rules! parts {
    ($($part:ty),+) => {$(
        impl Part for $part {
            fn wire(&self) -> &Wire {
                &self.wire
            }

            fn kill(&mut self) {
                Self::kill(self);
            }

            fn freeze(&mut self) {
                Self::freeze(self);
            }

            fn thaw(&mut self) {
                Self::thaw(self);
            }

            async fn restart(&mut self) {
                Self::restart(self).await;
            }
        }
    )+};
}

parts!(Idp, Server, Node);

/// One of two replicas.
pub(crate) struct Replica<'a> {
    pub(crate) program: &'a mut Program,
    pub(crate) wire: &'a Wire,
    /// Asks it whether it is ready.
    pub(crate) agent: &'a Agent,
}

impl Part for Replica<'_> {
    fn wire(&self) -> &Wire {
        self.wire
    }

    fn kill(&mut self) {
        self.program.process().kill();
    }

    fn freeze(&mut self) {
        self.program.process().signal(Signal::STOP);
    }

    fn thaw(&mut self) {
        self.program.process().signal(Signal::CONT);
    }

    async fn restart(&mut self) {
        self.program.restart(self.agent).await;
    }
}
