//! Owns: the check as extractors of actix-web, with the validator in the app's data. They check the token
//! once, however many of them a handler has.
//!
//! ```no_run
//! use actix_web::{App, web};
//! use validator_lib::{Allowed, Policy, Validator, policy};
//!
//! policy!(OrdersRead = Policy::all(["orders:read"]));
//!
//! async fn list(token: Allowed<OrdersRead>) -> String {
//!     format!("the orders of {}", token.subject())
//! }
//!
//! # fn example(validator: Validator) {
//! App::new().app_data(web::Data::new(validator)).route("/orders", web::get().to(list));
//! # }
//! ```
//!
//! Do not take `Option<Token>`: actix-web makes `None` of every refusal, also of that of a stolen token. A
//! middleware that changes the path of requests changes the URL that DPoP proofs have to be for.

use std::borrow::Cow;
use std::pin::Pin;

use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use actix_web::{
    Error, FromRequest, HttpMessage as _, HttpRequest, HttpResponse, ResponseError, web,
};

use crate::access_token::Token;
use crate::certificate::PeerCertificate;
use crate::refusal::Refusal;
use crate::required::{Allowed, Required};
use crate::validator::{Head, Validator};

/// What actix-web waits for. It stays on its worker.
pub type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, Error>>>>;

impl FromRequest for Token {
    type Error = Error;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { token_of(&request).await })
    }
}

impl<P: Required + 'static> FromRequest for Allowed<P> {
    type Error = Error;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self::new(token_of(&request).await?)?) })
    }
}

async fn token_of(request: &HttpRequest) -> Result<Token, Error> {
    if let Some(token) = request.extensions().get::<Token>() {
        return Ok(token.clone());
    }
    let validator = request.app_data::<web::Data<Validator>>().ok_or_else(|| {
        actix_web::error::ErrorInternalServerError("the app has no validator in its data")
    })?;
    let token = validator.check_head(&RequestHead::of(request)).await?;
    request.extensions_mut().insert(token.clone());
    Ok(token)
}

struct RequestHead<'a> {
    request: &'a HttpRequest,
    certificate: Option<Cow<'a, [u8]>>,
}

impl<'a> RequestHead<'a> {
    fn of(request: &'a HttpRequest) -> Self {
        // A middleware may have put it beside the request, `on_connect` beside the connection.
        let of_request = request.extensions().get::<PeerCertificate>().cloned();
        let certificate = match of_request {
            Some(PeerCertificate(der)) => Some(Cow::Owned(der)),
            None => request.conn_data::<PeerCertificate>().map(|peer| Cow::Borrowed(&*peer.0)),
        };
        Self { request, certificate }
    }
}

impl Head for RequestHead<'_> {
    fn method(&self) -> &str {
        self.request.method().as_str()
    }

    fn path(&self) -> &str {
        self.request.uri().path()
    }

    fn lines(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.request.headers().get_all(name).map(HeaderValue::as_bytes)
    }

    fn peer_certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status()).unwrap_or(StatusCode::UNAUTHORIZED)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let answer = self.answer::<String>();
        let mut response = HttpResponse::build(self.status_code());
        for (name, value) in answer.headers() {
            response.append_header((name.as_str(), value.as_bytes()));
        }
        response.body(answer.into_body())
    }
}

#[cfg(test)]
mod tests;
