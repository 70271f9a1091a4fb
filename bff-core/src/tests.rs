//! Journeys through the whole of `bff`: browser, IdP, store and service are met as in production,
//! but for the network.

mod away;
mod backchannel;
mod backchannel_scope;
mod binding;
mod callback;
mod cookies;
mod csrf;
mod events;
mod login;
mod logout;
mod malformed;
mod proxy;
mod refresh;
mod replicas;
mod sessions;
mod snapshots;
