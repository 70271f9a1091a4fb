//! Owns: compiling the Rust in README and guides as documentation tests.

#[doc = include_str!("../README.md")]
struct Readme;

#[doc = include_str!("../docs/errors.md")]
struct Errors;

#[doc = include_str!("../docs/providers.md")]
struct Providers;

#[doc = include_str!("../docs/dpop.md")]
struct Dpop;

#[doc = include_str!("../docs/mtls.md")]
struct Mtls;

#[doc = include_str!("../docs/revocation.md")]
struct Revocation;

#[cfg(all(feature = "permissions", feature = "redis"))]
#[doc = include_str!("../docs/permissions.md")]
struct Permissions;

#[cfg(feature = "tower")]
#[doc = include_str!("../docs/tower.md")]
struct Tower;

#[cfg(feature = "axum")]
#[doc = include_str!("../docs/axum.md")]
struct Axum;

#[cfg(feature = "actix")]
#[doc = include_str!("../docs/actix-web.md")]
struct ActixWeb;

#[cfg(feature = "tower")]
#[doc = include_str!("../docs/tonic.md")]
struct Tonic;

#[cfg(all(feature = "axum", feature = "testing"))]
#[doc = include_str!("../docs/testing.md")]
struct Testing;

#[doc = include_str!("../../docs/SIGNATURES.md")]
struct Signatures;
