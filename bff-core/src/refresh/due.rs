//! Owns: when tokens are renewed: arithmetic over their times and the session's key, and nothing else.

use session::id::StoreKey;
use session::record::TokenPart;

/// Seconds before its expiry from which a token is not sent any more: it would die on the way.
const DYING: u64 = 2;

/// Assumed life, in seconds, of an access token whose issuer tells none (`expires_in` is only
/// recommended, RFC 6749 section 5.1). Such a token is renewed early, and never taken for dead.
const ASSUMED_LIFE: u64 = 3_600;

/// Seconds after which tokens of unknown life are renewed for who asks for it by name. Less would let a
/// page that asks in a loop spend refresh tokens in a loop.
const SETTLED: u64 = 60;

/// How urgent a refresh is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    None,
    Soon,
    Now,
}

/// How urgent it is to renew `tokens`; `threshold` is how many seconds before their end that begins.
pub(super) fn need(tokens: &TokenPart, key: &StoreKey, threshold: u64, now: u64) -> Need {
    let expires_at = match tokens.access_expires_at {
        Some(expires_at) if now.saturating_add(DYING) >= expires_at => return Need::Now,
        Some(expires_at) => expires_at,
        None => tokens.obtained_at.saturating_add(ASSUMED_LIFE),
    };
    if now >= renew_at(key, tokens.obtained_at, expires_at, threshold) {
        Need::Soon
    } else {
        Need::None
    }
}

/// How urgent it is for who asks for a refresh by name.
pub(super) fn asked(tokens: &TokenPart, need: Need, now: u64) -> Need {
    let settled = now >= tokens.obtained_at.saturating_add(SETTLED);
    if tokens.access_expires_at.is_none() && settled { Need::Now } else { need }
}

/// Whether nobody takes the access token any more.
pub(super) fn is_dead(tokens: &TokenPart, now: u64) -> bool {
    tokens.access_expires_at.is_some_and(|expires_at| now >= expires_at)
}

/// When early renewal begins. A token of short life is renewed in its last fifth, so that the threshold
/// never exceeds the life. The jitter, up to half of it, comes from the session's key: sessions made in
/// one second do not refresh in one second (bff-checklist 58).
fn renew_at(key: &StoreKey, obtained_at: u64, expires_at: u64, threshold: u64) -> u64 {
    let [first, second, ..] = key.as_bytes();
    let place = u64::from(u16::from_be_bytes([*first, *second]));
    let before = threshold.min(expires_at.saturating_sub(obtained_at) / 5);
    let jitter = before.saturating_mul(place) / (u64::from(u16::MAX) * 2);
    expires_at.saturating_sub(before.saturating_sub(jitter))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use session::id::SessionId;
    use session::record::{TokenType, UserContext};

    use super::*;

    const KEPT: u64 = 300;

    fn tokens(life: Option<u64>) -> TokenPart {
        TokenPart {
            access_token: "token".to_owned().into(),
            obtained_at: 1_000,
            access_expires_at: life.map(|life| 1_000 + life),
            refresh_token: None,
            id_token: None,
            token_type: TokenType::Bearer,
            scope: String::new(),
            dpop_key: None,
            profile: serde_json::Map::new(),
            context: UserContext::default(),
        }
    }

    fn key(number: u32) -> StoreKey {
        let mut random = [0; 32];
        random[..4].copy_from_slice(&number.to_be_bytes());
        SessionId::from_random(random).store_key()
    }

    #[test]
    fn c58_ten_thousand_sessions_of_one_second_do_not_refresh_in_one_second() {
        for (life, most) in [(300, 500), (900, 160), (3_600, 120)] {
            let mut seconds = HashMap::<u64, usize>::new();
            for number in 0..10_000 {
                let at = renew_at(&key(number), 1_000, 1_000 + life, KEPT);
                assert!(at >= 1_000 + life - KEPT.min(life / 5), "{at} is too early");
                assert!(at <= 1_000 + life - KEPT.min(life / 5) / 2, "{at} is too late");
                *seconds.entry(at).or_default() += 1;
            }
            let peak = seconds.values().max().copied().unwrap();
            assert!(peak <= most, "{peak} sessions in one second of tokens that live {life} s");
        }
    }

    #[test]
    fn a_token_is_renewed_before_it_dies_and_not_at_birth() {
        let any = key(7);
        for life in [5, 60, 300, 3_600, 86_400] {
            let tokens = tokens(Some(life));
            assert_eq!(need(&tokens, &any, KEPT, 1_000), Need::None, "{life}");
            assert_eq!(need(&tokens, &any, KEPT, 1_000 + life - 2), Need::Now, "{life}");
            assert!(!is_dead(&tokens, 1_000 + life - 1) && is_dead(&tokens, 1_000 + life));
        }
        assert_eq!(need(&tokens(Some(300)), &any, KEPT, 1_000 + 270), Need::Soon);
    }

    #[test]
    fn c57_a_token_of_unknown_life_is_renewed_within_the_hour_and_never_dead() {
        let (any, tokens) = (key(7), tokens(None));
        assert_eq!(need(&tokens, &any, KEPT, 1_000 + 3_299), Need::None);
        assert_eq!(need(&tokens, &any, KEPT, 1_000 + 3_600), Need::Soon);
        assert_eq!(need(&tokens, &any, KEPT, u64::MAX), Need::Soon);
        assert!(!is_dead(&tokens, u64::MAX));
        // Asked for by name it is renewed, but not over and over.
        assert_eq!(asked(&tokens, Need::None, 1_000 + 59), Need::None);
        assert_eq!(asked(&tokens, Need::None, 1_000 + 60), Need::Now);
    }
}
