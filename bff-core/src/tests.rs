//! Journeys through the whole of `bff`: browser, IdP, store and service are met as in production,
//! but for the network.

mod admin;
mod audit;
mod away;
mod backchannel;
mod backchannel_scope;
mod binding;
mod callback;
mod cap;
mod context;
mod cookies;
mod csrf;
mod ending;
mod events;
mod faults;
mod faults_replicas;
mod faults_store;
mod flags;
mod in_flight;
mod internal;
mod login;
mod login_hosts;
mod login_providers;
mod logout;
mod loops;
mod malformed;
mod matrix;
mod mine;
mod proxy;
mod races;
mod refresh;
mod replicas;
mod sessions;
mod snapshots;
mod streams;
mod websocket;
