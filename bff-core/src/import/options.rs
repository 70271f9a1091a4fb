//! Owns: all options of oauth2-proxy, and what becomes of each.

mod access;
mod cookie;
mod headers;
mod pages;
mod provider;
mod providers;
mod server;
mod store;

use super::made::Made;
use super::report::Verdict;
use super::source::Given;
use super::value::Value;

/// An option.
#[derive(Debug)]
pub(super) struct Known {
    /// As the file writes it.
    pub(super) name: &'static str,
    /// As the command line writes it, where that is not the same with hyphens.
    flag: Option<&'static str>,
    /// Whether it stands alone on the command line.
    pub(super) is_switch: bool,
    rule: Rule,
}

/// What becomes of an option.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// It goes into this setting as it is.
    To(&'static str),
    /// Nothing has to stand for it, whatever it says.
    Gone(&'static str),
    /// While it says one of `values` nothing has to stand for it; anything else has no equivalent.
    While { values: &'static [&'static str], gone: &'static str, instead: &'static str },
    /// Nothing can stand for it.
    Missing(&'static str),
    /// It depends.
    Read(fn(&Value, &Given, &mut Made) -> Verdict),
}

impl Known {
    const fn new(name: &'static str, rule: Rule) -> Self {
        Self { name, flag: None, is_switch: false, rule }
    }

    const fn flag(mut self, flag: &'static str) -> Self {
        self.flag = Some(flag);
        self
    }

    const fn to(name: &'static str, setting: &'static str) -> Self {
        Self::new(name, Rule::To(setting))
    }

    const fn gone(name: &'static str, why: &'static str) -> Self {
        Self::new(name, Rule::Gone(why))
    }

    const fn missing(name: &'static str, instead: &'static str) -> Self {
        Self::new(name, Rule::Missing(instead))
    }

    const fn read(name: &'static str, rule: fn(&Value, &Given, &mut Made) -> Verdict) -> Self {
        Self::new(name, Rule::Read(rule))
    }

    const fn while_is(
        name: &'static str,
        values: &'static [&'static str],
        gone: &'static str,
        instead: &'static str,
    ) -> Self {
        Self::new(name, Rule::While { values, gone, instead })
    }

    /// A switch for which nothing has to stand while it is off.
    const fn off(name: &'static str, instead: &'static str) -> Self {
        Self { is_switch: true, ..Self::while_is(name, OFF, "is off, as it is here", instead) }
    }

    /// A switch for which nothing has to stand while it is on.
    const fn on(name: &'static str, why: &'static str, instead: &'static str) -> Self {
        Self { is_switch: true, ..Self::while_is(name, ON, why, instead) }
    }

    const fn switch(mut self) -> Self {
        self.is_switch = true;
        self
    }

    /// Whether `--flag` is this one. Some had the name of the file before they had one of their own.
    fn is_flag(&self, flag: &str) -> bool {
        self.flag == Some(flag) || self.name == flag.replace('-', "_")
    }
}

const OFF: &[&str] = &["false", "f", "0"];
const ON: &[&str] = &["true", "t", "1"];

fn all() -> impl Iterator<Item = &'static Known> {
    [
        provider::OPTIONS,
        providers::OPTIONS,
        cookie::OPTIONS,
        headers::OPTIONS,
        pages::OPTIONS,
        access::OPTIONS,
        server::OPTIONS,
        store::OPTIONS,
    ]
    .into_iter()
    .flatten()
}

/// The option that the file calls `name`.
pub(super) fn of_name(name: &str) -> Option<&'static Known> {
    all().find(|known| known.name == name)
}

/// The option of `--flag`.
pub(super) fn of_flag(flag: &str) -> Option<&'static Known> {
    all().find(|known| known.is_flag(flag))
}

/// What becomes of the option `name`, which says `value`.
pub(super) fn judge(name: &str, value: &Value, given: &Given, made: &mut Made) -> Verdict {
    match of_name(name).map(|known| known.rule) {
        None => Verdict::Unknown,
        Some(Rule::To(setting)) => made.set(setting, value.one()),
        Some(Rule::Gone(why)) => Verdict::Gone(why.into()),
        Some(Rule::Missing(instead)) => Verdict::Missing(instead.into()),
        Some(Rule::While { values, gone, instead }) => {
            let is_one = |entry: &str| values.iter().any(|known| known.eq_ignore_ascii_case(entry));
            if value.list().into_iter().all(is_one) {
                Verdict::Gone(gone.into())
            } else {
                Verdict::Missing(instead.into())
            }
        }
        Some(Rule::Read(read)) => read(value, given, made),
    }
}

/// The names of all of them.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    all().map(|known| known.name)
}
