//! The identity headers of the product, and the spellings in which a client may try to send them.

/// What a 200 of verify carries, in lower case.
pub const IDENTITY: [&str; 7] = [
    "x-user-id",
    "x-session-id",
    "x-auth-time",
    "x-tenant-id",
    "x-tenant-slug",
    "x-user-roles",
    "x-master-flags",
];

/// Every spelling of a field name that some server somewhere takes for the same name.
pub fn spellings(name: &str) -> [String; 6] {
    [
        name.to_owned(),
        name.to_uppercase(),
        name.replace('-', "_"),
        name.to_uppercase().replace('-', "_"),
        name.replace('-', "."),
        name.replacen('-', "_", 1),
    ]
}
