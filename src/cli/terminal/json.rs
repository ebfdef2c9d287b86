//! Lines of JSON: what every one of them has, and numbers as short as they are.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use serde::Serialize;
use serde_json::{Map, Value, json};

/// The version of the keys, which docs/json.md lists.
const SCHEMA: u32 = 1;

/// Whether a program reads the results.
static ASKED: AtomicBool = AtomicBool::new(false);

/// Says that a program reads the results: nothing is coloured, and no next command is named.
pub fn ask() {
    ASKED.store(true, Ordering::Relaxed);
}

/// Whether a program reads the results.
pub fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// An object that is a line, with the version of its keys. `event` stays in front.
pub fn line(object: Value) -> Value {
    let Value::Object(mut fields) = object else {
        return object;
    };
    let first = fields.keys().next().is_some_and(|key| key == "event");
    fields.shift_insert(usize::from(first), "schema".into(), SCHEMA.into());
    fields.into()
}

/// A line of several, with the name of what happened in front.
pub fn event(name: &str, object: Value) -> Value {
    let mut fields = Map::new();
    fields.insert("event".into(), name.into());
    if let Value::Object(more) = object {
        fields.extend(more);
    }
    line(fields.into())
}

/// A file that was written.
pub fn written(path: &Path, bytes: &[u8]) -> Value {
    json!({"path": path.display().to_string(), "bytes": bytes.len()})
}

/// Plain data, whose `f32` are written as short as they are: as an `f64`, 0.1 would become 0.10000000149011612.
pub fn shortest(value: &impl Serialize) -> Value {
    let text = serde_json::to_string(value).expect("plain data serialises");
    serde_json::from_str(&text).expect("JSON just written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_comes_first_and_the_schema_once() {
        let object = event("epoch", json!({"epoch": 1, "a": null}));
        let text = r#"{"event":"epoch","schema":1,"epoch":1,"a":null}"#;
        assert_eq!(object.to_string(), text);
        assert_eq!(line(object).to_string(), text);
        assert_eq!(line(json!({"b": 2})).to_string(), r#"{"schema":1,"b":2}"#);
    }

    #[test]
    fn numbers_are_as_short_as_they_were_written() {
        for number in [0.1_f32, 0.9, 5e-5, 1e30, 16_777_216.0] {
            assert_eq!(shortest(&number).as_f64().map(|n| n as f32), Some(number));
        }
        assert_eq!(shortest(&[0.1_f32, 1e-7]).to_string(), "[0.1,1e-7]");
    }
}
