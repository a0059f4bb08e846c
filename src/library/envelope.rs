//! The body of a request, byte for byte as Posthorn sends it (R34–R36).
//!
//! ```
//! use posthorn::envelope::{self, Event, PayloadFormat};
//! use time::macros::datetime;
//! use uuid::Uuid;
//!
//! let event = Event {
//!     id: Uuid::from_u128(7),
//!     event: "invoice.paid",
//!     tenant_id: Uuid::from_u128(9),
//!     created_at: datetime!(2026-03-01 12:00 UTC),
//!     resource_type: Some("invoice"),
//!     resource_id: Some("INV-1001"),
//!     payload_json: r#"{"amount": "1500.00"}"#,
//!     metadata_json: None,
//!     source: "posthorn",
//! };
//! let request = envelope::format(PayloadFormat::Dotmac, &event);
//! assert_eq!(
//!     request.body,
//!     concat!(
//!         r#"{"id":"00000000-0000-0000-0000-000000000007","type":"invoice.paid","#,
//!         r#""timestamp":"2026-03-01T12:00:00.000000Z","#,
//!         r#""tenant_id":"00000000-0000-0000-0000-000000000009","data":{"amount": "1500.00"}}"#,
//!     )
//! );
//! assert_eq!(request.content_type, "application/json");
//! ```

pub use crate::domain::envelope::{EventView as Event, Rendered};
pub use crate::domain::subscription::PayloadFormat;

use crate::domain::envelope::render;

/// Body, content type and own headers of an event in a format. The same event always makes the same bytes; the payload is
/// never parsed. A template belongs to its subscription: [`PayloadFormat::Template`] comes out as [`PayloadFormat::Default`].
pub fn format(format: PayloadFormat, event: &Event<'_>) -> Rendered {
    render(format, event)
}
