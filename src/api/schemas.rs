//! Mends the document's schemas where what poem writes is not what readers of OpenAPI 3.0 understand.

use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};

/// Takes what is said of a reference out of the list beside it: poem writes `allOf: [$ref, {nullable, description}]`, where a
/// second schema without a type would have to hold too, and generators of clients drop what has such a field. One reference
/// in `allOf` with the rest beside it says the same to all of them.
pub(super) fn keep_references_plain(registry: &mut Registry) {
    for schema in registry.schemas.values_mut() {
        for (_, property) in &mut schema.properties {
            if let MetaSchemaRef::Inline(property) = property {
                keep_plain(property);
            }
        }
    }
}

fn keep_plain(schema: &mut MetaSchema) {
    let is_pair = matches!(schema.all_of.as_slice(), [MetaSchemaRef::Reference(_), MetaSchemaRef::Inline(_)]);
    if is_pair {
        // what the second says, the whole says as well
        schema.all_of.truncate(1);
    }
}
