//! Any first bytes of a connection are read or refused, and so are any parameters in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_protocol::postgres::parameters::admit;
use sluice_protocol::postgres::startup::{
    First, MAX_STARTUP_LEN, ProtocolVersion, Startup, parse_first,
};

fuzz_target!(|data: &[u8]| {
    if let Ok(Some((first, took))) = parse_first(data) {
        assert!(took <= data.len().min(MAX_STARTUP_LEN));
        if let First::Startup(startup) = first {
            check(&startup);
        }
    }
    if let Ok(options) = std::str::from_utf8(data) {
        let named = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        check(&Startup {
            version: ProtocolVersion::V3_0,
            parameters: vec![named("user", "ada"), named("options", options)],
            protocol_options: Vec::new(),
        });
    }
});

/// What is admitted always has its values read as UTF-8, and never leads names elsewhere.
fn check(startup: &Startup) {
    let _ = startup.negotiate();
    if let Ok(admitted) = admit(startup) {
        assert!(!admitted.user.is_empty());
        let mut names: Vec<&str> = admitted
            .forwarded
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert!(names.contains(&"client_encoding"));
        assert!(!names.contains(&"search_path") && !names.contains(&"options"));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
