//! Journeys through the whole of `bff`: browser, IdP, store and service are met as in production,
//! but for the network.

mod admin;
mod away;
mod binding;
mod callback;
mod cap;
mod cookies;
mod csrf;
mod ending;
mod faults;
mod faults_replicas;
mod faults_store;
mod flags;
mod in_flight;
mod login;
mod logout;
mod malformed;
mod mine;
mod proxy;
mod races;
mod refresh;
mod replicas;
mod sessions;
mod snapshots;
