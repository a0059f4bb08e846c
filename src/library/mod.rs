//! What other Rust programs may use of Posthorn (R47–R51): values and rules. Nothing here starts anything, reads the
//! environment or asks for a runtime or a database.

pub mod envelope;
pub mod retry;
pub mod signature;
pub mod validate;

pub use crate::domain::delivery::DeliveryStatus;
pub use crate::domain::subscription::SubscriptionStatus;

/// What people may see of a secret: the prefix `whsec_`, stars and, of 24 characters or more, the last four.
///
/// ```
/// assert_eq!(posthorn::mask_secret("my-webhook-secret-12345678"), "****5678");
/// assert_eq!(posthorn::mask_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "whsec_****LaSw");
/// assert_eq!(posthorn::mask_secret("short"), "****");
/// ```
pub fn mask_secret(secret: &str) -> String {
    crate::domain::secret::mask(secret)
}
