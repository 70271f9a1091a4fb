//! Brings libFuzzer.
