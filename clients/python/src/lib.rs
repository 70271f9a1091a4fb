//! Owns: the check as a module of Python. A check runs in tokio's threads, without the GIL, and is awaited in the
//! event loop of whoever called it.

use std::sync::Arc;

use face::{Answer, Asked, Facts, Needs, Service, Settings};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3_async_runtimes::tokio::future_into_py;

type Told = (u16, Vec<(&'static str, String)>, String, &'static str);
type Token = (String, String, Option<String>, u64, Vec<String>, Vec<String>, Vec<String>, String);

/// The check of one service.
#[pyclass(frozen)]
struct Validator {
    service: Arc<Service>,
}

#[pymethods]
impl Validator {
    #[new]
    #[pyo3(signature = (issuer, audience, profile, origin, jwks_uri, jwks, now))]
    fn new(
        issuer: String,
        audience: String,
        profile: Option<String>,
        origin: Option<String>,
        jwks_uri: Option<String>,
        jwks: Option<String>,
        now: Option<u64>,
    ) -> PyResult<Self> {
        let settings = Settings { issuer, audience, profile, origin, jwks_uri, jwks, now };
        let service = Service::new(settings).map_err(|why| PyValueError::new_err(why.to_string()))?;
        Ok(Self { service: Arc::new(service) })
    }

    /// `(token, None)` or `(None, answer)`, to be awaited.
    #[expect(clippy::too_many_arguments, reason = "the Python around it has names for them")]
    fn check<'py>(
        &self,
        python: Python<'py>,
        method: String,
        path: String,
        authorization: Vec<Vec<u8>>,
        dpop: Vec<Vec<u8>>,
        scopes: Vec<String>,
        roles: Vec<String>,
        permissions: Vec<String>,
        acr: Vec<String>,
        max_age: Option<u64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let service = Arc::clone(&self.service);
        let needs = Needs { scopes, roles, permissions, acr, max_age };
        let asked = Asked { method, path, authorization, dpop, needs };
        future_into_py(python, async move {
            Ok(match service.check(asked).await {
                Ok(facts) => (Some(token(facts)), None),
                Err(answer) => (None, Some(told(answer))),
            })
        })
    }
}

fn token(facts: Facts) -> Token {
    let Facts { subject, issuer, client_id, expires_at, scopes, roles, permissions, claims } = facts;
    (subject, issuer, client_id, expires_at, scopes, roles, permissions, claims)
}

fn told(answer: Answer) -> Told {
    (answer.status, answer.headers, answer.body, answer.reason)
}

/// What `wicketgate` for Python is made of.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Validator>()
}
