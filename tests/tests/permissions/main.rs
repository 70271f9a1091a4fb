//! Rights of users, in services that share a Redis: how soon a change counts, and what becomes of them when
//! the line to Redis is lost.

mod cluster;
mod lost;
mod place;
mod postgres;
mod propagation;
mod races;
mod shared;
