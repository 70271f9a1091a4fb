//! Owns: everything that is measured side by side: each a running program, what it is asked, and what
//! it must answer.

use std::net::SocketAddr;
use std::rc::Rc;

use super::{Options, SESSIONS, hits};
use crate::bench::{Bench, TRACKING, progress};
use crate::programs::{self, Redis, Service};
use crate::rounds::{BARE, Variant, every};
use crate::{baselines, request};

/// All of them, bare hyper first, and the programs, which end with this value.
pub(super) struct Variants {
    pub(super) all: Vec<Variant>,
    /// Where a program tells how often its cache knew the session, if one has a cache.
    pub(super) cache: Option<(&'static str, SocketAddr)>,
    _services: Vec<Service>,
    _cluster: Option<Redis>,
}

impl Variants {
    pub(super) fn start(
        bench: &mut Bench,
        redis: &Redis,
        options: &Options,
    ) -> anyhow::Result<Self> {
        let wanted =
            |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
        let sessions = Rc::new(request::of_sessions(SESSIONS));
        let launch = bench.launch();
        let mut all = Vec::new();
        let mut services = Vec::new();
        let mut cache = None;
        let mut add = |name, about, service: Service| {
            let mut variant = variant(name, about, &service, &sessions, 200);
            if name == "tracking" {
                cache = service.admin.map(|admin| (name, admin));
                variant.choose = hits::of;
            }
            all.push(variant);
            services.push(service);
        };
        progress("starting the programs");
        add(BARE, "hyper, 200 and nothing done for it", Service::bare(&launch, None)?);
        if wanted("floor") {
            let floor = Service::bare(&launch, Some(redis))?;
            add("floor", "bare and one Redis round trip, unchecked", floor);
        }
        if wanted("tracking") {
            if let Some(why) = bench.refusal(TRACKING)? {
                bench.report.skipped("tracking", &why);
            } else {
                let service = bench.forwardauth(redis, &[TRACKING])?;
                add("tracking", "forwardauth, sessions cached and invalidated", service);
            }
        }
        let mut cluster = None;
        if wanted("fred") {
            let redis = Redis::start_cluster(bench.scratch.path())?;
            redis.fill(SESSIONS)?;
            let url = programs::cluster_url(&redis);
            let service = bench.forwardauth(&redis, &[("REDIS_URL", &url)])?;
            add("fred", "as strict, read through fred from a Cluster of one", service);
            cluster = Some(redis);
        }
        if let Some(program) = &options.previous {
            let service = Service::forwardauth(&launch, program, redis.address, &[])?;
            add("previous", "the other build of forwardauth", service);
        }
        if wanted("nginx") {
            match baselines::nginx(&launch)? {
                Some(service) => add("nginx", "nginx, return 200", service),
                None => bench.report.skipped("nginx", baselines::NOT_INSTALLED),
            }
        }
        if wanted("python") {
            match baselines::python(&launch, redis, SESSIONS)? {
                Some(service) => add("python", "FastAPI, redis.asyncio, JSON of 4 kB", service),
                None => bench.report.skipped("python", baselines::NOT_INSTALLED),
            }
        }
        let strict = bench.forwardauth(redis, &[])?;
        let refused = |name, about, request: Vec<u8>| {
            variant(name, about, &strict, &Rc::new(vec![request]), 401)
        };
        let ours = [
            variant("strict", "forwardauth, Redis asked each time", &strict, &sessions, 200),
            refused("no_cookie", "forwardauth, 401 to no cookie", request::without_session()),
            refused("bad_shape", "forwardauth, 401 to what is no session", request::bad_shape()),
        ];
        all.extend(ours.into_iter().filter(|variant| wanted(variant.name)));
        services.push(strict);
        Ok(Self { all, cache, _services: services, _cluster: cluster })
    }
}

fn variant(
    name: &'static str,
    about: &'static str,
    service: &Service,
    requests: &Rc<Vec<Vec<u8>>>,
    status: u16,
) -> Variant {
    let (pid, address) = (service.process.pid(), service.address);
    Variant { name, about, pid, address, requests: Rc::clone(requests), status, choose: every }
}
