//! Every part that the product needs or is made of is killed, frozen and cut off under load, through the real
//! Traefik, and comes back. docs/RELIABILITY.md has the table that this prints.
//!
//! Of each fault holds: nobody is let in who should not be, and no service is told that somebody is somebody
//! else; no living session is told to sign in; while the part is away there are answers of the kinds that its
//! case admits and no others; two seconds after its return, or one after another took its place, there are
//! none of them any more; and nothing is lost: every session lives and is refreshed, and one that was ended
//! meanwhile stays ended.

mod cell;
mod client;
mod fault;
mod groups;
mod judge;
mod load;
mod scene;
mod service;
mod watch;

use e2e::cluster::Cluster;
use e2e::redis::{PASSWORD, Redis, USER};
use e2e::scratch::Scratch;
use e2e::sentinel::Sentinel;
use e2e::tls::Ca;
use e2e::wire::Wire;

use cell::{ALONE, failover, loss, outage};
use fault::{Alone, Fault};
use judge::{Case, HEAD, Line};
use scene::Scene;

/// A part whose loss nobody may notice.
fn unnoticed(part: &'static str, fault: Fault) -> Case {
    Case { part, fault, verify: &[], proxy: &[] }
}

/// Without a store nobody can be let in, and nobody is sent away.
fn store(part: &'static str, fault: Fault) -> Case {
    Case { part, fault, verify: &[503], proxy: &[503] }
}

/// The edge passes on what the service does not say, and `bff` tells of it; `bff` leaves it alone after a
/// while. The edge waits for an answer for as long as the client.
fn service(fault: Fault) -> Case {
    let verify: &[_] = if fault == Fault::Mute { &[0, 502] } else { &[502] };
    Case { part: "a service", fault, verify, proxy: &[502, 503, 504] }
}

/// One of two: what is under way there breaks off.
fn bff(fault: Fault) -> Case {
    Case { part: "one of two bff", fault, verify: &[], proxy: &[502] }
}

/// The same; Traefik has an answer of its own where verify breaks off.
fn verify(fault: Fault) -> Case {
    Case { part: "one of two forwardauth", fault, verify: &[500], proxy: &[] }
}

/// Lines as they come, and what is wrong with them in the end.
#[derive(Default)]
struct Table(Vec<Line>);

impl Table {
    /// Takes a line with what was lost, and shows both at once to who waits.
    fn add(&mut self, mut line: Line, losses: Vec<String>) {
        line.complaints.extend(losses);
        eprintln!("{line}");
        for complaint in &line.complaints {
            eprintln!("    {complaint}");
        }
        self.0.push(line);
    }

    fn text(&self) -> String {
        let lines: Vec<_> = self.0.iter().map(Line::to_string).collect();
        format!("{HEAD}\n{}", lines.join("\n"))
    }

    fn complaints(&self) -> Vec<&String> {
        self.0.iter().flat_map(|line| &line.complaints).collect()
    }
}

/// Each fault of each part of a deployment with a single Redis.
async fn single() -> Table {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let redis = Redis::start(&scratch, &ca).await;
    let mut alone = Alone { wire: Wire::to(redis.address()), redis };
    let url = format!("rediss://{USER}:{PASSWORD}@127.0.0.1:{}", alone.wire.address.port());
    let mut scene = Scene::start(&url, Some(&ca.file())).await;
    let mut table = Table::default();
    for fault in Fault::ALL {
        for part in ["redis", "idp", "service", "bff", "verify"] {
            let _alone = ALONE.lock().await;
            let cast = scene.cast().await;
            let line = match part {
                "redis" => outage(&cast, store("Redis, alone", fault), &mut alone).await,
                "idp" => outage(&cast, unnoticed("the IdP", fault), &mut scene.stack.idp).await,
                "service" => outage(&cast, service(fault), &mut scene.service).await,
                "bff" => loss(&cast, bff(fault), &mut scene.bff()).await,
                _ => loss(&cast, verify(fault), &mut scene.verify()).await,
            };
            table.add(line, scene.losses(&cast).await);
        }
    }
    table
}

/// Each fault of a master that Sentinel watches over, and of a Sentinel.
async fn sentinel() -> Table {
    let mut group = Sentinel::start().await;
    let mut scene = Scene::start(&group.url(), None).await;
    let mut table = Table::default();
    for fault in Fault::ALL {
        group.whole().await;
        let _alone = ALONE.lock().await;
        let cast = scene.cast().await;
        let row = unnoticed("a Sentinel", fault);
        let line = outage(&cast, row, group.sentinel(0)).await;
        table.add(line, scene.losses(&cast).await);
        let cast = scene.cast().await;
        group.whole().await;
        let row = store("Redis, master with Sentinel", fault);
        let line = failover(&cast, row, &mut group).await;
        table.add(line, scene.losses(&cast).await);
    }
    table
}

/// Each fault of a master of a Cluster and of its replica. The servers speak past the line that clients use,
/// so that one that is cut off for those stays what it is.
async fn cluster() -> Table {
    let scratch = Scratch::new();
    let mut cluster = Cluster::start_with_replica(&scratch).await;
    let mut scene = Scene::start(&cluster.url(), None).await;
    loop {
        let mut concerned = 0;
        for key in scene.keys() {
            concerned += usize::from(cluster.is_replicated(&key).await);
        }
        if concerned >= 2 {
            break;
        }
        scene.add_live().await;
    }
    let mut table = Table::default();
    for fault in Fault::ALL {
        cluster.whole().await;
        let _alone = ALONE.lock().await;
        let cast = scene.cast().await;
        let row = unnoticed("Redis Cluster, a replica", fault);
        let line = outage(&cast, row, cluster.replica().await).await;
        table.add(line, scene.losses(&cast).await);
        let cast = scene.cast().await;
        cluster.whole().await;
        let row = store("Redis Cluster, a master", fault);
        let line = match fault {
            Fault::Killed | Fault::Frozen => failover(&cast, row, &mut cluster).await,
            Fault::Cut | Fault::Mute => outage(&cast, row, cluster.master().await).await,
        };
        table.add(line, scene.losses(&cast).await);
    }
    table
}

#[tokio::test(flavor = "multi_thread")]
async fn c80_c81_no_part_that_goes_away_under_load_lets_in_signs_out_or_loses_anybody() {
    let table = single().await;
    println!("{}", table.text());
    assert_eq!(table.complaints(), Vec::<&String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn c80_a_master_or_a_sentinel_that_goes_away_under_load_is_replaced_and_nothing_is_lost() {
    let table = sentinel().await;
    println!("{}", table.text());
    assert_eq!(table.complaints(), Vec::<&String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn c80_a_failover_of_a_cluster_under_load_is_over_within_a_second_of_the_new_master() {
    let table = cluster().await;
    println!("{}", table.text());
    assert_eq!(table.complaints(), Vec::<&String>::new());
}
