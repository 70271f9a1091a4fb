//! Journeys through the whole of `bff`: browser, IdP, store and service are met as in production,
//! but for the network.

mod away;
mod binding;
mod callback;
mod cookies;
mod csrf;
mod login;
mod logout;
mod malformed;
mod matrix;
mod proxy;
mod refresh;
mod replicas;
mod sessions;
mod snapshots;
