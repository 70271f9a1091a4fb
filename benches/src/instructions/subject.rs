//! Owns: the programs whose requests are counted, and warming them.

use anyhow::Context as _;

use super::SESSIONS;
use crate::bench::TRACKING;
use crate::load::{Load, Pace, Stop};
use crate::programs::{self, Launch, Redis, Service};
use crate::request;

/// Under valgrind a round trip takes longer than the product's deadline allows.
const PATIENCE: (&str, &str) = ("FORWARDAUTH_DEADLINE_MS", "20000");

/// A program and what it is asked.
pub(super) struct Subject {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) requests: Vec<Vec<u8>>,
    pub(super) status: u16,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bare,
    Floor,
    Strict,
    /// As `Strict`, read through fred.
    Fred,
    Tracking,
}

pub(super) fn subjects() -> Vec<Subject> {
    let sessions = request::of_sessions(SESSIONS);
    let with =
        |name, kind, requests: Vec<Vec<u8>>, status| Subject { name, kind, requests, status };
    vec![
        with("bare", Kind::Bare, sessions.clone(), 200),
        with("floor", Kind::Floor, sessions.clone(), 200),
        with("strict", Kind::Strict, sessions.clone(), 200),
        with("fred", Kind::Fred, sessions.clone(), 200),
        with("tracking", Kind::Tracking, sessions, 200),
        with("no_cookie", Kind::Strict, vec![request::without_session()], 401),
        with("bad_shape", Kind::Strict, vec![request::bad_shape()], 401),
    ]
}

impl Subject {
    fn start(&self, launch: &Launch, redis: &Redis) -> anyhow::Result<Service> {
        match self.kind {
            Kind::Bare => Service::bare(launch, None),
            Kind::Floor => Service::bare(launch, Some(redis)),
            Kind::Strict | Kind::Fred | Kind::Tracking => {
                let url = programs::cluster_url(redis);
                let more = match self.kind {
                    Kind::Tracking => Some(TRACKING),
                    Kind::Fred => Some(("REDIS_URL", url.as_str())),
                    _ => None,
                };
                let settings: Vec<_> = [PATIENCE].into_iter().chain(more).collect();
                let program = programs::forwardauth()?;
                Service::forwardauth(launch, &program, redis.address, &settings)
            }
        }
    }

    /// A warm program: every session was asked for twice, so that a cache has them all.
    pub(super) fn warm<'a>(
        &'a self,
        launch: &Launch,
        redis: &Redis,
        connections: usize,
    ) -> anyhow::Result<(Service, Load<'a>)> {
        redis.fill(SESSIONS)?;
        let service = self.start(launch, redis)?;
        let mut load = Load::connect(service.address, connections, &self.requests)?;
        self.ask(&mut load, 2 * SESSIONS)?;
        Ok((service, load))
    }

    pub(super) fn ask(&self, load: &mut Load<'_>, count: u64) -> anyhow::Result<()> {
        load.run(Pace::Closed, Stop::Count(count))?.all(self.status).context(self.name)
    }
}
