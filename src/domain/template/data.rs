//! The data as templates see it, and what looking at it costs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use minijinja::value::{Enumerator, Object, ObjectRepr};
use minijinja::{Error, ErrorKind, Value};
use serde_json::Value as Json;

/// Bytes that filters may read and write in all; a look into the data counts as [`LOOK`].
const WORK_MAX: i64 = 8 << 20;

/// What a look into the data costs of the work.
const LOOK: i64 = 32;

/// What one rendering has left of its work.
#[derive(Debug)]
pub(super) struct Work(AtomicI64);

impl Default for Work {
    fn default() -> Self {
        Self(AtomicI64::new(WORK_MAX))
    }
}

impl Work {
    pub(super) fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) < 0
    }

    /// Takes away; false when there is not so much left.
    fn take(&self, amount: i64) -> bool {
        self.0.fetch_sub(amount, Ordering::Relaxed) >= amount
    }

    /// Takes away so many bytes, or ends the rendering.
    pub(super) fn spend(&self, bytes: usize) -> Result<(), Error> {
        let amount = i64::try_from(bytes).unwrap_or(i64::MAX / 2);
        if self.take(amount) { Ok(()) } else { Err(Error::new(ErrorKind::OutOfFuel, "too much work")) }
    }
}

/// The data as templates see it: what is looked at is charged, and when nothing is left there is nothing to see.
pub(super) fn value_of(json: Json, work: &Arc<Work>) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(value) => value.into(),
        Json::Number(number) => number
            .as_i64()
            .map(Value::from)
            .or_else(|| number.as_u64().map(Value::from))
            .unwrap_or_else(|| Value::from(number.as_f64())),
        Json::String(text) => text.into(),
        Json::Array(items) => {
            let items = items.into_iter().map(|item| value_of(item, work)).collect();
            Value::from_object(Items { items, work: work.clone() })
        }
        Json::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| (key, value_of(value, work))).collect();
            Value::from_object(Fields { fields, work: work.clone() })
        }
    }
}

#[derive(Debug)]
struct Items {
    items: Vec<Value>,
    work: Arc<Work>,
}

impl Object for Items {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.work.take(LOOK).then(|| self.items.get(usize::try_from(key.clone()).ok()?).cloned()).flatten()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let cost = i64::try_from(self.items.len()).unwrap_or(i64::MAX).saturating_add(1).saturating_mul(LOOK);
        if self.work.take(cost) { Enumerator::Seq(self.items.len()) } else { Enumerator::Empty }
    }
}

#[derive(Debug)]
struct Fields {
    fields: BTreeMap<String, Value>,
    work: Arc<Work>,
}

impl Object for Fields {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.work.take(LOOK).then(|| self.fields.get(key.as_str()?).cloned()).flatten()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let cost = i64::try_from(self.fields.len()).unwrap_or(i64::MAX).saturating_add(1).saturating_mul(LOOK);
        if !self.work.take(cost) {
            return Enumerator::Empty;
        }
        Enumerator::Values(self.fields.keys().map(|key| Value::from(key.as_str())).collect())
    }
}
