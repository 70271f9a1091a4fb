//! Owns: the forms in which services hold public keys (RFC 5280 section 4.1.2.7, RFC 7468, RFC 4253
//! section 6.6), for attacks that take such a text for a secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
const P256: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";

pub(super) fn rsa(pkcs1: &[u8]) -> Vec<u8> {
    public_key(RSA, pkcs1)
}

pub(super) fn p256(point: &[u8]) -> Vec<u8> {
    public_key(P256, point)
}

pub(super) fn ed25519(key: &[u8]) -> Vec<u8> {
    public_key(ED25519, key)
}

fn public_key(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let bits = [&[0], key].concat();
    tagged(0x30, &[tagged(0x30, algorithm), tagged(0x03, &bits)].concat())
}

/// A value in DER: tag, length, content.
pub(super) fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut value = vec![tag];
    match (length.as_slice(), content.len()) {
        (_, short @ 0..128) => value.extend(u8::try_from(short)),
        (long, _) => {
            value.extend(u8::try_from(long.len()).map(|count| 0x80 | count));
            value.extend(long);
        }
    }
    value.extend(content);
    value
}

pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text + &format!("-----END {label}-----\n")
}

pub(super) fn ssh_p256(point: &[u8]) -> String {
    ssh("ecdsa-sha2-nistp256", &[b"nistp256", point])
}

pub(super) fn ssh_ed25519(key: &[u8]) -> String {
    ssh("ssh-ed25519", &[key])
}

fn ssh(kind: &str, fields: &[&[u8]]) -> String {
    let mut blob = Vec::new();
    for field in [&[kind.as_bytes()], fields].concat() {
        blob.extend(u32::try_from(field.len()).unwrap_or_default().to_be_bytes());
        blob.extend(field);
    }
    format!("{kind} {}", STANDARD.encode(blob))
}
