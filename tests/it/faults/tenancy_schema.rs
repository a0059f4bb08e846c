//! The schema keeps tenants apart in what points at what, what must be unique and what runs with its owner's rights (A5, A6, A8).

use serde_json::json;

use crate::harness::{Answer, Receiver, SOON, Serving, World, eventually};

/// What a query finds to complain of.
async fn found(world: &World, query: &str) -> Vec<String> {
    let rows = world.db.query(query, &[]).await.unwrap_or_else(|e| panic!("{query}: {e:?}"));
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn whatever_points_at_a_tenants_row_says_whose_it_is() {
    let world = World::new().await;
    let of_tenants = "SELECT count(*) FROM pg_constraint f WHERE f.contype = 'f'
                      AND f.confrelid = 'posthorn.webhook_subscriptions'::regclass";
    assert!(world.count(of_tenants).await >= 3);
    let open = "SELECT f.conrelid::regclass || '.' || f.conname FROM pg_constraint f
        WHERE f.contype = 'f' AND f.connamespace = 'posthorn'::regnamespace
          AND EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = f.confrelid AND t.attname = 'tenant_id')
          AND NOT EXISTS (SELECT FROM unnest(f.conkey, f.confkey) AS k(ours, theirs)
              JOIN pg_attribute o ON o.attrelid = f.conrelid AND o.attnum = k.ours AND o.attname = 'tenant_id'
              JOIN pg_attribute t ON t.attrelid = f.confrelid AND t.attnum = k.theirs AND t.attname = 'tenant_id')";
    assert_eq!(found(&world, open).await, Vec::<String>::new(), "foreign keys that leave out the tenant");
    // whatever a tenant may write and that names a subscription has such a key: row security does not look where it points
    let unbound = "SELECT c.relname::text FROM pg_class c
        WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND has_column_privilege('posthorn_api', c.oid,
              (SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'subscription_id'), 'INSERT, UPDATE')
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f'
              AND f.confrelid = 'posthorn.webhook_subscriptions'::regclass)";
    assert_eq!(found(&world, unbound).await, Vec::<String>::new(), "names subscriptions without a foreign key");
}

#[tokio::test]
async fn what_must_be_unique_is_so_within_a_tenant() {
    let world = World::new().await;
    // the ids are made by the program or the database and never chosen by a caller
    let across = "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        WHERE c.relnamespace = 'posthorn'::regnamespace AND i.indisunique AND NOT c.relispartition
          AND EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'tenant_id')
          AND (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = i.indkey[0])
              NOT IN ('tenant_id', 'id', 'event_id', 'subscription_id', 'delivery_id')";
    assert_eq!(found(&world, across).await, Vec::<String>::new(), "unique across tenants");
    let chosen = "SELECT c.relname::text FROM pg_class c
        WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relkind IN ('r', 'p') AND has_column_privilege('posthorn_api', c.oid,
            (SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'id'), 'INSERT') ORDER BY 1";
    // both with 64 random bits and more, which nobody guesses
    assert_eq!(found(&world, chosen).await, ["api_keys", "webhook_subscriptions"]);
}

#[tokio::test]
async fn whatever_runs_with_its_owners_rights_looks_in_our_schema_and_last_in_the_callers() {
    let world = World::new().await;
    let attached =
        "CREATE SCHEMA billing; CREATE TABLE billing.invoices (id uuid PRIMARY KEY, tenant_id uuid, note text);
        SELECT posthorn.attach('billing.invoices', 'invoice', 'tenant_id')";
    world.db.batch_execute(attached).await.unwrap();
    let definers = "SELECT count(*) FROM pg_proc p WHERE p.prosecdef AND p.pronamespace = 'billing'::regnamespace";
    assert!(world.count(definers).await >= 1, "an attached table has a function of its own");
    let ours =
        "p.pronamespace IN ('posthorn'::regnamespace, 'posthorn_webhooks'::regnamespace, 'billing'::regnamespace)";
    let misled = format!(
        "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE {ours} AND p.prosecdef AND NOT EXISTS (
            SELECT FROM unnest(p.proconfig) c WHERE c ~ '^search_path=([a-z_]+, )*pg_temp$')"
    );
    assert_eq!(found(&world, &misled).await, Vec::<String>::new(), "pg_temp is not last");
    let public = format!(
        "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE {ours} AND p.prosecdef
           AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0))"
    );
    assert_eq!(found(&world, &public).await, Vec::<String>::new(), "PUBLIC may execute it");
}

/// Row security looks at whose row it is and not at what it points to: the foreign key does, and the dispatcher asks again.
#[tokio::test]
async fn a_test_send_cannot_be_asked_of_another_tenants_subscription() {
    let serving = Serving::start().await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let ((a, _), (_, b)) = (serving.tenant("a").await, serving.tenant("b").await);
    let theirs = crate::harness::api::id_of(&b.subscribe(&receiver.url("/b"), "a.b").await);
    let thief = serving.world.client_of(a).await;
    let ask = format!(
        "INSERT INTO posthorn.test_sends (tenant_id, subscription_id, event, payload) VALUES ('{a}', '{theirs}', 'a.b', '{{}}')"
    );
    let refused = thief.batch_execute(&ask).await.unwrap_err();
    assert_eq!(refused.as_db_error().unwrap().constraint(), Some("test_sends_subscription_fkey"));
    // without the key, as on a schema that is older: no dispatcher makes it
    serving
        .world
        .db
        .batch_execute("ALTER TABLE posthorn.test_sends DROP CONSTRAINT test_sends_subscription_fkey")
        .await
        .unwrap();
    thief.batch_execute(&ask).await.unwrap();
    b.post(&format!("/subscriptions/{theirs}/test"), &json!({})).await.ok(200);
    let taken = "SELECT count(*) FROM posthorn.test_sends WHERE taken_at IS NOT NULL";
    eventually("both are taken", SOON, async || serving.world.count(taken).await == 2).await;
    b.post(&format!("/subscriptions/{theirs}/test"), &json!({})).await.ok(200);
    assert_eq!(receiver.requests().len(), 2, "the tenant's own two and no other");
    assert_eq!(serving.world.count("SELECT count(*) FROM posthorn.test_sends WHERE answer IS NOT NULL").await, 2);
}
