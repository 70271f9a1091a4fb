//! Owns: what every binding shows: a validator from settings, a check of what a request has, and an answer as
//! plain data. A binding turns that into values of its language and decides nothing.

mod answer;
mod settings;

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::OnceCell;
use validator_lib::{Incoming, Policy, Token, Validator};

pub use answer::Answer;
pub use settings::{Settings, SettingsError};

/// The check of one service. Its keys are found with the first request, and once for all who wait.
pub struct Service {
    settings: Settings,
    validator: OnceCell<Validator>,
    /// When the last attempt to find them failed.
    failed: Mutex<Option<Instant>>,
}

/// What a request has, and what the service asks of it.
#[derive(Debug, Default)]
pub struct Asked {
    /// Method.
    pub method: String,
    /// Path, without the query.
    pub path: String,
    /// The value of each `Authorization` header.
    pub authorization: Vec<Vec<u8>>,
    /// The value of each `DPoP` header.
    pub dpop: Vec<Vec<u8>>,
    /// What is asked.
    pub needs: Needs,
}

/// What a token has to give; all of it.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// Scopes.
    pub scopes: Vec<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// Permissions.
    pub permissions: Vec<String>,
    /// Strengths of the login, one of which will do.
    pub acr: Vec<String>,
    /// How long ago the login may have been, in seconds.
    pub max_age: Option<u64>,
}

/// A token that was accepted.
#[derive(Debug, Clone)]
pub struct Facts {
    /// `sub`.
    pub subject: String,
    /// `iss`.
    pub issuer: String,
    /// `client_id`, else `azp`.
    pub client_id: Option<String>,
    /// When it expires, in seconds since the epoch.
    pub expires_at: u64,
    /// Scopes.
    pub scopes: Vec<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// Permissions.
    pub permissions: Vec<String>,
    /// All claims, as JSON.
    pub claims: String,
}

impl Service {
    /// A service with these settings. Keys that are given are read here, all others with the first request.
    ///
    /// # Errors
    /// [`SettingsError`] for settings with which it could never work.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let validator = OnceCell::new_with(settings.with_given_keys()?);
        Ok(Self { settings, validator, failed: Mutex::default() })
    }

    /// Checks a request.
    ///
    /// # Errors
    /// The [`Answer`] to send in place of the service's own.
    pub async fn check(&self, asked: Asked) -> Result<Facts, Answer> {
        let validator = self.validator().await?;
        let lines = |values: &[Vec<u8>]| values.to_vec();
        let (authorization, dpop) = (lines(&asked.authorization), lines(&asked.dpop));
        let authorization: Vec<&[u8]> = authorization.iter().map(Vec::as_slice).collect();
        let dpop: Vec<&[u8]> = dpop.iter().map(Vec::as_slice).collect();
        let mut incoming = Incoming::new(&asked.method, &asked.path, &authorization);
        incoming.dpop = &dpop;
        let token = validator.check_incoming(&incoming).await.map_err(|why| Answer::of(&why))?;
        token.require(&asked.needs.policy()).map_err(|why| Answer::of(&why))?;
        Facts::of(&token)
    }

    /// The validator, found now if it was not before. An attempt that fails counts for all who waited for it: they
    /// would make theirs one after the other. Whoever asks later tries again.
    async fn validator(&self) -> Result<&Validator, Answer> {
        let asked = Instant::now();
        let failed = || self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let found = self.validator.get_or_try_init(|| async {
            if failed().is_some_and(|at| at >= asked) {
                return Err(());
            }
            self.settings.discover().await.map_err(|_| *failed() = Some(Instant::now()))
        });
        found.await.map_err(|()| Answer::issuer_away())
    }
}

impl Needs {
    fn policy(&self) -> Policy {
        let mut policy = Policy::all(&self.scopes).all_roles(&self.roles);
        for permission in &self.permissions {
            policy = policy.permission(permission);
        }
        if !self.acr.is_empty() {
            policy = policy.acr(&self.acr);
        }
        match self.max_age {
            Some(seconds) => policy.max_age(seconds),
            None => policy,
        }
    }
}

impl Facts {
    fn of(token: &Token) -> Result<Self, Answer> {
        let claims: serde_json::Value = token.claims().map_err(|_| Answer::issuer_away())?;
        Ok(Self {
            subject: token.subject().to_owned(),
            issuer: token.issuer().to_owned(),
            client_id: token.client_id().map(str::to_owned),
            expires_at: token.expires_at(),
            scopes: token.scopes().to_vec(),
            roles: token.roles().to_vec(),
            permissions: token.permissions().to_vec(),
            claims: claims.to_string(),
        })
    }
}
