//! Owns: checking a request once, however many layers and extractors want its token. A second check of
//! the same DPoP proof would take it for a replay.

use std::sync::Arc;

use http::request::Parts;

use super::{Inner, Validator};
use crate::access_token::Token;
use crate::refusal::Refusal;

/// A token, and the validator that accepted it with this very request.
#[derive(Clone)]
struct Checked {
    by: Arc<Inner>,
    token: Token,
}

impl Validator {
    /// The token of the request, checked here unless this validator did so before. It is left in the
    /// extensions of the request, for others to find.
    pub(crate) async fn check_once(&self, parts: &mut Parts) -> Result<Token, Refusal> {
        if let Some(checked) = parts.extensions.get::<Checked>()
            && Arc::ptr_eq(&checked.by, &self.inner)
        {
            return Ok(checked.token.clone());
        }
        let token = self.check_head(parts).await?;
        parts.extensions.insert(Checked { by: Arc::clone(&self.inner), token: token.clone() });
        parts.extensions.insert(token.clone());
        Ok(token)
    }
}
