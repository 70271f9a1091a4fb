//! Owns: what scripts of other origins may ask (bff-checklist 65): exact origins, with credentials.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, header};
use shell::origin::Origin;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// The layer of a tenant; no layer at all without any origin.
pub fn layer(origins: &[Origin], csrf_header: &HeaderName) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> =
        origins.iter().filter_map(|origin| HeaderValue::from_str(origin.as_str()).ok()).collect();
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_credentials(true)
            .allow_methods([
                Method::GET,
                Method::HEAD,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ])
            .allow_headers([
                header::ACCEPT,
                header::CONTENT_TYPE,
                csrf_header.clone(),
                HeaderName::from_static("x-client-device"),
                HeaderName::from_static("x-client-version"),
            ])
            .max_age(Duration::from_secs(600))
    })
}
