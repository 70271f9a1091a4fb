//! Owns: the two encodings of a hash that RSA signs (RFC 8017 sections 9.1.1 and 9.2), taken apart so that
//! each piece can be wrong by itself.

use ring::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

/// The head of a `DigestInfo` for SHA-256 (RFC 8017 section 9.2, note 1).
const SHA256_INFO: &[u8] =
    b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
const WITHOUT_NULL: &[u8] = b"\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20";
const LONG_LENGTH: &[u8] =
    b"\x30\x81\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
const OF_SHA512: &[u8] =
    b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x20";
const OF_SHA1: &[u8] = b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14";

type Fault = (&'static str, Vec<u8>);

/// EMSA-PKCS1-v1_5.
pub(super) struct Pkcs1 {
    length: usize,
    hash: Vec<u8>,
    sha1: Vec<u8>,
}

impl Pkcs1 {
    pub(super) fn of(input: &[u8], length: usize) -> Self {
        let hash = |algorithm| digest(algorithm, input).as_ref().to_vec();
        Self { length, hash: hash(&SHA256), sha1: hash(&SHA1_FOR_LEGACY_USE_ONLY) }
    }

    pub(super) fn message(&self) -> Vec<u8> {
        self.with([0, 1], 0xff, SHA256_INFO, &self.hash)
    }

    /// As short a padding as may be, the hash, and nothing where more padding should have been.
    pub(super) fn short(&self) -> Vec<u8> {
        self.filled(&[&[0, 1], &[0xff; 8][..], &[0], SHA256_INFO, &self.hash].concat(), 0)
    }

    pub(super) fn faults(&self) -> Vec<Fault> {
        let (info, hash) = (SHA256_INFO, self.hash.as_slice());
        let behind = [info, hash, b"\x05\x00"].concat();
        let front = hash.split_at(hash.len() / 2).0;
        let without_separator =
            [&[0, 1], vec![0xff; self.length.saturating_sub(53)].as_slice(), info, hash].concat();
        vec![
            ("block-type-zero", self.with([0, 0], 0, info, hash)),
            ("block-type-two", self.with([0, 2], 0xff, info, hash)),
            ("first-byte-one", self.with([1, 1], 0xff, info, hash)),
            ("padding-of-other-bytes", self.with([0, 1], 0xfe, info, hash)),
            ("padding-of-zeros", self.with([0, 1], 0, info, hash)),
            ("without-separator", without_separator),
            ("hash-at-the-front-garbage-behind", self.filled(&self.short_head(), 0xa5)),
            ("hash-at-the-front-zeros-behind", self.short()),
            ("element-behind-the-hash", self.with([0, 1], 0xff, &behind, b"")),
            ("without-null-parameters", self.with([0, 1], 0xff, WITHOUT_NULL, hash)),
            ("length-in-long-form", self.with([0, 1], 0xff, LONG_LENGTH, hash)),
            ("named-sha512", self.with([0, 1], 0xff, OF_SHA512, hash)),
            ("sha1", self.with([0, 1], 0xff, OF_SHA1, &self.sha1)),
            ("hash-alone", self.with([0, 1], 0xff, b"", hash)),
            ("half-a-hash", self.with([0, 1], 0xff, info, front)),
        ]
    }

    fn short_head(&self) -> Vec<u8> {
        [&[0, 1], &[0xff; 8][..], &[0], SHA256_INFO, &self.hash].concat()
    }

    fn with(&self, head: [u8; 2], padding: u8, info: &[u8], hash: &[u8]) -> Vec<u8> {
        let used = head.len() + 1 + info.len() + hash.len();
        let padding = vec![padding; self.length.saturating_sub(used)];
        [&head, padding.as_slice(), &[0], info, hash].concat()
    }

    fn filled(&self, head: &[u8], with: u8) -> Vec<u8> {
        let mut message = head.to_vec();
        message.resize(self.length, with);
        message
    }
}

/// EMSA-PSS with SHA-256.
pub(super) struct Pss {
    length: usize,
    hash: Vec<u8>,
}

impl Pss {
    pub(super) fn of(input: &[u8], length: usize) -> Self {
        Self { length, hash: digest(&SHA256, input).as_ref().to_vec() }
    }

    pub(super) fn message(&self) -> Vec<u8> {
        self.with(32, &SHA256)
    }

    pub(super) fn faults(&self) -> Vec<Fault> {
        let good = self.message();
        let changed = |at: usize, bits: u8| {
            let mut message = good.clone();
            message.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= bits);
            message
        };
        let last = self.length - 1;
        vec![
            ("without-salt", self.with(0, &SHA256)),
            ("salt-of-20", self.with(20, &SHA256)),
            ("salt-of-31", self.with(31, &SHA256)),
            ("salt-of-33", self.with(33, &SHA256)),
            ("salt-as-long-as-may-be", self.with(self.length - 34, &SHA256)),
            ("mask-of-sha1", self.with(32, &SHA1_FOR_LEGACY_USE_ONLY)),
            ("trailer", changed(last, 0x01)),
            ("trailer-of-iso", changed(last, 0x70)),
            ("hash", changed(last - 1, 0x01)),
            ("masked-padding", changed(1, 0x01)),
            ("masked-salt", changed(self.length - 34, 0x01)),
        ]
    }

    fn with(&self, salt: usize, mask: &'static Algorithm) -> Vec<u8> {
        let salt = vec![0x5a; salt];
        let hash = digest(&SHA256, &[&[0; 8], self.hash.as_slice(), &salt].concat());
        let block = self.length - hash.as_ref().len() - 1;
        let mut data = vec![0; block.saturating_sub(salt.len() + 1)];
        data.push(1);
        data.extend(salt);
        let masks = mask_of(hash.as_ref(), block, mask);
        data.iter_mut().zip(masks).for_each(|(byte, mask)| *byte ^= mask);
        // The modulus has a bit less than its bytes hold.
        data.iter_mut().take(1).for_each(|byte| *byte &= 0x7f);
        [data.as_slice(), hash.as_ref(), &[0xbc]].concat()
    }
}

/// MGF1 (RFC 8017 appendix B.2.1).
fn mask_of(seed: &[u8], length: usize, hash: &'static Algorithm) -> Vec<u8> {
    let blocks = (0_u32..).map(|n| digest(hash, &[seed, &n.to_be_bytes()].concat()));
    blocks.flat_map(|block| block.as_ref().to_vec()).take(length).collect()
}
