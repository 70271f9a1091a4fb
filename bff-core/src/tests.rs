//! Journeys through the whole of `bff`: browser, IdP, store and service are met as in production,
//! but for the network.

mod away;
mod binding;
mod callback;
mod cookies;
mod csrf;
mod login;
mod login_hosts;
mod login_providers;
mod logout;
mod loops;
mod malformed;
mod proxy;
mod refresh;
mod replicas;
mod sessions;
mod snapshots;
