//! Prints the table of PostgreSQL's message types with what the gateway does with each, as Markdown for the docs.

use sluice_protocol::postgres::{BackendTag, FrontendTag, Tag};

fn main() {
    println!(
        "# PostgreSQL: every message type\n\nGenerated from the table that the gateway itself runs on."
    );
    table::<FrontendTag>("From the client");
    table::<BackendTag>("From the target");
}

fn table<T: Tag>(title: &str) {
    println!(
        "\n## {title}\n\n| type | message | most bytes | what is done with it |\n|---|---|---|---|"
    );
    for tag in T::ALL {
        let rule = tag.rule();
        println!(
            "| `{}` | {} | {} | {} |",
            char::from(rule.tag),
            rule.name,
            rule.limit,
            rule.doc
        );
    }
}
