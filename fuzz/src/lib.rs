//! Fuzz targets. Each is a function of bytes that panics where its oracle finds something wrong; that it
//! returns at all is the first thing it shows.
//!
//! The normal run replays `corpus/` and mutations of it (`tests/replay.rs`); `fuzz/run` lets libFuzzer look
//! for inputs by coverage. `README.md` says what each oracle holds.

pub mod mutate;

mod blocking;
mod members;
mod scene;
mod settings;
mod signed;
mod sites;

mod callback;
mod claims;
mod cookie;
mod forwarded;
mod id_token;
mod jwks;
mod jwt;
mod logout_token;
mod metadata;
mod par_response;
mod path;
mod policy;
mod proof;
mod record;
mod redis;
mod return_to;
mod shape;
mod signature;
mod token_response;
mod verify;
mod yaml;

/// A target, by the name of its corpus.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The folder in `corpus/`.
    pub name: &'static str,
    /// Takes any bytes.
    pub run: fn(&[u8]),
    /// Mutations of each file that the normal run tries. Slow targets have fewer.
    pub mutations: usize,
}

const fn target(name: &'static str, run: fn(&[u8]), mutations: usize) -> Target {
    Target { name, run, mutations }
}

/// All of them.
pub const TARGETS: &[Target] = &[
    target("callback", callback::run, 1_000),
    target("claims", claims::run, 200),
    target("cookie", cookie::run, 2_000),
    target("forwarded", forwarded::run, 200),
    target("id_token", id_token::run, 200),
    target("jwks", jwks::run, 500),
    target("jwt", jwt::run, 200),
    target("logout_token", logout_token::run, 200),
    target("metadata", metadata::run, 1_000),
    target("par_response", par_response::run, 1_000),
    target("path", path::run, 1_000),
    target("policy", policy::run, 1_000),
    target("proof", proof::run, 200),
    target("record", record::run, 200),
    target("redis", redis::run, 500),
    target("return_to", return_to::run, 2_000),
    target("shape", shape::run, 500),
    target("signature", signature::run, 500),
    target("token_response", token_response::run, 1_000),
    target("verify", verify::run, 200),
    target("yaml", yaml::run, 30),
];
