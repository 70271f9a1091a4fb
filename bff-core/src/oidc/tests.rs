//! Whole conversations with a scripted authorization server.

mod login;
mod refresh;
mod retry;
