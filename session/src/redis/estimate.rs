//! Owns: about how many sessions Redis holds, without a count that every login and every expiry would have
//! to keep right.
//!
//! Where there are few keys, they are all looked at. Where there are many, a sample says which share of them
//! are sessions, and `DBSIZE` what that is a share of: with the share p the standard error is
//! sqrt(p(1-p)/n) of all keys. Of a Cluster each master is asked, and the answers are added up. Names of
//! keys that are not ours may come by; none is kept.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::{ClientLike as _, ClusterInterface as _, KeysInterface, ServerInterface};
use futures_util::future::try_join_all;

/// Longest wait for all servers together.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Keys of a server that are all looked at.
const FEW: u64 = 10_000;
/// Places that Redis looks at for one `SCAN`.
const PAGE: u32 = 1_000;
/// Most pages of a server. A table that was large a moment ago has more empty places than keys.
const PAGES: usize = 40;
/// Keys in a sample, n above: so many rounds of so many commands, so that others get their turn.
const ROUNDS: u64 = 8;
const ROUND: u64 = 50;

/// The number of keys that begin with `prefix`.
pub(super) async fn sessions(client: &Client, prefix: &str) -> Result<u64, Error> {
    if !client.is_clustered() {
        return of_server(client, prefix).await;
    }
    let mut sum: u64 = 0;
    // One that is away fails the whole: half an answer would look like half of the users gone.
    let cluster = client.cached_cluster_state();
    for master in cluster.map(|cluster| cluster.unique_primary_nodes()).unwrap_or_default() {
        let found = of_server(&client.with_cluster_node(master), prefix).await?;
        sum = sum.saturating_add(found);
    }
    Ok(sum)
}

async fn of_server<C>(client: &C, prefix: &str) -> Result<u64, Error>
where
    C: KeysInterface + ServerInterface + Sync,
{
    let keys: u64 = client.dbsize().await?;
    if keys <= FEW
        && let Some(found) = counted(client, prefix).await?
    {
        return Ok(found);
    }
    sampled(client, prefix, keys).await
}

/// Exactly; `None` where that takes too many pages.
async fn counted<C: KeysInterface + Sync>(client: &C, prefix: &str) -> Result<Option<u64>, Error> {
    let pattern = format!("{}*", escaped(prefix));
    let mut cursor = "0".to_owned();
    // A table that grows or shrinks meanwhile may give a key twice.
    let mut found: HashSet<Bytes> = HashSet::new();
    for _ in 0..PAGES {
        let page = client.scan_page(cursor, pattern.clone(), Some(PAGE), None);
        let (next, keys): (String, Vec<Bytes>) = page.await?;
        found.extend(keys);
        if next == "0" {
            return Ok(u64::try_from(found.len()).ok());
        }
        cursor = next;
    }
    Ok(None)
}

async fn sampled<C: KeysInterface + Sync>(
    client: &C,
    prefix: &str,
    keys: u64,
) -> Result<u64, Error> {
    let mut hits: u64 = 0;
    for _ in 0..ROUNDS {
        let round = try_join_all((0..ROUND).map(|_| client.randomkey::<Option<Bytes>>())).await?;
        let ours = |key: &&Bytes| key.starts_with(prefix.as_bytes());
        let ours = round.iter().flatten().filter(ours).count();
        hits = hits.saturating_add(u64::try_from(ours).unwrap_or(ROUND));
    }
    Ok(share(keys, hits, ROUNDS * ROUND))
}

/// `hits` of `sample`, as a part of `keys`, rounded.
const fn share(keys: u64, hits: u64, sample: u64) -> u64 {
    keys.saturating_mul(hits).saturating_add(sample / 2) / sample
}

/// `prefix` as a pattern that only it matches.
fn escaped(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len());
    for letter in prefix.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '^' | '-' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_and_never_overflows() {
        assert_eq!(share(30_001, 0, 400), 0);
        assert_eq!(share(30_001, 200, 400), 15_001);
        assert_eq!(share(30_001, 400, 400), 30_001);
        assert!(share(u64::MAX, 400, 400) <= u64::MAX / 400);
    }

    #[test]
    fn a_prefix_matches_nothing_but_itself() {
        assert_eq!(escaped("bff:session:"), "bff:session:");
        assert_eq!(escaped(r"b*[x]?\"), r"b\*\[x\]\?\\");
    }
}
