//! Owns: an IdP that rotates refresh tokens, and what became of each.

use std::sync::atomic::Ordering;

use serde_json::json;

use super::{FRESH_TOKEN, World};
use crate::oidc::mock::{Recorded, Reply};

impl World {
    /// The answers to the next `count` refreshes: each token comes once, so that a second use shows.
    pub(crate) fn rotates(&self, count: usize) {
        for number in self.issued.fetch_add(count, Ordering::SeqCst).. {
            if number >= self.issued.load(Ordering::SeqCst) {
                return;
            }
            let body = json!({
                "access_token": format!("{FRESH_TOKEN}-{number}"), "token_type": self.token_type(),
                "expires_in": 300, "refresh_token": format!("canary-refresh-token-{number}"),
            });
            self.idp.once("/token", Reply::json(200, body));
        }
    }

    /// The refresh tokens that reached the IdP, in order.
    pub(crate) fn spent(&self) -> Vec<String> {
        let requests = self.idp.seen("/token");
        let spent = requests.iter().filter_map(|request| request.param("refresh_token"));
        spent.map(str::to_owned).collect()
    }

    /// The refresh tokens that were revoked at the IdP, in order.
    pub(crate) fn revoked(&self) -> Vec<String> {
        let requests = self.idp.seen("/revoke");
        let hint = |request: &&Recorded| request.param("token_type_hint") == Some("refresh_token");
        let revoked = requests.iter().filter(hint).filter_map(|request| request.param("token"));
        revoked.map(str::to_owned).collect()
    }
}
