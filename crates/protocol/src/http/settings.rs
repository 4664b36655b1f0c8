//! What a connection to a service can say besides where it is.

use sluice_model::{SettingKind, SettingSpec};

const fn setting(name: &'static str, kind: SettingKind, doc: &'static str) -> SettingSpec {
    SettingSpec { name, kind, doc }
}

/// The settings of a connection that are looked at.
pub const SETTINGS: &[SettingSpec] = &[
    setting(
        "addresses",
        SettingKind::Texts,
        "more addresses of the same service, used in turn; those that do not answer are left out",
    ),
    setting(
        "host",
        SettingKind::Text,
        "what the service is called in requests, when not by its address",
    ),
    setting(
        "base_path",
        SettingKind::Text,
        "the path that everything callers ask for is below",
    ),
    setting(
        "description_file",
        SettingKind::Text,
        "a file on the gateway's host with the service's description: OpenAPI, in JSON or YAML",
    ),
    setting(
        "only_described",
        SettingKind::Flag,
        "refuse what the description does not describe",
    ),
    setting(
        "opaque_types",
        SettingKind::Texts,
        "media types that pass though they cannot be read, such as `image/*`",
    ),
    setting(
        "stream_types",
        SettingKind::Texts,
        "media types of requests that are passed on while they come in, and not read whole first",
    ),
    setting(
        "identity",
        SettingKind::IdentityHeader,
        "tell the service who is asking, in a signed JWT: the header's name, and for whom the JWT is",
    ),
    setting(
        "path_parameters",
        SettingKind::Flag,
        "let paths have parameters, such as `/orders;v=1`; for a service that does not take them off",
    ),
    setting(
        "shared_origin",
        SettingKind::Flag,
        "let browsers come by path, where all connections that say so can act as each other's pages",
    ),
    setting(
        "idle_seconds",
        SettingKind::Number,
        "how long a session goes on without a request: 1 to 86,400 seconds",
    ),
    setting(
        "answer_seconds",
        SettingKind::Number,
        "how long the service may take to begin its answer: 1 to 3,600 seconds",
    ),
];
