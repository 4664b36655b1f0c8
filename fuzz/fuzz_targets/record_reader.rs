//! Bytes that nobody recorded: the reader of records ends in an error or at the end, and what it read of an event
//! can be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for read in sluice_record::read_frames(bytes) {
        match read {
            Ok((_, event)) => drop(format!("{event:?}")),
            Err(error) => drop(error.to_string()),
        }
    }
    let text = String::from_utf8_lossy(bytes);
    assert!(!sluice_record::inert_line(&text).chars().any(char::is_control));
    if let Ok(note) = std::str::from_utf8(bytes) {
        let _ = note.parse::<sluice_record::VerifierKey>();
    }
});
