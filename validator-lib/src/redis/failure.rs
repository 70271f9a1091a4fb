//! Owns: why a connection to Redis ended or could not be made, and making that of what fred says.

use fred::error::{Error, ErrorKind};

/// Why a connection ended or could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// No connection, or no TLS over it.
    #[error("cannot connect to redis")]
    Connect,
    /// The connection was lost.
    #[error("lost the connection to redis")]
    Lost,
    /// Redis did not answer in time.
    #[error("redis does not answer")]
    TimedOut,
    /// Redis said no. The code is the first word of what it said, such as `NOPERM`, `WRONGPASS` or
    /// `LOADING`.
    #[error("redis refuses: {0}")]
    Refused(String),
    /// Redis did not take the subscription.
    #[error("redis did not take the subscription")]
    NotSubscribed,
    /// The server is a replica, which hears late and cannot say how late.
    #[error("the server is a replica")]
    Replica,
    /// Messages came faster than they were applied, and some were dropped.
    #[error("messages were dropped")]
    Lagged,
    /// Redis answered something that is no answer to the question.
    #[error("redis answers something else than asked")]
    Answer,
}

/// While the connection is made, what is lost was never there.
pub(crate) fn connecting(error: &Error) -> Failure {
    match failure(error) {
        Failure::Lost => Failure::Connect,
        failure => failure,
    }
}

/// Keeps of what Redis said no more than its code: what follows may name keys.
pub(crate) fn failure(error: &Error) -> Failure {
    match error.kind() {
        ErrorKind::Timeout => Failure::TimedOut,
        ErrorKind::IO | ErrorKind::Canceled | ErrorKind::Routing => Failure::Lost,
        ErrorKind::Tls => Failure::Connect,
        ErrorKind::Parse | ErrorKind::NotFound => Failure::Answer,
        kind => {
            let word = error.details().split(' ').next().unwrap_or_default();
            let is_code = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase());
            Failure::Refused(if is_code { word } else { kind.to_str() }.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use fred::error::{Error, ErrorKind};

    use super::{Failure, connecting, failure};

    #[test]
    fn what_redis_says_is_cut_down_to_its_code() {
        let said = |kind, text: &'static str| failure(&Error::new(kind, text));
        let refused = |code: &str| Failure::Refused(code.to_owned());
        assert_eq!(
            said(ErrorKind::Auth, "NOPERM this user has no permissions to access 'k'"),
            refused("NOPERM")
        );
        assert_eq!(said(ErrorKind::Unknown, "LOADING Redis is loading"), refused("LOADING"));
        assert_eq!(said(ErrorKind::Unknown, "no 'secret'"), refused("Unknown Error"));
        assert_eq!(said(ErrorKind::IO, "closed"), Failure::Lost);
        assert_eq!(connecting(&Error::new(ErrorKind::IO, "refused")), Failure::Connect);
        assert_eq!(said(ErrorKind::Timeout, ""), Failure::TimedOut);
    }
}
