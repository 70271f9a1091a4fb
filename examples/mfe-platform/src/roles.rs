//! Owns: what the services ask of a token, by name. The gateway's routes ask the same.

use validator_lib::{Policy, policy};

policy! {
    /// Whoever has a role on the platform.
    pub(crate) Member = Policy::new().any_role(["ADMIN", "CUSTOMER", "VENDOR"]);
    /// Reads payments.
    pub(crate) Payers = Policy::new().any_role(["ADMIN", "CUSTOMER"]);
    /// Pays.
    pub(crate) Customer = Policy::new().role("CUSTOMER");
    /// Reads what is paid out.
    pub(crate) Payees = Policy::new().any_role(["ADMIN", "VENDOR"]);
    /// Administers.
    pub(crate) Admin = Policy::new().role("ADMIN");
}
