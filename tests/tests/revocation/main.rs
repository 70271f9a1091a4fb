//! Tokens that are withdrawn: from the administrator over Redis to every service that checks them.

mod index;
mod writer;
