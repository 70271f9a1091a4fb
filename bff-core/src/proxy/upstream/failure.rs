//! Owns: the ways in which a call to a service fails.

use std::error::Error;
use std::io;

use axum::response::Response;
use http::StatusCode;
use http::header::RETRY_AFTER;
use hyper_util::client::legacy;

use crate::http_client::refused_our_certificate;

/// Why a call brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy) enum Failure {
    /// No connection: nothing was sent.
    Connect,
    /// It broke before a byte of the answer came.
    Reset,
    /// The time was up.
    Timeout,
    /// An answer that says to come back.
    Status(StatusCode),
    /// It speaks something else than HTTP, or does not want our certificate.
    Nonsense,
}

impl Failure {
    /// What an answer says of its service; `None` if it is one to be passed on. Who names a time is not asked
    /// again before it.
    pub(super) fn of_answer(response: &Response) -> Option<Self> {
        let status = response.status();
        let is_busy = matches!(
            status,
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
        );
        (is_busy && !response.headers().contains_key(RETRY_AFTER)).then_some(Self::Status(status))
    }

    /// What went wrong; `None` where it was the browser that broke off.
    pub(super) fn of_error(error: &legacy::Error) -> Option<Self> {
        if refused_our_certificate(error) {
            return Some(Self::Nonsense);
        }
        if error.is_connect() {
            return Some(Self::Connect);
        }
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<hyper::Error>() {
                // Its only user errors here are those of the body.
                if error.is_user() || error.is_body_write_aborted() {
                    return None;
                }
                if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
                    return Some(Self::Reset);
                }
            }
            if let Some(error) = error.downcast_ref::<io::Error>()
                && is_end(error.kind())
            {
                return Some(Self::Reset);
            }
            cause = error.source();
        }
        Some(Self::Nonsense)
    }

    /// A bounded name for logs and metrics.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Status(_) => "status",
            Self::Nonsense => "nonsense",
        }
    }
}

const fn is_end(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::NotConnected
    )
}
