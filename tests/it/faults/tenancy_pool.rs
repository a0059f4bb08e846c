//! One connection serves all tenants one after the other: nothing of one is left for the next (A4).

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use posthorn::store::jobs::{self, JobKind, NewJob};
use posthorn::store::{Scope, Store, StoreRole, Work, tenants};
use uuid::Uuid;

use crate::harness::{SOON, World, eventually};

/// Polls a future so often and no more; whether it came to its end.
async fn poll_times<T>(future: impl Future<Output = T>, times: usize) -> bool {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        future.as_mut().poll(context).map(|_| true)
    })
    .await
}

fn scope(id: Uuid) -> Scope {
    Scope::Tenant { id, actor: "api_key:of_a_test".into() }
}

/// Number of jobs that a scope sees.
async fn jobs_seen(store: &Store, scope: Scope) -> usize {
    let rows =
        store.tx("list", scope, |tx| Work::new(async move { jobs::list(tx, None, None, None, 500).await })).await;
    rows.unwrap().len()
}

#[tokio::test]
async fn a_request_given_up_at_any_step_leaves_nothing_of_its_tenant() {
    let world = World::new().await;
    let (a, b) = (world.tenant("a").await, world.tenant("b").await);
    let store = Store::new(&world.url(), StoreRole::Api, 1, 262_144).unwrap();
    let job = NewJob { kind: JobKind::Cancel, subscription_id: None, filter: "{}".to_owned() };
    let job = &job;
    store.tx("make", scope(a), move |tx| Work::new(async move { jobs::add(tx, job).await })).await.unwrap();
    let (mut given_up, mut finished) = (0, 0);
    // from before the connection is asked for, by way of BEGIN, the role, the tenant and the query, to the commit
    for polls in 0..40 {
        let work = async { jobs_seen(&store, scope(a)).await };
        match poll_times(work, polls).await {
            true => finished += 1,
            false => given_up += 1,
        }
        assert_eq!(jobs_seen(&store, Scope::Instance).await, 0, "after {polls} polls nobody sees a's");
        assert_eq!(jobs_seen(&store, scope(b)).await, 0, "after {polls} polls b sees a's");
    }
    assert!(given_up >= 6 && finished >= 3, "{given_up} given up, {finished} finished");
    assert_eq!(jobs_seen(&store, scope(a)).await, 1);
    let open = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND state LIKE 'idle in%'",
        world.database()
    );
    eventually("no transaction is left open", SOON, async || world.count(&open).await == 0).await;
}

#[tokio::test]
async fn what_a_login_is_set_to_beforehand_counts_for_no_request() {
    let world = World::new().await;
    let (a, b) = (world.tenant("a").await, world.tenant("b").await);
    // for every session of this database, as if somebody had left it behind
    let left = format!("ALTER DATABASE {} SET posthorn.tenant_id = '{a}'", world.database());
    world.db.batch_execute(&left).await.unwrap();
    let store = Store::new(&world.url(), StoreRole::Api, 1, 262_144).unwrap();
    let find = |who: Scope, of: Uuid| {
        let store = store.clone();
        async move { store.tx("find", who, move |tx| Work::new(async move { tenants::find(tx, of).await })).await.unwrap() }
    };
    assert!(find(scope(b), a).await.is_none());
    assert!(find(Scope::Instance, a).await.is_none());
    assert!(find(scope(b), b).await.is_some());
}
