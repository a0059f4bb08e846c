//! The laws of the schema, asked of the catalog: who may read what, what is explained, what is indexed, what is named.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use posthorn::store::{StoreRole, days};
use secrecy::ExposeSecret;

use crate::harness::{World, server};

/// Every relation of ours that the API's role or PUBLIC can do anything with.
const EXPOSED: &str = "
    SELECT c.oid, c.relname, c.relkind, c.relrowsecurity, coalesce(c.reloptions, '{}') AS reloptions
    FROM pg_class c
    WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND (EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee IN (0, 'posthorn_api'::regrole))
        OR EXISTS (SELECT FROM pg_attribute t, aclexplode(t.attacl) a
                   WHERE t.attrelid = c.oid AND a.grantee IN (0, 'posthorn_api'::regrole)))";

/// A world with days, which are made by a function and not by a migration.
async fn world_with_days() -> World {
    let world = World::new().await;
    assert!(days::make_ahead(&world.store(StoreRole::Dispatcher), 1).await.unwrap() > 0);
    world
}

/// Asserts that a query finds nothing to complain of.
async fn assert_none(world: &World, complaint: &str, query: &str) {
    let rows = world.db.query(query, &[]).await.unwrap_or_else(|e| panic!("{complaint}: {e:?}"));
    let found: Vec<String> = rows.iter().map(|row| row.get::<_, String>(0)).collect();
    assert!(found.is_empty(), "{complaint}: {}", found.join(", "));
}

#[tokio::test]
async fn whatever_the_api_can_reach_is_under_row_security() {
    let world = world_with_days().await;
    assert!(world.count(&format!("SELECT count(*) FROM ({EXPOSED}) e")).await >= 5);
    let unprotected = format!(
        "SELECT e.relname::text FROM ({EXPOSED}) e WHERE e.relkind <> 'v' AND NOT (e.relrowsecurity AND EXISTS (
            SELECT FROM pg_policy p WHERE p.polrelid = e.oid AND 'posthorn_api'::regrole = ANY (p.polroles)))"
    );
    assert_none(&world, "no row security or no policy", &unprotected).await;
    let open_views = format!(
        "SELECT e.relname::text FROM ({EXPOSED}) e WHERE e.relkind = 'v' AND NOT EXISTS (
            SELECT FROM unnest(e.reloptions) o WHERE o IN ('security_barrier=true', 'security_invoker=true'))"
    );
    assert_none(&world, "views without security_barrier or security_invoker", &open_views).await;
    // row security needs an index of its own: on the tenant, or on what a tenant's rows are looked up by
    let slow = format!(
        "SELECT e.relname::text FROM ({EXPOSED}) e WHERE e.relkind <> 'v' AND NOT EXISTS (
            SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = e.oid AND i.indpred IS NULL AND a.attname = CASE e.relname
                WHEN 'webhook_attempts' THEN 'delivery_id' WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END)"
    );
    assert_none(&world, "no index that begins with the tenant", &slow).await;
}

#[tokio::test]
async fn a_policy_that_shows_every_row_is_not_the_apis() {
    let world = World::new().await;
    let open = "SELECT p.polrelid::regclass || '.' || p.polname FROM pg_policy p
                WHERE ('posthorn_api'::regrole = ANY (p.polroles) OR 0 = ANY (p.polroles))
                  AND pg_get_expr(p.polqual, p.polrelid) !~ 'current_tenant'";
    assert_none(&world, "policies that do not ask for the tenant", open).await;
}

#[tokio::test]
async fn partitions_cannot_be_read_around_their_table() {
    let world = world_with_days().await;
    let days = "SELECT count(*) FROM pg_class WHERE relispartition AND relname ~ '_\\d{8}$' AND relkind = 'r'";
    assert!(world.count(days).await >= 6);
    let open = "SELECT c.relname::text FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid
                JOIN pg_class parent ON parent.oid = i.inhparent
                WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relkind IN ('r', 'p')
                  AND parent.relrowsecurity AND NOT c.relrowsecurity";
    assert_none(&world, "partitions without row security", open).await;
    let granted = "SELECT c.relname::text FROM pg_class c
                   WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relispartition AND c.relkind IN ('r', 'p')
                     AND (EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner)
                       OR EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attacl IS NOT NULL))";
    assert_none(&world, "partitions with rights of their own", granted).await;
    let foreign = "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'posthorn'::regnamespace
                   AND c.relowner <> 'posthorn_owner'::regrole";
    assert_none(&world, "not owned by posthorn_owner", foreign).await;
}

#[tokio::test]
async fn a_publisher_can_insert_the_outbox_columns_and_nothing_else() {
    let world = world_with_days().await;
    let granted = "
        SELECT c.relname || '.' || t.attname || ' ' || a.privilege_type
        FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a
        WHERE c.relnamespace = 'posthorn'::regnamespace AND a.grantee = 'posthorn_publisher'::regrole
        UNION ALL
        SELECT c.relname || ' ' || a.privilege_type FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.relnamespace = 'posthorn'::regnamespace AND a.grantee = 'posthorn_publisher'::regrole
        ORDER BY 1";
    let rows = world.db.query(granted, &[]).await.unwrap();
    let found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let columns = [
        "coalesce_key",
        "deliver_after",
        "event",
        "idempotency_key",
        "metadata",
        "ordering_key",
        "payload",
        "resource_id",
        "resource_type",
        "tenant_id",
        "traceparent",
    ];
    assert_eq!(found, columns.map(|column| format!("outbox.{column} INSERT")));
}

#[tokio::test]
async fn the_outbox_is_the_one_table_without_row_security_that_roles_may_touch() {
    let world = World::new().await;
    let open = "SELECT c.relname::text FROM pg_class c
                WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                  AND EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'tenant_id')
                  AND NOT c.relrowsecurity AND c.relname <> 'outbox'
                  AND EXISTS (SELECT FROM pg_attribute t, aclexplode(t.attacl) a WHERE t.attrelid = c.oid
                      AND a.grantee IN (0, 'posthorn_api'::regrole, 'posthorn_publisher'::regrole))";
    assert_none(&world, "tenants' rows without row security", open).await;
}

#[tokio::test]
async fn functions_are_nobodys_by_default_and_cannot_be_misled() {
    let world = World::new().await;
    let misled = "SELECT p.oid::regprocedure::text FROM pg_proc p
                  WHERE p.pronamespace = 'posthorn'::regnamespace AND p.prosecdef
                    AND NOT coalesce(p.proconfig, '{}') @> '{\"search_path=posthorn, pg_temp\"}'";
    assert_none(&world, "SECURITY DEFINER without search_path = posthorn, pg_temp", misled).await;
    let public = "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'posthorn'::regnamespace
                  AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0))";
    assert_none(&world, "functions that PUBLIC may execute", public).await;
    let readable = "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'posthorn'::regnamespace
                    AND (EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0)
                      OR EXISTS (SELECT FROM pg_attribute t, aclexplode(t.attacl) a
                                 WHERE t.attrelid = c.oid AND a.grantee = 0))";
    assert_none(&world, "relations that PUBLIC has rights on", readable).await;
    let usable = "SELECT n.nspname::text FROM pg_namespace n, aclexplode(n.nspacl) a
                  WHERE n.nspname = 'posthorn' AND a.grantee = 0";
    assert_none(&world, "schemas that PUBLIC may use", usable).await;
}

#[tokio::test]
async fn everything_is_explained() {
    let world = world_with_days().await;
    let relations = "SELECT c.relname::text FROM pg_class c
                     WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
                       AND obj_description(c.oid, 'pg_class') IS NULL";
    assert_none(&world, "tables and views without a comment", relations).await;
    let columns = "SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                   WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
                     AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
                     AND col_description(c.oid, a.attnum) IS NULL";
    assert_none(&world, "columns without a comment", columns).await;
    let functions = "SELECT p.oid::regprocedure::text FROM pg_proc p
                     WHERE p.pronamespace = 'posthorn'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL";
    assert_none(&world, "functions without a comment", functions).await;
}

#[tokio::test]
async fn names_say_what_things_are() {
    let world = World::new().await;
    let instants = "SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                    WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
                      AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'timestamptz'::regtype
                      AND a.attname !~ '_(at|until|after)$'";
    assert_none(&world, "instants not named _at, _until or _after", instants).await;
    let naive = "SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                 WHERE c.relnamespace = 'posthorn'::regnamespace AND a.atttypid = 'timestamp'::regtype";
    assert_none(&world, "times without a zone", naive).await;
    // the name of a broken CHECK is what a caller reads
    let checks = "SELECT n.conrelid::regclass || '.' || n.conname FROM pg_constraint n
                  WHERE n.connamespace = 'posthorn'::regnamespace AND n.contype = 'c' AND n.conname ~ '_check[0-9]*$'";
    assert_none(&world, "CHECKs without a name of their own", checks).await;
}

#[tokio::test]
async fn every_foreign_key_has_an_index() {
    let world = World::new().await;
    assert!(world.count("SELECT count(*) FROM pg_constraint WHERE contype = 'f'").await >= 3);
    let slow = "SELECT f.conrelid::regclass || '.' || f.conname FROM pg_constraint f
                WHERE f.connamespace = 'posthorn'::regnamespace AND f.contype = 'f' AND NOT EXISTS (
                    SELECT FROM pg_index i WHERE i.indrelid = f.conrelid AND i.indpred IS NULL
                      AND (i.indkey::int2[])[0:cardinality(f.conkey) - 1] @> f.conkey)";
    assert_none(&world, "foreign keys without an index", slow).await;
}

#[tokio::test]
async fn a_claim_changes_no_index_of_the_live_deliveries() {
    let world = World::new().await;
    let live = "'posthorn.webhook_deliveries_live'::regclass";
    let heavy = format!(
        "SELECT i.indexrelid::regclass || '.' || a.attname
         FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid
         WHERE i.indrelid = {live}
           AND a.attname IN ('status', 'epoch', 'lease_until', 'attempts', 'updated_at', 'dispatcher_id')
           AND (a.attnum = ANY (i.indkey) OR EXISTS (
               SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                 AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum))"
    );
    assert_none(&world, "indexed columns that a claim changes", &heavy).await;
    assert_eq!(world.count(&format!("SELECT count(*) FROM pg_index i WHERE i.indrelid = {live}")).await, 8);
    let half = format!("SELECT count(*) FROM pg_class WHERE oid = {live} AND reloptions @> '{{fillfactor=50}}'");
    assert_eq!(world.count(&half).await, 1);
}

/// `migrations/schema.sql` shows reviewers the effect of a migration, and readers the whole schema in one file.
#[tokio::test]
async fn the_committed_schema_is_what_the_migrations_make() {
    let world = World::new().await;
    let dumped = dump(&world);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/schema.sql");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&file, &dumped).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    // another version prints the same schema in other words: then only the list of things is compared
    let is_same_version = committed.lines().next() == dumped.lines().next();
    let (committed, dumped) =
        if is_same_version { (committed, dumped) } else { (list_of(&committed), list_of(&dumped)) };
    let difference = committed.lines().zip(dumped.lines()).find(|(ours, theirs)| ours != theirs);
    assert!(
        committed == dumped,
        "migrations/schema.sql differs from what the migrations make, first at {difference:?}: \
         run `UPDATE_SCHEMA=1 cargo test --test it schema::` and read the diff"
    );
}

fn dump(world: &World) -> String {
    let program: PathBuf = server().program("pg_dump");
    let output = Command::new(&program)
        .args(["--schema-only", "--no-owner", "--schema=posthorn", "--schema=posthorn_webhooks", "--dbname"])
        .arg(world.url().expose_secret())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let version = text.lines().find_map(|line| line.strip_prefix("-- Dumped by pg_dump version ")).unwrap();
    let major = version.split(['.', ' ']).next().unwrap();
    let is_of_this_run = |line: &str| {
        line.starts_with("-- Dumped ") || line.starts_with("\\restrict") || line.starts_with("\\unrestrict")
    };
    let kept: Vec<&str> = text.lines().filter(|line| !is_of_this_run(line)).collect();
    format!(
        "-- What the migrations make, as pg_dump of PostgreSQL {major} prints it; kept by tests/it/schema.rs.\n{}\n",
        kept.join("\n").trim()
    )
}

/// The things a dump makes, without how.
fn list_of(dump: &str) -> String {
    let mut things: Vec<&str> = dump.lines().filter(|line| line.starts_with("-- Name: ")).collect();
    things.sort_unstable();
    things.join("\n")
}
