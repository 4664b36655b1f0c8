//! Any text is read as a filter or refused, and any JSON as changes or refused; what is changed stays what it was where
//! nothing may change it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use sluice_identity::scim::{Change, Filter, apply, object};

fn kim() -> Map<String, Value> {
    let value = json!({
        "id": "1", "userName": "kim", "active": true, "name": {"givenName": "Kim"},
        "emails": [{"type": "work", "value": "kim@corp.example"}, {"type": "home", "value": "k@h.example"}],
        "meta": {"created": "2026-11-28T12:00:00Z"}, "groups": [{"value": "7"}],
    });
    value.as_object().cloned().unwrap_or_default()
}

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(filter) = Filter::read(text)
    {
        let _ = filter.matches(&kim());
    }
    let Ok(request) = object(data) else {
        return;
    };
    if let Ok(changes) = Change::read_all(&request)
        && let Ok(changed) = apply(&kim(), &changes)
    {
        for name in ["id", "meta", "groups"] {
            assert_eq!(changed.get(name), kim().get(name));
        }
    }
});
