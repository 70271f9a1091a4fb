//! The files that an operator of `bff` writes.

use crate::idp::{self, Idp};
use crate::service::Service;
use crate::tls::Ca;

/// The second login provider, as an operator names it.
pub(super) fn partners(partner: &Idp, ca: &Ca) -> String {
    format!(
        r#"idps:
  - name: partner
    issuer: "{}"
    audience: "{}"
    client:
      id: bff-post
      auth: client_secret_post
      secret: "{}"
      scopes: openid profile email roles tenant offline_access orders:read orders:write
      resource: "{}"
      tls_ca: "{}"
"#,
        partner.issuer,
        idp::AUDIENCE,
        idp::POST_SECRET,
        idp::AUDIENCE,
        ca.file().display(),
    )
}

/// The routes of the tests, and what a plan adds.
pub(super) fn routes(upstream: &Service, orders: &Service, services: &str, more: &str) -> String {
    let (echo, orders, audience) = (upstream.origin(), orders.origin(), idp::AUDIENCE);
    format!(
        r#"version: "1.0"
services:
  echo: {{ base_url: "{echo}", timeout: 10s }}
  orders: {{ base_url: "{orders}", timeout: 10s, audience: "{audience}" }}
{services}routes:
  - id: orders
    path: /api/orders
    target_service: orders
    upstream_path: /orders
    methods: [GET, POST]
    auth: session
  - id: echo
    path: /api/echo/*
    target_service: echo
    upstream_path: /echo/{{path}}
    methods: [GET, POST, PUT, DELETE]
    auth: session
  - id: public
    path: /api/public/*
    target_service: echo
    upstream_path: /public/{{path}}
    methods: [GET, POST]
    auth: none
{more}"#
    )
}
