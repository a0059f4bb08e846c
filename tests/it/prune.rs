//! `posthorn prune`: what nothing needs goes, on request into files first, and never without them.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use flate2::read::GzDecoder;
use secrecy::ExposeSecret;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::harness::{Binary, World};
use crate::retention::{finished_ago, publish_ago, rows_of, world_with_days};

/// Runs it to its end; answers with whether it succeeded, and what it wrote.
async fn prune(world: &World, arguments: &[&str]) -> (bool, String) {
    let arguments = [&["prune"], arguments].concat();
    let program = Binary::start(&arguments, &[("DATABASE_URL", world.url().expose_secret())]);
    let (status, lines) = program.run_to_end().await;
    (status.success(), lines.join("\n"))
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn day(world: &World, ago: i32) -> String {
    let sql = "SELECT ((now() AT TIME ZONE 'UTC')::date - $1::int)::text";
    world.db.query_one(sql, &[&ago]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_dry_run_tells_what_goes_and_what_stays_and_the_other_does_it() {
    let (world, tenant) = world_with_days(&[40, 35, 10]).await;
    let (old, young) = (finished_ago(&world, tenant, 40).await, finished_ago(&world, tenant, 10).await);
    let live = publish_ago(&world, tenant, 35, 35).await;
    let (forty, thirty_five) = (day(&world, 40).await, day(&world, 35).await);
    let (is_done, told) = prune(&world, &["--older-than", "30d", "--dry-run"]).await;
    assert!(is_done, "{told}");
    for table in ["webhook_deliveries_done", "webhook_attempts", "outbox"] {
        assert!(told.contains(&format!("would drop {table} of {forty}: 1 row\n")), "{told}");
        assert!(told.contains(&format!("would keep {table} of {thirty_five}: delivery {}", live.delivery)), "{told}");
    }
    assert!(told.ends_with("would drop 3 days, would keep 3"), "{told}");
    assert_eq!(rows_of(&world, old).await, [1, 1, 1]);

    let (is_done, told) = prune(&world, &["--older-than", "30", "--json"]).await;
    assert!(is_done, "{told}");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((told["dropped"].as_array().unwrap().len(), told["kept"].as_array().unwrap().len()), (3, 3), "{told}");
    assert_eq!(rows_of(&world, old).await, [0, 0, 0]);
    assert_eq!((rows_of(&world, live).await, rows_of(&world, young).await), ([1, 1, 1], [1, 1, 1]));
}

#[tokio::test]
async fn a_day_is_on_disk_whole_before_it_is_dropped() {
    let (world, tenant) = world_with_days(&[40, 35]).await;
    let (old, stray) = (finished_ago(&world, tenant, 40).await, finished_ago(&world, tenant, 39).await);
    let live = publish_ago(&world, tenant, 35, 35).await;
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    let (is_done, told) = prune(&world, &["--older-than", "30d", "--archive", archive.to_str().unwrap()]).await;
    assert!(is_done, "{told}");
    assert_eq!((rows_of(&world, old).await, rows_of(&world, stray).await), ([0; 3], [0; 3]), "{told}");
    assert_eq!(rows_of(&world, live).await, [1, 1, 1]);

    let mut wanted = Vec::new();
    for day in [day(&world, 40).await, day(&world, 39).await] {
        for table in ["webhook_deliveries_done", "webhook_attempts", "outbox"] {
            wanted.extend(["jsonl.gz", "manifest.json"].map(|ending| format!("{table}-{day}.{ending}")));
        }
    }
    wanted.sort();
    assert_eq!(names_in(&archive), wanted, "and nothing of the day that is kept");
    for manifest in wanted.iter().filter(|name| name.ends_with("manifest.json")) {
        let manifest: Value = serde_json::from_slice(&fs::read(archive.join(manifest)).unwrap()).unwrap();
        let path = archive.join(manifest["file"].as_str().unwrap());
        let bytes = fs::read(&path).unwrap();
        assert_eq!(manifest["sha256"], hex::encode(Sha256::digest(&bytes)));
        assert_eq!(manifest["bytes"], bytes.len());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let mut text = String::new();
        GzDecoder::new(File::open(&path).unwrap()).read_to_string(&mut text).unwrap();
        let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((rows.len(), &manifest["rows"]), (1, &Value::from(1)));
        assert_eq!(rows[0]["tenant_id"], tenant.to_string());
        let of = if manifest["day"] == day(&world, 40).await.as_str() { old } else { stray };
        match manifest["table"].as_str().unwrap() {
            "outbox" => {
                assert_eq!((&rows[0]["id"], &rows[0]["payload"]["n"]), (&of.event.to_string().into(), &1.into()))
            }
            "webhook_attempts" => assert_eq!(
                (&rows[0]["delivery_id"], &rows[0]["status_code"]),
                (&of.delivery.to_string().into(), &503.into())
            ),
            _ => {
                assert_eq!((&rows[0]["id"], &rows[0]["status"]), (&of.delivery.to_string().into(), &"delivered".into()))
            }
        }
    }
}

#[tokio::test]
async fn without_its_file_a_day_stays() {
    let (world, tenant) = world_with_days(&[40]).await;
    let old = finished_ago(&world, tenant, 40).await;
    let folder = tempfile::tempdir().unwrap();
    let name = format!("webhook_deliveries_done-{}.jsonl.gz", day(&world, 40).await);
    fs::write(folder.path().join(&name), "an older archive").unwrap();
    let (is_done, told) = prune(&world, &["--older-than", "30", "--archive", folder.path().to_str().unwrap()]).await;
    assert!(!is_done && told.contains("is not overwritten"), "{told}");
    assert_eq!((names_in(folder.path()), rows_of(&world, old).await), (vec![name.clone()], [1, 1, 1]));
    assert_eq!(fs::read_to_string(folder.path().join(&name)).unwrap(), "an older archive");

    let no_folder = folder.path().join(&name);
    let (is_done, told) = prune(&world, &["--older-than", "30", "--archive", no_folder.to_str().unwrap()]).await;
    assert!(!is_done && told.contains("cannot be written"), "{told}");
    assert_eq!(rows_of(&world, old).await, [1, 1, 1]);
}

#[tokio::test]
async fn a_day_that_changed_since_it_was_archived_stays() {
    let (world, tenant) = world_with_days(&[40]).await;
    let old = finished_ago(&world, tenant, 40).await;
    let another = "SELECT row_count, state FROM posthorn.day_state('webhook_deliveries_done', (now() AT TIME ZONE 'UTC')::date - 40)";
    let row = world.db.query_one(another, &[]).await.unwrap();
    let (rows, state): (i64, String) = (row.get(0), row.get(1));
    assert_eq!(rows, 1);
    let drop = "SELECT d.is_dropped, d.held_back_by
                FROM posthorn.drop_archived_day('webhook_deliveries_done', (now() AT TIME ZONE 'UTC')::date - 40, $1) d";
    let change = "UPDATE posthorn.webhook_deliveries SET status = 'failed', updated_at = now() WHERE id = $1";
    world.db.execute(change, &[&old.delivery]).await.unwrap();
    let owner = world.client_as("posthorn_owner").await;
    let row = owner.query_one(drop, &[&state]).await.unwrap();
    assert_eq!((row.get(0), row.get::<_, Option<&str>>(1)), (false, Some("it has changed since it was archived")));
    assert_eq!(rows_of(&world, old).await, [1, 1, 1]);
    let state: String = world.db.query_one(another, &[]).await.unwrap().get(1);
    let row = owner.query_one(drop, &[&state]).await.unwrap();
    assert_eq!((row.get(0), row.get::<_, Option<&str>>(1)), (true, None));
}

#[tokio::test]
async fn what_is_no_number_of_days_is_refused() {
    let world = World::new().await;
    for wrong in ["0", "-3", "30h", "x"] {
        let (is_done, told) = prune(&world, &[&format!("--older-than={wrong}")]).await;
        assert!(!is_done && told.contains("must be 1 to 3650 days"), "{told}");
    }
}
