//! Tokens that are withdrawn: from the administrator over Redis to every service that checks them.

mod admin;
mod cluster;
mod feed;
mod index;
mod outage;
mod replay;
mod service;
mod writer;
