//! Tables as sources: `posthorn.attach` makes a table publish, in plain SQL on the real schema.

use std::process::Command;

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::harness::{Answer, Receiver, SOON, World, page, section, server, sql_blocks};

/// The tenant of every row that says none.
const TENANT: &str = "6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10";

/// A table of orders of [`TENANT`], which has a subscription to everything.
async fn shop() -> World {
    let world = World::new().await;
    let sql = "CREATE SCHEMA app;
        CREATE TABLE app.orders (id bigint PRIMARY KEY, tenant_id uuid DEFAULT 'TENANT', status text DEFAULT 'new',
            gone text, total numeric(12, 2), doubled numeric GENERATED ALWAYS AS (total * 2) STORED, note text);
        ALTER TABLE app.orders DROP COLUMN gone;
        INSERT INTO posthorn.tenants (id, name) VALUES ('TENANT', 'a')";
    world.db.batch_execute(&sql.replace("TENANT", TENANT)).await.unwrap();
    world.subscribe(TENANT.parse().unwrap(), "https://receiver.example/", &["*"]).await;
    world
}

/// Attaches `app.orders` as resource `order` with further arguments.
async fn attach(world: &World, arguments: &str) {
    run(&world.db, &format!("SELECT posthorn.attach('app.orders', 'order', tenant => 'tenant_id'{arguments})")).await;
}

async fn run(client: &Client, sql: &str) {
    client.batch_execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
}

/// SQLSTATE and message of a refusal.
async fn refused(client: &Client, sql: &str) -> (String, String) {
    let error = client.batch_execute(sql).await.expect_err(sql);
    let error = error.as_db_error().unwrap();
    (error.code().code().to_owned(), error.message().to_owned())
}

/// What has been published, by event, resource and the order of transactions, and forgets it.
async fn published(world: &World) -> Vec<(String, String, Value)> {
    let sql = "SELECT event, resource_id, payload FROM posthorn.outbox ORDER BY created_at, event, resource_id";
    let rows = world.db.query(sql, &[]).await.unwrap();
    world.db.batch_execute("DELETE FROM posthorn.outbox").await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

/// The same without payloads.
async fn names(world: &World) -> Vec<(String, String)> {
    published(world).await.into_iter().map(|(event, id, _)| (event, id)).collect()
}

fn named<const N: usize>(of: [(&str, &str); N]) -> Vec<(String, String)> {
    of.map(|(event, id)| (event.to_owned(), id.to_owned())).into()
}

#[tokio::test]
async fn each_change_is_an_event_that_says_what_changed() {
    let world = shop().await;
    attach(&world, "").await;
    run(&world.db, "INSERT INTO app.orders (id, total) VALUES (1, 10.50)").await;
    run(&world.db, "UPDATE app.orders SET status = 'paid', note = 'x' WHERE id = 1").await;
    run(&world.db, "UPDATE app.orders SET status = 'paid', total = 10.5 WHERE id = 1").await;
    run(&world.db, "DELETE FROM app.orders").await;
    let row = |status: &str, note: Value| json!({"id": 1, "tenant_id": TENANT, "status": status, "total": 10.50, "doubled": 21.00, "note": note});
    let mut updated = row("paid", json!("x"));
    updated["changes"] = json!({"status": {"old": "new", "new": "paid"}, "note": {"old": null, "new": "x"}});
    let expected = [
        ("order.created", row("new", Value::Null)),
        ("order.updated", updated),
        ("order.deleted", row("paid", json!("x"))),
    ];
    let found = published(&world).await;
    assert_eq!(found, expected.map(|(event, payload)| (event.to_owned(), "1".to_owned(), payload)));
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries").await, 3);
}

#[tokio::test]
async fn only_chosen_columns_are_sent_and_looked_at() {
    let world = shop().await;
    attach(&world, ", columns => '{id,status}', on_delete => NULL, on_update => 'sale.changed'").await;
    run(&world.db, "INSERT INTO app.orders (id) VALUES (1), (2)").await;
    run(&world.db, "UPDATE app.orders SET note = 'unseen'").await;
    run(&world.db, "UPDATE app.orders SET note = 'seen', status = 'paid' WHERE id = 2").await;
    run(&world.db, "DELETE FROM app.orders WHERE id = 1").await;
    let found = published(&world).await;
    let changed = json!({"id": 2, "status": "paid", "changes": {"status": {"old": "new", "new": "paid"}}});
    assert_eq!(found.len(), 3);
    assert_eq!(found[0], ("order.created".to_owned(), "1".to_owned(), json!({"id": 1, "status": "new"})));
    assert_eq!(found[2], ("sale.changed".to_owned(), "2".to_owned(), changed));
    // what it does not name may get another name; what it names may not, and the error says so
    run(&world.db, "ALTER TABLE app.orders RENAME note TO remark; UPDATE app.orders SET status = 'sent'").await;
    assert_eq!(names(&world).await, named([("sale.changed", "2")]));
    run(&world.db, "ALTER TABLE app.orders RENAME status TO state").await;
    let (code, message) = refused(&world.db, "UPDATE app.orders SET state = 'lost'").await;
    assert_eq!((code.as_str(), message.as_str()), ("42703", "column o.status does not exist"));
}

#[tokio::test]
async fn all_columns_stay_all_columns() {
    let world = shop().await;
    attach(&world, "").await;
    run(&world.db, "INSERT INTO app.orders (id) VALUES (1); ALTER TABLE app.orders RENAME note TO remark; ALTER TABLE app.orders DROP COLUMN status;
        ALTER TABLE app.orders ADD COLUMN late boolean; UPDATE app.orders SET late = true, remark = 'r'").await;
    let found = published(&world).await;
    assert_eq!(found[1].2["changes"], json!({"late": {"old": null, "new": true}, "remark": {"old": null, "new": "r"}}));
    assert!(found[1].2.get("status").is_none());
}

#[tokio::test]
async fn ten_thousand_rows_are_published_by_one_statement() {
    let world = shop().await;
    attach(&world, "").await;
    let count = "CREATE TABLE app.statements (events bigint);
        CREATE FUNCTION app.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
            $$ BEGIN INSERT INTO app.statements SELECT count(*) FROM rows; RETURN NULL; END $$;
        CREATE TRIGGER note AFTER INSERT ON posthorn.outbox REFERENCING NEW TABLE AS rows FOR EACH STATEMENT EXECUTE FUNCTION app.note()";
    run(&world.db, count).await;
    run(&world.db, "INSERT INTO app.orders (id) SELECT generate_series(1, 10000)").await;
    // the plan is made for one row and kept
    run(&world.db, "UPDATE app.orders SET note = 'one' WHERE id = 1").await;
    run(&world.db, "UPDATE app.orders SET note = 'all'").await;
    run(&world.db, "DELETE FROM app.orders").await;
    let rows = world.db.query("SELECT events FROM app.statements", &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<i64>>(), [10_000, 1, 10_000, 10_000]);
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries").await, 30_001);
    let wrong = "SELECT count(*) FROM posthorn.outbox WHERE event = 'order.updated' AND payload #>> '{changes,note,new}' = 'all'
                 AND (payload #>> '{changes,note,old}' IS NULL) = (resource_id = '1')";
    assert_eq!(world.count(wrong).await, 0);
}

#[tokio::test]
async fn what_is_rolled_back_muted_or_truncated_is_not_published() {
    let world = shop().await;
    attach(&world, "").await;
    run(&world.db, "BEGIN; INSERT INTO app.orders (id) VALUES (1); ROLLBACK").await;
    run(&world.db, "BEGIN; SAVEPOINT s; INSERT INTO app.orders (id) VALUES (2); ROLLBACK TO s; COMMIT").await;
    run(&world.db, "BEGIN; SET LOCAL posthorn.mute = on; INSERT INTO app.orders (id) VALUES (3); UPDATE app.orders SET note = 'x'; COMMIT").await;
    run(&world.db, "TRUNCATE app.orders").await;
    assert!(published(&world).await.is_empty());
    run(&world.db, "BEGIN; SAVEPOINT s; INSERT INTO app.orders (id) VALUES (4); RELEASE s; COMMIT").await;
    assert_eq!(names(&world).await, named([("order.created", "4")]));
}

#[tokio::test]
async fn a_changed_key_is_a_deletion_and_a_creation() {
    let world = shop().await;
    run(&world.db, "CREATE TABLE app.lines (tenant_id uuid, \"order\" int, n int, x text, PRIMARY KEY (\"order\", n))")
        .await;
    run(&world.db, "SELECT posthorn.attach('app.lines', 'line', 'tenant_id', ordered => true)").await;
    run(&world.db, &format!("INSERT INTO app.lines VALUES ('{TENANT}', 1, 1, 'a'), ('{TENANT}', 1, 2, 'b')")).await;
    run(&world.db, "UPDATE app.lines SET n = 3, x = 'c' WHERE n = 2").await;
    let keys = "SELECT count(*) FROM posthorn.outbox WHERE ordering_key = 'line:' || resource_id";
    assert_eq!(world.count(keys).await, 4);
    let found = published(&world).await;
    assert_eq!(
        found[2],
        ("line.created".to_owned(), "1,3".to_owned(), json!({"tenant_id": TENANT, "order": 1, "n": 3, "x": "c"}))
    );
    assert_eq!(
        found[3],
        ("line.deleted".to_owned(), "1,2".to_owned(), json!({"tenant_id": TENANT, "order": 1, "n": 2, "x": "b"}))
    );
    // by where they stand the rows are two that were updated
    run(&world.db, "ALTER TABLE app.lines DROP CONSTRAINT lines_pkey, ADD PRIMARY KEY (\"order\", n) DEFERRABLE; UPDATE app.lines SET n = 4 - n").await;
    assert_eq!(names(&world).await, named([("line.updated", "1,1"), ("line.updated", "1,3")]));
}

#[tokio::test]
async fn a_row_that_changes_its_tenant_leaves_one_and_comes_to_the_other() {
    const OTHER: &str = "6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a11";
    for tenant in ["tenant_id", "(SELECT this.tenant_id)"] {
        let world = shop().await;
        run(&world.db, "INSERT INTO app.orders (id, tenant_id) VALUES (2, NULL)").await;
        run(&world.db, &format!("SELECT posthorn.attach('app.orders', 'order', '{tenant}')")).await;
        run(&world.db, &format!("UPDATE app.orders SET tenant_id = '{OTHER}'")).await;
        assert_eq!(names(&world).await, named([("order.created", "2")]), "it was nobody's");
        run(&world.db, "DELETE FROM app.orders; DELETE FROM posthorn.outbox").await;
        run(&world.db, "INSERT INTO app.orders (id, note) VALUES (1, 'ours')").await;
        run(&world.db, &format!("UPDATE app.orders SET tenant_id = '{OTHER}', note = 'theirs'")).await;
        let sql = "SELECT tenant_id::text, event, payload::text FROM posthorn.outbox ORDER BY created_at, event";
        let rows = world.db.query(sql, &[]).await.unwrap();
        let found: Vec<(&str, &str)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert_eq!(found, [(TENANT, "order.created"), (OTHER, "order.created"), (TENANT, "order.deleted")]);
        // what it was is not the other's to know
        assert!(!rows[1].get::<_, &str>(2).contains("ours"));
    }
}

#[tokio::test]
async fn a_condition_sees_the_old_row_and_the_new_one() {
    let world = shop().await;
    attach(&world, ", \"when\" => 'NEW.status = ''paid'' AND OLD.status IS DISTINCT FROM NEW.status -- only then'")
        .await;
    run(&world.db, "INSERT INTO app.orders (id, status) VALUES (1, 'new'), (2, 'paid')").await;
    run(&world.db, "UPDATE app.orders SET status = 'paid'").await;
    run(&world.db, "UPDATE app.orders SET note = 'x'").await;
    run(&world.db, "DELETE FROM app.orders").await;
    assert_eq!(names(&world).await, named([("order.created", "2"), ("order.updated", "1")]));
}

#[tokio::test]
async fn the_tenant_is_a_column_or_an_expression() {
    let world = shop().await;
    let sql = "CREATE TABLE app.accounts (id int PRIMARY KEY, tenant text); INSERT INTO app.accounts VALUES (7, 'TENANT'), (8, NULL);
        CREATE TABLE app.items (id int PRIMARY KEY, account_id int);
        SELECT posthorn.attach('app.items', 'item', '(SELECT a.tenant FROM app.accounts a WHERE a.id = this.account_id)')";
    run(&world.db, &sql.replace("TENANT", TENANT)).await;
    run(&world.db, "INSERT INTO app.items VALUES (1, 7); UPDATE app.items SET id = 2; DELETE FROM app.items").await;
    let tenants = format!("SELECT count(*) FROM posthorn.outbox WHERE tenant_id = '{TENANT}'");
    assert_eq!(world.count(&tenants).await, 4);
    let (code, message) = refused(&world.db, "INSERT INTO app.items VALUES (3, 8)").await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("23502", "a row of app.items has no tenant, so its change cannot be published")
    );
}

#[tokio::test]
async fn what_cannot_be_attached_is_refused_at_once() {
    let world = shop().await;
    let tables = "CREATE TABLE app.bare (a int UNIQUE, b int NOT NULL, c int UNIQUE NOT NULL, tenant_id uuid);
        CREATE TEMP TABLE passing (id int PRIMARY KEY, tenant_id uuid); CREATE VIEW app.seen AS SELECT 1 AS id;
        CREATE TABLE app.days (id int PRIMARY KEY, tenant_id uuid) PARTITION BY RANGE (id);
        CREATE TABLE app.day PARTITION OF app.days DEFAULT;
        CREATE TABLE app.old (id int PRIMARY KEY, tenant_id uuid); CREATE TABLE app.heir (PRIMARY KEY (id)) INHERITS (app.old);
        CREATE TABLE app.clash (id int PRIMARY KEY, tenant_id uuid, changes int)";
    run(&world.db, tables).await;
    for (arguments, code, says) in [
        ("'app.bare', 'x', 'tenant_id'", "42P16", "app.bare has no primary key"),
        ("'app.bare', 'x', 'tenant_id', id => 'a'", "42P16", "app.bare has no column a that is NOT NULL and UNIQUE"),
        ("'app.bare', 'x', 'tenant_id', id => 'b'", "42P16", "app.bare has no column b that is NOT NULL and UNIQUE"),
        ("'passing', 'x', 'tenant_id'", "42809", "passing is no table that can be attached"),
        ("'app.seen', 'x', 'id'", "42809", "app.seen is no table that can be attached"),
        ("'posthorn.outbox', 'x', 'tenant_id'", "42809", "posthorn.outbox is no table that can be attached"),
        ("'app.day', 'x', 'tenant_id'", "42809", "app.day is a partition"),
        ("'app.heir', 'x', 'tenant_id'", "42809", "app.heir inherits, or is inherited from"),
        ("'app.old', 'x', 'tenant_id'", "42809", "app.old inherits, or is inherited from"),
        ("'app.clash', 'x', 'tenant_id'", "22023", "app.clash has a column \"changes\""),
        ("'app.orders', 'x', 'tenant'", "42703", "column \"tenant\" does not exist"),
        ("'app.orders', 'x', '1'", "42846", "cannot cast type integer to uuid"),
        ("'app.orders', 'x', 'tenant_id', \"when\" => 'NEW.stat = 1'", "42703", "column new.stat does not exist"),
        ("'app.orders', 'x', 'tenant_id', \"when\" => '17'", "42804", "argument of AND must be type boolean"),
        ("'app.orders', 'x', 'tenant_id', \"when\" => ') OR ('", "42601", "syntax error"),
        ("'app.orders', 'x', 'tenant_id', columns => '{id,nope}'", "42703", "app.orders has no column nope"),
        ("'app.orders', 'x', 'tenant_id', columns => '{}'", "22023", "columns must name"),
        ("'app.orders', 'x', NULL", "22023", "tenant and ordered must not be NULL"),
        ("'app.orders', 'X', 'tenant_id'", "22023", "'X.created' is no event name"),
        ("'app.orders', 'x', 'tenant_id', on_update => 'x.Up'", "22023", "'x.Up' is no event name"),
        ("'app.orders', 'x', 'tenant_id', NULL, NULL, NULL", "22023", "at least one of"),
        ("'app.orders', E'a\\nb', 'tenant_id', 'a.b', 'a.b', 'a.b'", "22023", "resource must be"),
    ] {
        let (found, message) = refused(&world.db, &format!("SELECT posthorn.attach({arguments})")).await;
        assert!(found == code && message.starts_with(says), "{arguments}: {found} {message}");
    }
    assert_eq!(world.count("SELECT count(*) FROM posthorn.attached_tables").await, 0);
    run(&world.db, "SELECT posthorn.attach('app.bare', 'bare', 'tenant_id', id => 'c')").await;
    run(&world.db, "SELECT posthorn.attach('app.clash', 'clash', 'tenant_id', columns => '{id}')").await;
    run(&world.db, &format!("INSERT INTO app.bare VALUES (NULL, 1, 5, '{TENANT}'); UPDATE app.bare SET a = 1")).await;
    assert_eq!(names(&world).await, named([("bare.created", "5"), ("bare.updated", "5")]));
}

#[tokio::test]
async fn hostile_names_are_names() {
    const TABLE: &str = r#""A 's; --"."Or""ders %1$s; DROP TABLE x""#;
    const RESOURCE: &str = "O'Brien \"%s\" \\ $body$ ü";
    let world = shop().await;
    let columns = r#""I d" int PRIMARY KEY, "tenant's %s" text, "Gr""oß \ $$" int, "%2$I" int UNIQUE NOT NULL, c int, n int,
        o int, p int, d int, r int, this int, "new" int, "old" int"#;
    run(&world.db, &format!(r#"CREATE SCHEMA "A 's; --"; CREATE TABLE {TABLE} ({columns})"#)).await;
    let attach = "SELECT posthorn.attach($1::text::regclass, $2, $3, 'a.new', 'b.changed', 'c.gone', columns => $4, id => $5, ordered => true)";
    let chosen = ["I d", "Gr\"oß \\ $$", "c", "n", "o"].as_slice();
    for (id, key) in [(None, "1"), (Some("%2$I"), "9")] {
        world.db.query_one(attach, &[&TABLE, &RESOURCE, &"tenant's %s", &chosen, &id]).await.unwrap();
        run(&world.db, &format!("INSERT INTO {TABLE} VALUES (1, '{TENANT}', 5, 9)")).await;
        run(&world.db, &format!(r#"UPDATE {TABLE} SET "Gr""oß \ $$" = 6"#)).await;
        run(&world.db, &format!("DELETE FROM {TABLE}")).await;
        let sql =
            "SELECT count(*) FROM posthorn.outbox WHERE resource_type = $1 AND ordering_key = $1 || ':' || resource_id";
        assert_eq!(world.db.query_one(sql, &[&RESOURCE]).await.unwrap().get::<_, i64>(0), 3);
        assert_eq!(names(&world).await, named([("a.new", key), ("b.changed", key), ("c.gone", key)]));
    }
    let sql = "SELECT resource, tenant, columns, id FROM posthorn.attached_tables";
    let row = world.db.query_one(sql, &[]).await.unwrap();
    assert_eq!(
        (row.get::<_, &str>(0), row.get::<_, &str>(1), row.get::<_, &str>(3)),
        (RESOURCE, "tenant's %s", "%2$I")
    );
    assert_eq!(row.get::<_, Vec<String>>(2), chosen);
    assert_eq!(world.count("SELECT posthorn.detach(source, resource)::bigint FROM posthorn.attached_tables").await, 1);
}

#[tokio::test]
async fn a_partitioned_table_is_one_table() {
    let world = shop().await;
    let sql =
        "CREATE TABLE app.days (id int PRIMARY KEY, tenant_id uuid DEFAULT 'TENANT', x int) PARTITION BY RANGE (id);
        CREATE TABLE app.low PARTITION OF app.days FOR VALUES FROM (0) TO (10);
        CREATE TABLE app.high PARTITION OF app.days FOR VALUES FROM (10) TO (20);
        SELECT posthorn.attach('app.days', 'day', 'tenant_id')";
    run(&world.db, &sql.replace("TENANT", TENANT)).await;
    run(&world.db, "INSERT INTO app.days (id) VALUES (1), (11)").await;
    run(&world.db, "UPDATE app.days SET x = 1").await;
    // from one partition to the other
    run(&world.db, "UPDATE app.days SET id = 12 WHERE id = 1").await;
    run(&world.db, "INSERT INTO app.days (id) VALUES (12), (2) ON CONFLICT (id) DO UPDATE SET x = 5").await;
    let (first, second) =
        ([("day.created", "1"), ("day.created", "11")], [("day.updated", "1"), ("day.updated", "11")]);
    let (third, fourth) =
        ([("day.created", "12"), ("day.deleted", "1")], [("day.created", "2"), ("day.updated", "12")]);
    assert_eq!(names(&world).await, [first, second, third, fourth].map(named).concat());
}

#[tokio::test]
async fn attaching_again_replaces_and_detaching_ends_it() {
    let world = shop().await;
    for arguments in ["", ", on_insert => NULL", ", on_insert => 'order.placed', on_delete => NULL, columns => '{id}'"]
    {
        attach(&world, arguments).await;
    }
    run(&world.db, "SELECT posthorn.attach('app.orders', 'second', 'tenant_id', on_update => NULL, on_delete => NULL)")
        .await;
    run(&world.db, "INSERT INTO app.orders (id) VALUES (1)").await;
    assert_eq!(names(&world).await, named([("order.placed", "1"), ("second.created", "1")]));
    let sql = "SELECT source::text, events[1], columns, attached_by = current_user FROM posthorn.attached_tables ORDER BY resource";
    let shown = world.db.query(sql, &[]).await.unwrap();
    assert_eq!(shown.len(), 2);
    assert_eq!((shown[0].get::<_, &str>(0), shown[0].get::<_, &str>(1)), ("app.orders", "order.placed"));
    assert_eq!(shown[0].get::<_, Option<Vec<String>>>(2), Some(vec!["id".to_owned()]));
    assert_eq!(shown[1].get::<_, Option<Vec<String>>>(2), None);
    assert!(shown[0].get::<_, bool>(3));
    assert_eq!(world.count("SELECT posthorn.detach('app.orders', 'nothing')::bigint").await, 0);
    assert_eq!(world.count("SELECT posthorn.detach('app.orders', 'order')::bigint").await, 1);
    run(&world.db, "INSERT INTO app.orders (id) VALUES (2)").await;
    assert_eq!(names(&world).await, named([("second.created", "2")]));
    attach(&world, "").await;
    assert_eq!(world.count("SELECT posthorn.detach('app.orders')::bigint").await, 2);
    assert_eq!(world.count("SELECT posthorn.detach('app.orders')::bigint").await, 0);
    let left = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'app'::regnamespace";
    assert_eq!(world.count(left).await, 0);
}

#[tokio::test]
async fn nothing_is_shown_of_a_table_that_was_dropped_nor_of_somebody_elses_triggers() {
    let world = shop().await;
    attach(&world, "").await;
    run(&world.db, "DROP TABLE app.orders").await;
    assert_eq!(world.count("SELECT count(*) FROM posthorn.attached_tables").await, 0);
    let again = r#"CREATE TABLE app.orders (id int PRIMARY KEY, tenant_id uuid);
        CREATE FUNCTION app.posthorn_forged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
        CREATE TRIGGER posthorn_forged AFTER INSERT ON app.orders EXECUTE FUNCTION app.posthorn_forged('{"resource": "x", "events": 7}');
        CREATE TRIGGER posthorn_broken AFTER INSERT ON app.orders EXECUTE FUNCTION app.posthorn_forged('{"\');"#;
    run(&world.db, again).await;
    attach(&world, "").await;
    let sql = "SELECT count(*) FROM posthorn.attached_tables WHERE resource = 'order'";
    assert_eq!((world.count(sql).await, world.count("SELECT count(*) FROM posthorn.attached_tables").await), (1, 1));
}

#[tokio::test]
async fn a_writer_needs_no_right_and_gains_none() {
    let world = shop().await;
    let role = |name: &str| format!("{name}_{}", world.database());
    let (owner, writer, other) = (role("owner"), role("writer"), role("other"));
    let sql = format!(
        "CREATE ROLE {owner}; CREATE ROLE {writer}; CREATE ROLE {other}; GRANT USAGE, CREATE ON SCHEMA app TO {owner}, {other};
        GRANT USAGE ON SCHEMA app TO {writer}; ALTER TABLE app.orders OWNER TO {owner};
        GRANT SELECT, INSERT, UPDATE, DELETE ON app.orders TO {writer}; GRANT posthorn_publisher TO {other}"
    );
    run(&world.db, &sql).await;
    // as whom the condition is asked
    let allows =
        "CREATE TABLE app.asked (who name); CREATE FUNCTION app.allows(note text) RETURNS boolean LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO app.asked VALUES (current_user); RETURN true; END $$";
    run(&world.db, allows).await;
    run(&world.db, &format!("GRANT INSERT ON app.asked TO {owner}")).await;
    let attach = "SELECT posthorn.attach('app.orders', 'order', 'tenant_id', \"when\" => 'app.allows(NEW.note)')";

    let by = |role: &str, sql: &str| format!("SET ROLE {role}; {sql}");
    let (code, message) = refused(&world.client().await, &by(&other, attach)).await;
    assert_eq!((code.as_str(), message.as_str()), ("42501", "only the owner of app.orders can attach it"));
    assert_eq!(refused(&world.client().await, &by(&owner, attach)).await.0, "42501");
    let (code, message) = refused(&world.db, attach).await;
    assert_eq!((code, message), ("42501".to_owned(), format!("the owner of app.orders, {owner}, may not publish")));
    run(&world.db, &format!("GRANT posthorn_publisher TO {owner}; REVOKE CREATE ON SCHEMA app FROM {owner}")).await;
    let (code, message) = refused(&world.client().await, &by(&owner, attach)).await;
    let told = format!("the owner of app.orders, {owner}, may not create the trigger's function beside it");
    assert_eq!((code, message), ("42501".to_owned(), told));
    run(&world.db, &format!("GRANT CREATE ON SCHEMA app TO {owner}")).await;
    // by a superuser, and yet with the rights of the table's owner
    run(&world.db, attach).await;

    let client = world.client_as(&writer).await;
    run(&client, "INSERT INTO app.orders (id) VALUES (1)").await;
    run(&client, "UPDATE app.orders SET note = 'x'").await;
    assert_eq!(world.count(&format!("SELECT count(*) FROM app.asked WHERE who = '{owner}'")).await, 2);
    assert_eq!(names(&world).await, named([("order.created", "1"), ("order.updated", "1")]));
    let publish = "INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES (gen_random_uuid(), 'a.b', '{}')";
    assert_eq!(refused(&client, publish).await.0, "42501");
    assert_eq!(refused(&client, "SELECT posthorn.detach('app.orders')").await.0, "42501");
    // another table cannot publish through its function
    let sql = "SELECT function::regproc::text FROM posthorn.attached_tables";
    let function: String = world.db.query_one(sql, &[]).await.unwrap().get(0);
    let borrow = format!(
        "CREATE TABLE app.mine (id int, tenant_id uuid, note text); CREATE TRIGGER t AFTER INSERT ON app.mine
        REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
    );
    assert_eq!(refused(&world.client().await, &by(&other, &borrow)).await.0, "42501");
    run(&world.client().await, &by(&owner, "SELECT posthorn.detach('app.orders')")).await;
}

#[tokio::test]
async fn it_goes_through_dump_and_restore() {
    let world = shop().await;
    let odd = r#"NEW.note IS DISTINCT FROM 'a\"ü'"#;
    attach(&world, &format!(", \"when\" => $q${odd}$q$, columns => '{{id,note}}'")).await;
    run(&world.db, "INSERT INTO app.orders (id) VALUES (1)").await;
    let restored = World::empty().await;
    let file = std::env::temp_dir().join(format!("{}.sql", restored.database()));
    for (program, from, arguments) in
        [("pg_dump", &world, ["-f"].as_slice()), ("psql", &restored, &["-qX", "-v", "ON_ERROR_STOP=1", "-f"])]
    {
        let output = Command::new(server().program(program))
            .args(arguments)
            .arg(&file)
            .args(["--dbname", from.url().expose_secret()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }
    std::fs::remove_file(&file).unwrap();
    let shown =
        "SELECT \"when\" FROM posthorn.attached_tables WHERE source = 'app.orders'::regclass AND columns = '{id,note}'";
    assert_eq!(restored.db.query_one(shown, &[]).await.unwrap().get::<_, String>(0), odd);
    run(&restored.db, "UPDATE app.orders SET note = 'x'").await;
    assert_eq!(names(&restored).await, named([("order.created", "1"), ("order.updated", "1")]));
}

#[tokio::test]
async fn a_change_of_a_row_arrives() {
    let world = shop().await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    world.subscribe(TENANT.parse().unwrap(), &receiver.url("/in"), &["order.updated"]).await;
    attach(&world, "").await;
    let dispatching = world.dispatch(&[]).await;
    run(&world.db, "INSERT INTO app.orders (id) VALUES (1)").await;
    run(&world.db, "UPDATE app.orders SET status = 'paid'").await;
    let requests = receiver.wait_for(1, SOON).await;
    dispatching.stop().await;
    let body: Value = serde_json::from_slice(&requests[0].body).unwrap();
    let changes = json!({"status": {"old": "new", "new": "paid"}});
    assert_eq!((&body["event"], &body["data"]["changes"]), (&json!("order.updated"), &changes));
}

#[tokio::test]
async fn the_page_is_right() {
    let world = shop().await;
    let tables = "CREATE TABLE public.orders (id bigint PRIMARY KEY, tenant_id uuid, status text, total numeric);
        CREATE TABLE public.accounts (id int PRIMARY KEY, tenant_id uuid);
        CREATE TABLE public.invoices (id int PRIMARY KEY, account_id int REFERENCES public.accounts, status text, total numeric)";
    run(&world.db, tables).await;
    let text = page("publishing.md");
    let blocks = sql_blocks(section(&text, "\n## Tables as sources\n"));
    assert_eq!(blocks.len(), 2);
    run(&world.db, blocks[0]).await;
    assert_eq!(names(&world).await, named([("order.created", "17"), ("order.deleted", "17"), ("order.updated", "17")]));
    let (attach, rest) = blocks[1].split_once("\n\n").unwrap();
    run(&world.db, attach).await;
    let rows = format!(
        "INSERT INTO public.accounts VALUES (1, '{TENANT}'); INSERT INTO public.invoices VALUES (5, 1, 'new', 7)"
    );
    run(&world.db, &rows).await;
    run(&world.db, "UPDATE public.invoices SET status = 'paid'").await;
    let payload = json!({"id": 5, "status": "paid", "total": 7, "changes": {"status": {"old": "new", "new": "paid"}}});
    assert_eq!(published(&world).await, [("invoice.paid".to_owned(), "5".to_owned(), payload)]);
    run(&world.db, rest).await;
    assert_eq!(world.count("SELECT count(*) FROM posthorn.attached_tables").await, 1);
}
