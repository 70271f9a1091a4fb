//! Every input that was ever worth keeping, and mutations of it, through its target. `fuzz/run` finds more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};

use fuzz::mutate::Mutator;
use fuzz::{TARGETS, Target};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// The inputs of `target`, by the names of their files.
fn inputs(target: &Target) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(corpus().join(target.name)).expect("a corpus");
    let read = |path: PathBuf| {
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap())
    };
    files.map(|file| read(file.unwrap().path())).collect()
}

/// Runs `input`, and says which one it was that the oracle did not like.
fn run(target: &Target, from: &str, input: &[u8]) {
    if let Err(why) = panic::catch_unwind(|| (target.run)(input)) {
        eprintln!("{}: {from}: {}", target.name, input.escape_ascii());
        panic::resume_unwind(why);
    }
}

fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    let inputs = inputs(target);
    for (file, input) in &inputs {
        run(target, file, input);
    }
    let others: Vec<&Vec<u8>> = inputs.values().collect();
    for (seed, (file, input)) in (1..).zip(&inputs) {
        let mut mutator = Mutator::new(seed);
        for turn in 0..target.mutations {
            let mutated = mutator.mutate(input, others[turn % others.len()]);
            run(target, file, &mutated);
        }
    }
}

#[test]
fn c11_no_parameter_of_a_callback_counts_twice() {
    replay("callback");
}

#[test]
fn t12_no_signed_claims_are_let_in_that_are_not_for_us_and_of_now() {
    replay("claims");
}

#[test]
fn t17_no_cookie_lines_are_read_two_ways() {
    replay("cookie");
}

#[test]
fn t01_t06_a_stranger_describes_nothing_whatever_is_sent() {
    replay("forwarded");
}

#[test]
fn t19_no_signed_claims_sign_anybody_in_but_this_logins() {
    replay("id_token");
}

#[test]
fn t12_no_key_is_read_that_is_not_in_the_document() {
    replay("jwks");
}

#[test]
fn t12_nothing_is_accepted_that_was_not_signed() {
    replay("jwt");
}

#[test]
fn c77_no_signed_claims_end_a_session_that_they_do_not_name() {
    replay("logout_token");
}

#[test]
fn c17_no_metadata_is_taken_of_another_issuer_or_in_the_clear() {
    replay("metadata");
}

#[test]
fn c06_no_answer_to_a_pushed_request_is_taken_that_is_not_by_the_book() {
    replay("par_response");
}

#[test]
fn t02_no_path_that_is_taken_has_two_readings() {
    replay("path");
}

#[test]
fn t09_no_query_asks_for_less_than_it_says() {
    replay("policy");
}

#[test]
fn t12_no_proof_of_possession_is_taken_for_another_request() {
    replay("proof");
}

#[test]
fn t08_t11_no_bytes_in_the_store_are_a_session() {
    replay("record");
}

#[test]
fn t10_no_answer_of_redis_depends_on_how_it_is_cut() {
    replay("redis");
}

#[test]
fn t13_no_way_back_leaves_the_site() {
    replay("return_to");
}

#[test]
fn t18_nothing_is_passed_on_that_the_rules_keep_back() {
    replay("shape");
}

#[test]
fn t10_no_two_requests_share_a_signature() {
    replay("signature");
}

#[test]
fn t19_no_token_response_has_two_readings() {
    replay("token_response");
}

#[test]
fn t07_t08_no_bytes_are_let_in_without_the_session() {
    replay("verify");
}

#[test]
fn t09_no_file_is_taken_in_part_or_shows_a_value() {
    replay("yaml");
}

#[test]
fn every_target_has_a_corpus_and_a_test_and_every_corpus_a_target() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let folder = |folder: fs::DirEntry| folder.file_name().into_string().unwrap();
    let folders = fs::read_dir(corpus()).unwrap().map(|entry| folder(entry.unwrap()));
    assert_eq!(folders.collect::<BTreeSet<_>>(), targets);
    for target in TARGETS {
        let call = format!("replay(\"{}\")", target.name);
        assert!(include_str!("replay.rs").contains(&call), "no test for {}", target.name);
        let kept = inputs(target);
        assert!(kept.len() >= 5, "{} has {} inputs", target.name, kept.len());
        assert!(kept.values().all(|input| input.len() <= 16 * 1024), "{}", target.name);
    }
}
