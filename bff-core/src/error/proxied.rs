//! Owns: what clients are told where a service could not be called for them.

use http::StatusCode;
use serde_json::json;
use shell::problem::ProblemDetails;

use super::ApiError;

impl ApiError {
    pub(super) fn problem_of_proxy(&self) -> ProblemDetails {
        let problem = |status, code, title| ProblemDetails::new(status, code, title);
        match self {
            Self::ContextMissing { value } => problem(
                StatusCode::FORBIDDEN,
                "context_missing",
                "Something that this needs is not known of you.",
            )
            .with("value", value.as_str()),
            Self::ContextUnavailable(_) => problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "context_unavailable",
                "What is needed of you cannot be looked up right now. Try again shortly.",
            ),
            Self::UpstreamUnreachable { service } => problem(
                StatusCode::BAD_GATEWAY,
                "upstream_unreachable",
                "The service behind this address cannot be reached.",
            )
            .with("service", service.as_str()),
            Self::UpstreamUnavailable { service, .. } => problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "upstream_unavailable",
                "The service behind this address does not answer. Try again shortly.",
            )
            .with("service", service.as_str()),
            Self::StepUp { asked, .. } => problem(
                StatusCode::UNAUTHORIZED,
                "insufficient_user_authentication",
                "This needs a fresher or stronger sign-in.",
            )
            .with("step_up", json!({ "acr_values": asked.acr_values, "max_age": asked.max_age })),
            Self::StepUpInVain => problem(
                StatusCode::FORBIDDEN,
                "step_up_not_satisfied",
                "The service behind this address does not take the sign-in that was just made.",
            ),
            Self::AskAgain { service } => problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "dpop_nonce_learned",
                "Send this once more.",
            )
            .with("service", service.as_str()),
            Self::ServiceToken { service, code, .. } => problem(
                StatusCode::BAD_GATEWAY,
                code,
                "There is no token that the service behind this address takes.",
            )
            .with("service", service.as_str()),
            Self::UpstreamTimeout { service } => problem(
                StatusCode::GATEWAY_TIMEOUT,
                "upstream_timeout",
                "The service behind this address did not answer in time.",
            )
            .with("service", service.as_str()),
            Self::UpstreamAnswer { service, code } => problem(
                StatusCode::BAD_GATEWAY,
                code,
                "The service behind this address gave an answer that cannot be passed on.",
            )
            .with("service", service.as_str()),
            Self::TooManyStreams => problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "too_many_streams",
                "Too many streams are open. Try again shortly.",
            ),
            Self::TooManyOfSession => problem(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_streams",
                "Too many streams of this session are open. Close one of them.",
            ),
            Self::BodyStalled => problem(
                StatusCode::REQUEST_TIMEOUT,
                "request_timeout",
                "The rest of the request did not come in time.",
            ),
            _ => problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong."),
        }
    }
}
