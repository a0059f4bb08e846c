//! What a caller of the API may do: the scopes of keys and tokens.

use std::fmt;

/// One thing that a caller may or may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Read whatever is the tenant's.
    Read,
    /// Publish events and enqueue deliveries.
    Publish,
    /// Change subscriptions, event types and settings, and act on deliveries.
    Manage,
    /// Make and revoke API keys.
    Keys,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Publish, Self::Manage, Self::Keys];

    /// The word for it, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Publish => "publish",
            Self::Manage => "manage",
            Self::Keys => "keys",
        }
    }

    /// What a word stands for, or `None`.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.as_str() == word)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u8);

impl Permissions {
    /// Everything.
    pub fn all() -> Self {
        Permission::ALL.into_iter().collect()
    }

    /// Whether `permission` is among them.
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Those that `other` has not.
    pub const fn beyond(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their words, in one order always.
    pub fn words(self) -> Vec<&'static str> {
        Permission::ALL.into_iter().filter(|permission| self.has(*permission)).map(Permission::as_str).collect()
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |bits, permission| bits | permission.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.as_str()), Some(permission));
        }
        for word in ["", "READ", "read ", "admin"] {
            assert_eq!(Permission::parse(word), None, "{word}");
        }
    }

    #[test]
    fn a_set_has_what_was_put_in_and_nothing_else() {
        let some: Permissions = [Permission::Keys, Permission::Read].into_iter().collect();
        assert_eq!(some.words(), ["read", "keys"]);
        assert!(some.has(Permission::Keys) && !some.has(Permission::Manage));
        assert_eq!(Permissions::all().beyond(some).words(), ["publish", "manage"]);
        assert!(some.beyond(Permissions::all()).is_empty() && Permissions::default().is_empty());
    }
}
