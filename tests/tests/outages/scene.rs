//! Two replicas of each program behind balancers, a service of its own process, and who asks.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use e2e::agent::Agent;
use e2e::balancer::Balancer;
use e2e::stack::Stack;
use e2e::wait;
use e2e::wire::Wire;

use crate::cell::Cast;
use crate::client::{Client, Way, Who};
use crate::fault::Replica;
use crate::service::Service;
use crate::watch::Watch;

const LIVE: u8 = 4;
/// Seconds for which an access token lives that is renewed all the time, and any other.
const SHORT: u32 = 3;
const LONG: u32 = 3600;
/// By when a refresh goes on that was under way at what is gone: a lease is over, or a call given up.
const REFRESHED: Duration = Duration::from_secs(20);

/// The deployment.
pub(crate) struct Scene {
    pub(crate) stack: Stack,
    pub(crate) service: Service,
    to_bff: Arc<Balancer>,
    to_verify: Arc<Balancer>,
    bffs: Vec<Wire>,
    verifies: Vec<Wire>,
    agent: Agent,
    clients: Vec<Arc<Client>>,
    /// The number of the next user.
    next: u8,
    _watches: [Watch; 2],
}

impl Scene {
    /// Everything with sessions in the Redis at `url`.
    pub(crate) async fn start(url: &str, ca: Option<&Path>) -> Self {
        let (to_bff, to_verify, service) =
            tokio::join!(Balancer::start(), Balancer::start(), Service::start());
        let way = service.wire.address;
        let mut plan = Stack::plan()
            .twice()
            .both("REDIS_URL", url)
            .both("RUST_LOG", "info")
            .idp("OP_KEEP", "true")
            .idp("OP_REFRESH_GRACE", "60")
            .bff("OIDC_REFRESH_GRACE", "60")
            .service(&format!("things: {{ base_url: \"http://{way}\", timeout: 1s }}"))
            .route(
                "{ id: things, path: '/api/things/*', target_service: things, \
                 upstream_path: '/things/{path}', methods: [GET], auth: session }",
            )
            .edge("WICKETGATE_PROTECTED_URL", format!("http://{way}"))
            .edge("WICKETGATE_BFF_URL", format!("http://{}", to_bff.address))
            .edge(
                "WICKETGATE_FORWARDAUTH_URL",
                format!("https://localhost:{}", to_verify.address.port()),
            );
        if let Some(ca) = ca {
            plan = plan.both("REDIS_TLS_CA", ca.display());
        }
        let stack = plan.start().await;
        let lines = |to: Vec<SocketAddr>| to.into_iter().map(Wire::to).collect::<Vec<_>>();
        let (bffs, verifies) = (lines(stack.bffs()), lines(stack.verifies()));
        let (to_bff, to_verify) = (Arc::new(to_bff), Arc::new(to_verify));
        let watches = [
            Watch::over(&to_bff, &ends(&bffs), None),
            Watch::over(&to_verify, &ends(&verifies), Some(stack.ca.client())),
        ];
        let agent = stack.agent();
        let mut scene = Self {
            stack,
            service,
            to_bff,
            to_verify,
            bffs,
            verifies,
            agent,
            clients: Vec::new(),
            next: 1,
            _watches: watches,
        };
        for _ in 0..LIVE {
            scene.add_live().await;
        }
        let nobody = Client::nobody(&scene.stack);
        let ended = scene.sign_in(Who::Ended).await;
        let unaware = ended.unaware();
        assert!(ended.sign_out().await, "signing out works");
        let renewing = scene.sign_in(Who::Renewing).await;
        scene.clients.extend([nobody, unaware, renewing].map(Arc::new));
        scene
    }

    /// One more session that lives all the time, with an access token that does.
    pub(crate) async fn add_live(&mut self) {
        self.stack.idp.access_token_lifetime(LONG).await;
        let client = self.sign_in(Who::Live).await;
        self.stack.idp.access_token_lifetime(SHORT).await;
        self.clients.push(Arc::new(client));
    }

    /// The keys of the sessions that live all the time.
    pub(crate) fn keys(&self) -> Vec<String> {
        let live = self.clients.iter().filter(|client| client.who == Who::Live);
        live.map(|client| client.key(&self.stack)).collect()
    }

    /// Everybody, and a new session that is to be ended. That it can be had is a part of what is shown.
    pub(crate) async fn cast(&mut self) -> Cast {
        let ending = self.sign_in(Who::Ending).await;
        Cast { clients: self.clients.clone(), unaware: Arc::new(ending.unaware()), ending }
    }

    async fn sign_in(&mut self, who: Who) -> Client {
        let number = self.next;
        self.next = self.next % 240 + 1;
        Client::signed_in(&self.stack, who, number).await
    }

    /// The `bff` to which most connections lead.
    pub(crate) fn bff(&mut self) -> Replica<'_> {
        let second = self.stack.second_bff.as_mut().expect("two of them");
        let number = busiest(&self.to_bff, &self.bffs);
        let program = if number == 0 { &mut self.stack.bff } else { &mut second.program };
        Replica { program, wire: &self.bffs[number], agent: &self.agent }
    }

    /// The verify to which most connections lead.
    pub(crate) fn verify(&mut self) -> Replica<'_> {
        let second = self.stack.second_verify.as_mut().expect("two of them");
        let number = busiest(&self.to_verify, &self.verifies);
        let program = if number == 0 { &mut self.stack.forwardauth } else { &mut second.program };
        Replica { program, wire: &self.verifies[number], agent: &self.agent }
    }

    /// After a fault every session lives and is renewed, and the one that was ended does not. What is
    /// otherwise is told.
    pub(crate) async fn losses(&self, cast: &Cast) -> Vec<String> {
        let mut losses = Vec::new();
        for client in &self.clients {
            match client.who {
                Who::Live => {
                    for way in [Way::Verify, Way::Proxy] {
                        let seen = client.seen(way, false).await;
                        if (seen.status, seen.is_wrong) != (200, false) {
                            losses.push(format!("afterwards: {seen:?}"));
                        }
                    }
                    match client.renew().await {
                        Ok(renewed) if renewed.status == 200 => {}
                        other => losses.push(format!("not renewed: {other:?}")),
                    }
                }
                Who::Renewing => losses.extend(refresh_goes_on(client).await),
                Who::Ending | Who::Ended | Who::Nobody => {}
            }
        }
        for way in [Way::Verify, Way::Proxy] {
            let seen = cast.unaware.seen(way, false).await;
            if seen.status != 401 {
                losses.push(format!("ended, and then: {seen:?}"));
            }
        }
        losses
    }
}

/// What becomes of a refresh that was under way at what went away.
async fn refresh_goes_on(client: &Client) -> Option<String> {
    wait::until("the refresh goes on", REFRESHED, async || {
        let seen = client.seen(Way::Proxy, false).await;
        match seen.status {
            200 => Some(None),
            401 | 403 => Some(Some(format!("afterwards: {seen:?}"))),
            _ => None,
        }
    })
    .await
}

fn ends(wires: &[Wire]) -> Vec<SocketAddr> {
    wires.iter().map(|wire| wire.address).collect()
}

fn busiest(balancer: &Balancer, wires: &[Wire]) -> usize {
    let numbers = 0..wires.len();
    numbers.max_by_key(|number| balancer.leads_to(wires[*number].address)).expect("two of them")
}
