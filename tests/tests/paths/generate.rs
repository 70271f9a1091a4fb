//! Spellings of paths: what a browser sends, and what only an attacker would.

use e2e::dice::Dice;

/// Where the routes of the table begin, and places beside them.
const STARTS: [&[u8]; 14] = [
    b"/api/orders/",
    b"/api/orders/",
    b"/api/public/",
    b"/api/public/",
    b"/api/admin/",
    b"/api/orders",
    b"/api/",
    b"/",
    b"//api/orders/",
    b"/API/orders/",
    b"/api/%6frders/",
    b"/api%2forders/",
    b"/api/orders/..",
    b"",
];

/// Segments that a service may well be asked for.
const PLAIN: [&[u8]; 12] = [
    b"1",
    b"items",
    b"a-b_c~d",
    b"report.json",
    b"a:b@c",
    b"d=e+f",
    b"caf%C3%A9",
    b"%E2%82%AC",
    b"a%20b",
    b"...",
    b"x'(y)!*",
    b"%61bc",
];

/// Pieces that parsers are known to read differently.
const ODD: [&[u8]; 46] = [
    b".",
    b"..",
    b"%2e",
    b"%2E%2e",
    b".%2e",
    b"%252e%252e",
    b"..;",
    b"..;x=1",
    b"..%00",
    b"..%2f",
    b"%2f",
    b"%2F",
    b"%252f",
    b"%5c",
    b"%5C..",
    b"\\",
    b"..\\",
    b"%00",
    b"%0a",
    b"%0d%0aX-Case:%200",
    b"%09",
    b"%20",
    b"%",
    b"%2",
    b"%zz",
    b"%u002e%u002e",
    b";",
    b";jsessionid=1",
    b"%3b",
    b"#",
    b"%23",
    b"?",
    b"%3f",
    b"?x=/../admin/1",
    b"%c0%ae%c0%ae",
    b"%e0%80%ae",
    b"%ef%bc%8e",
    b"%ff",
    b"\xff\xfe",
    b"\xc3\xa9",
    b"\xc0\xae",
    b"\x01",
    b"\x7f",
    b" ",
    b"\t",
    b"{path}",
];

/// Ways on from where one is to where one must not be.
const TARGETS: [&[u8]; 5] = [b"admin/1", b"orders/1", b"public/1", b"api/admin/1", b"secret/1"];

/// The next request target. `elsewhere` is the authority of a server that no table names.
pub(crate) fn target(dice: &mut Dice, elsewhere: &str) -> Vec<u8> {
    let mut target = match dice.below(40) {
        0 => format!("http://{elsewhere}").into_bytes(),
        1 => format!("https://user@{elsewhere}").into_bytes(),
        2 => format!("//{elsewhere}").into_bytes(),
        3 => format!("/api/orders/@{elsewhere}").into_bytes(),
        _ => Vec::new(),
    };
    target.extend_from_slice(dice.one_of(&STARTS));
    // Most are nearly right: one odd piece, where it counts.
    let odd = if dice.chance(30) { 0 } else { dice.below(3) + 1 };
    for _ in 0..dice.below(3) {
        segment(dice, &mut target);
    }
    for _ in 0..odd {
        target.extend_from_slice(dice.one_of(&ODD));
        if dice.chance(60) {
            target.extend_from_slice(dice.one_of(&[&b"/"[..], b"//", b"%2f", b"\\"]));
        }
        if dice.chance(40) {
            segment(dice, &mut target);
        }
    }
    if dice.chance(30) {
        target.extend_from_slice(dice.one_of(&TARGETS));
    }
    if dice.chance(15) {
        target.extend_from_slice(dice.one_of(&[
            &b"?a=1"[..],
            b"?a=%2e%2e/b",
            b"?..//",
            b"?a=1?b=2",
            b"?%00",
            b"?a;b",
            b"?",
        ]));
    }
    target
}

fn segment(dice: &mut Dice, target: &mut Vec<u8>) {
    target.extend_from_slice(dice.one_of(&PLAIN));
    if dice.chance(80) {
        target.push(b'/');
    }
}

#[test]
fn it_says_the_same_in_every_run_and_seldom_twice() {
    let all = |seed| {
        let mut dice = Dice::new(seed);
        (0..10_000).map(|_| target(&mut dice, "elsewhere:1")).collect::<Vec<_>>()
    };
    assert_eq!(all(1), all(1));
    let mut different = all(1);
    different.sort();
    different.dedup();
    assert!(different.len() > 7_000, "{}", different.len());
}
