//! `validator-lib` and a real OpenID provider: what the provider mints is accepted and nothing else, and
//! neither a rotation of its keys, nor its absence, nor a flood of invented ones has a good token refused.
//!
//! A good token that meets 401 is thrown away by its owner, so 401 for one is the error these tests look
//! for: "not one false 401". Where time matters, the provider and the validator share a clock that the
//! test moves by hand.

mod algorithms;
mod certificate;
mod dpop;
mod invented;
mod load;
mod outage;
mod rotation;
mod scene;
mod startup;
mod token;
