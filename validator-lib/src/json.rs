//! Owns: what makes a JSON text acceptable whatever type is read from it: one object, no member twice
//! at any level, bounded nesting. RFC 7515 section 4 and RFC 7519 section 4 let a parser refuse
//! duplicate names; two parsers that each keep another one is how a check is bypassed.
//!
//! The text is read once: [`Strict`] stands between the parser and the type, and sees every member,
//! also those that the type has no use for.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IntoDeserializer as _, MapAccess, SeqAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;

const MAX_DEPTH: usize = 32;
/// Up to here each new name is compared with the others, which takes no time; beyond, they are sorted.
const FEW_NAMES: usize = 16;

/// Reads one JSON object of type `T`, refusing what this module refuses.
pub(crate) fn object<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Result<T, serde_json::Error> {
    // Once for the whole text, and not again for each string in it.
    let text = std::str::from_utf8(text).map_err(serde_json::Error::custom)?;
    if !text.trim_ascii_start().starts_with('{') {
        return Err(serde_json::Error::custom("not an object"));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = T::deserialize(Strict { inner: &mut reader, depth: MAX_DEPTH })?;
    reader.end()?;
    Ok(value)
}

/// For `#[serde(default, deserialize_with = "json::present")]`: an absent member is `None`, `null` is
/// a value of the wrong type and not an absent member.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Whatever it wraps, at most `depth` levels deep.
struct Strict<I> {
    inner: I,
    depth: usize,
}

impl<I> Strict<I> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("nested too deeply"))?;
        Ok(Self { depth, ..self })
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(Strict { inner: visitor, depth: self.depth })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_option(Strict { inner: visitor, depth: self.depth })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_newtype_struct(name, Strict { inner: visitor, depth: self.depth })
    }

    // A map and nothing else: the fields of a type could be filled from an array, too.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_map(Strict { inner: visitor, depth: self.depth })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Strict<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let Self { inner, depth } = self.deeper()?;
        let mut members = Members { map, depth, names: Vec::with_capacity(FEW_NAMES) };
        let value = inner.visit_map(&mut members)?;
        members.finish()?;
        Ok(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        let Self { inner, depth } = self.deeper()?;
        inner.visit_seq(Strict { inner: seq, depth })
    }

    fn visit_some<D: Deserializer<'de>>(self, some: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(Strict { inner: some, depth: self.depth })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Strict { inner, depth: self.depth })
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<V::Value, E> {
        self.inner.visit_bool(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<V::Value, E> {
        self.inner.visit_i64(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<V::Value, E> {
        self.inner.visit_u64(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<V::Value, E> {
        self.inner.visit_f64(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<V::Value, E> {
        self.inner.visit_str(value)
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<V::Value, E> {
        self.inner.visit_borrowed_str(value)
    }

    fn visit_string<E: Error>(self, value: String) -> Result<V::Value, E> {
        self.inner.visit_string(value)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Strict<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Strict { inner: deserializer, depth: self.depth })
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_element_seed(Strict { inner: seed, depth: self.depth })
    }
}

/// The members of one object, and their names so far.
struct Members<'de, A> {
    map: A,
    depth: usize,
    names: Vec<Cow<'de, str>>,
}

impl<'de, A: MapAccess<'de>> Members<'de, A> {
    /// Whoever reads a map may stop early, so what is left is walked as well.
    fn finish(mut self) -> Result<(), A::Error> {
        while self.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
        if self.names.len() > FEW_NAMES {
            self.names.sort_unstable();
            if !self.names.is_sorted_by(|a, b| a < b) {
                return Err(twice());
            }
        }
        Ok(())
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'de, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let Some(name) = self.map.next_key_seed(Name)? else { return Ok(None) };
        let known = match &name {
            Cow::Borrowed(name) => seed.deserialize(BorrowedStrDeserializer::new(name)),
            Cow::Owned(name) => {
                let name: StrDeserializer<'_, A::Error> = name.as_str().into_deserializer();
                seed.deserialize(name)
            }
        };
        if self.names.len() < FEW_NAMES && self.names.contains(&name) {
            return Err(twice());
        }
        self.names.push(name);
        known.map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.map.next_value_seed(Strict { inner: seed, depth: self.depth })
    }
}

fn twice<E: Error>() -> E {
    E::custom("a member occurs twice")
}

struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests;
