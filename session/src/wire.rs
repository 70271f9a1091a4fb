//! Owns: reading and writing the length-prefixed fields that records and associated data are made
//! of. A length before every field keeps two different records from sharing one encoding (T11).

use bytes::{Buf as _, BufMut as _, Bytes};

/// A field or number was cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Truncated;

/// Reads fields off the front of `Bytes` without copying.
pub(crate) struct Reader(pub(crate) Bytes);

impl Reader {
    pub(crate) fn u8(&mut self) -> Result<u8, Truncated> {
        self.0.try_get_u8().map_err(|_| Truncated)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Truncated> {
        let mut out = [0; N];
        self.0.try_copy_to_slice(&mut out).map_err(|_| Truncated)?;
        Ok(out)
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<Bytes, Truncated> {
        (length <= self.0.len()).then(|| self.0.split_to(length)).ok_or(Truncated)
    }
}

/// A field is longer than 65,535 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a field of the session is longer than 65535 bytes")]
pub struct FieldTooLong;

/// Appends a field behind a 16-bit length.
pub(crate) fn put_field(out: &mut Vec<u8>, field: &[u8]) -> Result<(), FieldTooLong> {
    out.put_u16(u16::try_from(field.len()).map_err(|_| FieldTooLong)?);
    out.put_slice(field);
    Ok(())
}
