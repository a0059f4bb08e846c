//! What the schema refuses, each by a constraint whose name says why.

use tokio_postgres::Client;
use uuid::Uuid;

use crate::harness::World;

/// The constraint that refuses a statement.
async fn refused_by(client: &Client, statement: &str) -> String {
    let error = client.batch_execute(statement).await.expect_err(statement);
    let refusal = error.as_db_error().unwrap_or_else(|| panic!("{statement}: {error:?}"));
    refusal.constraint().unwrap_or_else(|| panic!("{statement}: {refusal:?}")).to_owned()
}

#[tokio::test]
async fn events_are_refused_by_name() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let event = |columns: &str, values: &str| {
        format!("INSERT INTO posthorn.outbox (tenant_id, {columns}) VALUES ('{tenant}', {values})")
    };
    let with =
        |column: &str, value: &str| event(&format!("event, payload, {column}"), &format!("'a.b', '{{}}', {value}"));
    let cases = [
        (event("event, payload", "'invoice', '{}'"), "event_name_is_valid"),
        (event("event, payload", "'Invoice.paid', '{}'"), "event_name_is_valid"),
        (event("event, payload", "'a.' || repeat('b', 99), '{}'"), "event_name_is_valid"),
        (event("event, payload", "'a.b', '[]'"), "payload_is_an_object"),
        (event("event, payload", "'a.b', '\"text\"'"), "payload_is_an_object"),
        (
            event("event, payload", "'a.b', jsonb_build_object('a', repeat('x', 262144))"),
            "payload_is_within_the_size_limit",
        ),
        (with("metadata", "'[]'"), "metadata_is_an_object_within_the_size_limit"),
        (
            with("metadata", "jsonb_build_object('a', repeat('x', 262144))"),
            "metadata_is_an_object_within_the_size_limit",
        ),
        (with("resource_type", "''"), "resource_type_is_1_to_100_printable_characters"),
        (with("resource_type", "repeat('x', 101)"), "resource_type_is_1_to_100_printable_characters"),
        (with("resource_id", "repeat('x', 201)"), "resource_id_is_1_to_200_printable_characters"),
        (with("resource_id", "E'a\\nb'"), "resource_id_is_1_to_200_printable_characters"),
        (with("ordering_key", "''"), "ordering_key_is_1_to_200_printable_characters"),
        (with("idempotency_key", "repeat('x', 201)"), "idempotency_key_is_1_to_200_printable_characters"),
        (with("idempotency_key", "E'a\\nb'"), "idempotency_key_is_1_to_200_printable_characters"),
        (with("coalesce_key", "''"), "coalesce_key_is_1_to_200_printable_characters"),
        (with("coalesce_key", "repeat('x', 201)"), "coalesce_key_is_1_to_200_printable_characters"),
        (with("deliver_after", "'infinity'"), "deliver_after_is_within_the_years_1_to_9999"),
        (with("deliver_after", "'-infinity'"), "deliver_after_is_within_the_years_1_to_9999"),
        (with("deliver_after", "'10000-01-01 00:00:00+00'"), "deliver_after_is_within_the_years_1_to_9999"),
        (with("deliver_after", "'0001-12-31 23:59:59+00 BC'"), "deliver_after_is_within_the_years_1_to_9999"),
    ];
    for (statement, constraint) in cases {
        assert_eq!(refused_by(&world.db, &statement).await, constraint, "{}", &statement[..statement.len().min(200)]);
    }
    assert_eq!(super::events(&world).await, 0);
}

#[tokio::test]
async fn the_size_limit_is_of_the_printed_payload_and_can_be_set() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let insert = |bytes: usize| {
        // {"a": "…"} prints 9 bytes around its text
        let text = bytes - 9;
        format!(
            "INSERT INTO posthorn.outbox (tenant_id, event, payload)
             VALUES ('{tenant}', 'a.b', jsonb_build_object('a', repeat('x', {text})))"
        )
    };
    world.db.batch_execute(&insert(262_144)).await.unwrap();
    assert_eq!(refused_by(&world.db, &insert(262_145)).await, "payload_is_within_the_size_limit");
    world.db.batch_execute("SET posthorn.max_payload_bytes = '100'").await.unwrap();
    world.db.batch_execute(&insert(100)).await.unwrap();
    assert_eq!(refused_by(&world.db, &insert(101)).await, "payload_is_within_the_size_limit");
}

#[tokio::test]
async fn subscriptions_are_refused_by_name() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let with = |column: &str, value: &str| {
        let (columns, values) = ["url", "events", "signing", "secret"]
            .into_iter()
            .zip(["'https://receiver.example/'", "'{*}'", "'none'", "NULL"])
            .filter(|(name, _)| *name != column)
            .unzip::<_, _, Vec<_>, Vec<_>>();
        format!(
            "INSERT INTO posthorn.webhook_subscriptions (tenant_id, {}, {column}) VALUES ('{tenant}', {}, {value})",
            columns.join(", "),
            values.join(", ")
        )
    };
    let cases = [
        ("secret", "'\\x77687365635f706c61696e'", "secret_is_sealed_not_plain"),
        ("secret", "convert_to('whsec_' || repeat('A', 60), 'UTF8')", "secret_is_sealed_not_plain"),
        ("signing", "'required'", "secret_unless_unsigned_or_deleted"),
        ("rate_per_second", "0", "rate_per_second_is_0_01_to_10000"),
        ("rate_burst", "0", "rate_burst_is_1_to_100000"),
        ("batch_max", "1001", "batch_max_is_1_to_1000"),
        ("batch_wait_ms", "60001", "batch_wait_is_0_to_60000_ms"),
        ("circuit_failures", "-1", "circuit_failures_is_0_to_100000"),
        ("circuit_failure_ratio", "0", "circuit_failure_ratio_is_above_0_to_1"),
        ("circuit_seconds", "0", "circuit_seconds_is_1_to_86400"),
        ("suspend_after_seconds", "-1", "suspend_after_seconds_is_0_to_a_year"),
        ("url", "'ftp://receiver.example/'", "url_is_http_or_https_without_user_or_fragment"),
        ("url", "'https://user:word@receiver.example/'", "url_is_http_or_https_without_user_or_fragment"),
        ("events", "'{}'", "events_are_names_or_patterns"),
        ("events", "'{invoice*}'", "events_are_names_or_patterns"),
        ("filter", "'$.a like_regex \"x\"'", "filter_has_no_like_regex"),
        ("status", "'gone'", "status_is_known"),
        ("payload_format", "'xml'", "payload_format_is_known"),
        ("header_families", "'{}'", "header_families_are_known"),
        ("timeout_seconds", "0", "timeout_is_1_to_300_seconds"),
        ("max_retries", "31", "max_retries_is_0_to_30"),
        ("retry_schedule", "'{-1}'", "retry_schedule_is_at_most_30_delays_of_up_to_30_days"),
        ("max_in_flight", "0", "max_in_flight_is_1_to_10000"),
    ];
    for (column, value, constraint) in cases {
        assert_eq!(refused_by(&world.db, &with(column, value)).await, constraint, "{column} = {value}");
    }
    world.db.batch_execute(&with("max_retries", "30")).await.expect("the same statement with a good value is taken");
}
