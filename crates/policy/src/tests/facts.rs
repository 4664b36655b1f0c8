//! Facts that cost something to know: asked for only where they can matter.

use super::world::*;

const POLICIES: &str = r#"
@id("read") permit (principal in Group::"engineering", action in Action::"read", resource);
@id("few")
permit (principal in Group::"engineering", action in Action::"delete", resource in Environment::"prod")
when { context has sql && context.sql has estimated_rows && context.sql.estimated_rows <= 5 };
@id("ask") permit (principal, action in Action::"write", resource)
when { context.approved_by.contains(Group::"dba") };
@id("other") permit (principal == User::"fred", action in Action::"delete", resource)
when { context has sql && context.sql.has_where };
"#;

#[test]
fn a_fact_is_wanted_only_where_a_decision_can_depend_on_it() {
    let snapshot = build(POLICIES);
    for (who, connection, accesses, read, wanted) in [
        ("user:ada", "shop", "sql:delete public.orders", true, true),
        // The others are allowed, or could be.
        (
            "user:ada",
            "shop",
            "sql:delete public.orders, sql:select public.orders",
            true,
            true,
        ),
        (
            "user:ada",
            "shop",
            "sql:delete public.orders, sql:insert public.orders",
            true,
            true,
        ),
        // No policy that speaks of this action reads it.
        ("user:ada", "shop", "sql:select public.orders", true, false),
        // Refused whatever it is.
        (
            "user:ada",
            "shop",
            "sql:delete public.orders, sql:drop public.orders",
            true,
            false,
        ),
        // The policy that reads it is for others, or for elsewhere.
        (
            "user:fred",
            "shop",
            "sql:delete public.orders",
            false,
            false,
        ),
        ("user:ada", "play", "sql:delete public.orders", false, false),
    ] {
        let view = view(&snapshot, who, connection);
        let name = "estimated_rows";
        assert_eq!(view.reads_fact(name), read, "{who} {connection}");
        let op = op(accesses);
        assert_eq!(
            view.wants_fact(name, &op, at(NOON)),
            wanted,
            "{who} {accesses}"
        );
    }
}
