//! What a statement was decided to mean is what it means when it runs: whatever code at the target, other sessions
//! or the time of a wait do to names and policies.

use sluice_tests::process::{checked, wait_for};
use sluice_tests::target::Tap;
use sluice_tests::wire::{
    Message, PLAINTEXT, Wire, bind, execute, parse, query, sqlstates, sync, tags,
};
use sluice_tests::{Gateway, Postgres, Settings};

/// Nothing in the schema `evil` may be touched; what is in `public` may, deleting only with consent.
const POLICIES: &str = r#"
@id("no-evil") forbid (principal, action, resource in Schema::"shop/shop/evil");
@id("all") permit (principal, action, resource)
unless { action in Action::"delete" || action in Action::"reveal" || action in Action::"search" };
@id("delete-with-dba") permit (principal, action in Action::"delete", resource)
when { context.approved_by.contains(Group::"dba") };
"#;

/// Code that leads names elsewhere when it runs: behind a view, a trigger and a rule.
const CODE: &str = "CREATE SCHEMA evil; CREATE TABLE evil.orders (id integer, status text); \
    INSERT INTO evil.orders VALUES (666, 'forbidden'); \
    GRANT ALL ON SCHEMA evil TO PUBLIC; GRANT ALL ON evil.orders TO PUBLIC; \
    CREATE VIEW astray AS SELECT set_config('search_path', 'evil', false) AS path; \
    CREATE TABLE sprung (n integer); CREATE FUNCTION spring() RETURNS trigger LANGUAGE plpgsql AS \
    $$ BEGIN PERFORM set_config('search_path', 'evil', false); RETURN NEW; END $$; \
    CREATE TRIGGER spring BEFORE INSERT ON sprung FOR EACH ROW EXECUTE FUNCTION spring(); \
    CREATE TABLE ruled (n integer); CREATE RULE r AS ON INSERT TO ruled \
    DO INSTEAD SELECT set_config('search_path', 'evil', false) AS path; \
    GRANT ALL ON astray, sprung, ruled TO PUBLIC; GRANT ALL ON SCHEMA public TO shop_app, shop_owner";

/// The ways to run that code.
const RUNS_CODE: &[&str] = &[
    "SELECT path FROM astray",
    "INSERT INTO sprung VALUES (1)",
    "INSERT INTO ruled VALUES (1)",
    "DO $$ BEGIN PERFORM set_config('search_path', 'evil', false); END $$",
];

/// Means `public.orders` when it is read, and `evil.orders` after that code.
const NAMED: &str = "SELECT status FROM orders LIMIT 1";

struct Stage {
    gateway: Gateway,
    tap: Tap,
    shop: Postgres,
    ada: String,
}

fn stage() -> Stage {
    stage_with("")
}

fn stage_with(more: &str) -> Stage {
    let shop = Postgres::start().unwrap();
    shop.superuser_sql(CODE).unwrap();
    if !more.is_empty() {
        shop.superuser_sql(more).unwrap();
    }
    let tap = Tap::start(Some(shop.port())).unwrap();
    let settings = Settings {
        config: PLAINTEXT.to_owned(),
        target_port: Some(tap.port()),
        ..Settings::default().policies(POLICIES)
    };
    let gateway = Gateway::start(&shop, settings).unwrap();
    let ada = gateway.token("user:ada").unwrap();
    Stage {
        gateway,
        tap,
        shop,
        ada,
    }
}

impl Stage {
    fn login(&self) -> Wire {
        Wire::login(self.gateway.port, &self.ada).unwrap()
    }

    fn approve(&self) {
        let dana = self.gateway.token("user:dana").unwrap();
        let id = self.gateway.pending_approval().unwrap();
        checked(&mut self.gateway.sluice_as(&dana, &["approve", &id])).unwrap();
    }

    /// Applies these policies now.
    fn now(&self, policies: &str) {
        self.gateway
            .write_resource("policies.cedar", policies)
            .unwrap();
        let resources = self.gateway.home().join("resources").display().to_string();
        self.gateway.admin(&["apply", "-f", &resources]).unwrap();
    }
}

fn extended(statements: &[&str]) -> Vec<u8> {
    let mut packet = Vec::new();
    for sql in statements {
        for part in [parse("", sql), bind(""), execute()] {
            packet.extend(part.unwrap());
        }
    }
    packet.extend(sync().unwrap());
    packet
}

/// The answers to a held statement: up to the notice that it waits.
fn until_held(wire: &mut Wire) -> Vec<Message> {
    let mut answers = Vec::new();
    loop {
        let answer = wire.read().unwrap().expect("a notice and not the end");
        assert_ne!(answer.tag, 'E', "{:?}", answer.fields());
        let held = answer.tag == 'N';
        answers.push(answer);
        if held {
            return answers;
        }
    }
}

#[test]
fn what_is_sent_ahead_of_code_is_read_after_it() {
    let stage = stage();
    for code in RUNS_CODE {
        // As messages of their own, in one packet.
        let mut wire = stage.login();
        let packed = [query(code).unwrap(), query(NAMED).unwrap()].concat();
        wire.raw(&packed).unwrap();
        assert_eq!(sqlstates(&wire.until_ready().unwrap()), [""; 0], "{code}");
        assert_eq!(
            sqlstates(&wire.until_ready().unwrap()),
            ["42501"],
            "{code}: the search path leads to a schema that is forbidden"
        );
        // Within one step of the extended protocol.
        let mut wire = stage.login();
        wire.raw(&extended(&[code, NAMED])).unwrap();
        assert_eq!(sqlstates(&wire.until_ready().unwrap()), ["42501"], "{code}");
    }
    assert!(!stage.tap.saw(NAMED), "no byte of it went to the target");
}

/// Code that no statement names: what makes it run, and a statement that does.
const UNNAMED: &[(&str, &str)] = &[
    (
        "CREATE FUNCTION astray(integer, text) RETURNS boolean LANGUAGE plpgsql AS \
        $$ BEGIN PERFORM set_config('search_path', 'evil', false); RETURN true; END $$; \
        CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = text, FUNCTION = astray)",
        "SELECT 1 === 'x'::text",
    ),
    (
        "CREATE DOMAIN led AS text CHECK (set_config('search_path', 'evil', false) IS NOT NULL)",
        "SELECT '{a}'::led[]",
    ),
    (
        "CREATE FUNCTION astray(integer) RETURNS boolean LANGUAGE plpgsql AS \
        $$ BEGIN PERFORM set_config('search_path', 'evil', false); RETURN true; END $$; \
        CREATE TABLE checked (n integer CHECK (astray(n))); GRANT ALL ON checked TO PUBLIC",
        "INSERT INTO checked VALUES (1)",
    ),
    (
        "CREATE TABLE defaulted (n integer, path text DEFAULT set_config('search_path', 'evil', false)); \
        GRANT ALL ON defaulted TO PUBLIC",
        "INSERT INTO defaulted (n) VALUES (1)",
    ),
];

#[test]
fn code_that_no_statement_names_is_reckoned_with() {
    for (made, code) in UNNAMED {
        let stage = stage_with(made);
        let mut wire = stage.login();
        let packed = [query(code).unwrap(), query(NAMED).unwrap()].concat();
        wire.raw(&packed).unwrap();
        assert_eq!(sqlstates(&wire.until_ready().unwrap()), [""; 0], "{code}");
        assert_eq!(sqlstates(&wire.until_ready().unwrap()), ["42501"], "{code}");
        let both = format!("{code}; {NAMED}");
        let answers = stage.login().query(&both).unwrap();
        assert_eq!(sqlstates(&answers), ["0A000"], "{both}");
        assert!(
            !stage.tap.saw(NAMED),
            "{code}: no byte of it went to the target"
        );
    }
}

#[test]
fn code_that_was_made_during_a_wait_is_reckoned_with() {
    let stage = stage_with(
        "CREATE TABLE first (n integer); CREATE TABLE lone (n integer); INSERT INTO lone VALUES (1); \
        GRANT ALL ON first, lone TO PUBLIC",
    );
    let mut wire = stage.login();
    let batch = "INSERT INTO first VALUES (1); DELETE FROM lone";
    wire.raw(&query(batch).unwrap()).unwrap();
    until_held(&mut wire);
    stage
        .shop
        .superuser_sql(
            "CREATE TABLE evil.lone (n integer); GRANT ALL ON evil.lone TO PUBLIC; \
            CREATE TRIGGER spring BEFORE INSERT ON first FOR EACH ROW EXECUTE FUNCTION spring()",
        )
        .unwrap();
    stage.approve();
    assert_eq!(sqlstates(&wire.until_ready().unwrap()), ["0A000"]);
    assert!(!stage.tap.saw(batch), "no byte of it went to the target");
}

#[test]
fn a_name_that_may_lead_elsewhere_after_code_is_refused_in_the_same_message() {
    let stage = stage();
    for code in RUNS_CODE {
        let both = format!("{code}; {NAMED}");
        let answers = stage.login().query(&both).unwrap();
        assert_eq!(sqlstates(&answers), ["0A000"], "{both}");
        assert!(!stage.tap.saw(&both), "{both} reached the target");
    }
    // What can be meant in one way only stays as it is: products exist once, and the other name has its schema.
    for (tail, expected) in [
        ("SELECT name FROM products WHERE id = 3", "Chair C"),
        ("SELECT id::text FROM public.orders WHERE id = 1", "1"),
    ] {
        let both = format!("INSERT INTO public.sprung VALUES (1); {tail}");
        let answers = stage.login().query(&both).unwrap();
        if tail.contains("public.") {
            let row = answers.iter().find(|answer| answer.tag == 'D').unwrap();
            assert_eq!(row.row(), [Some(expected.to_owned())], "{both}");
        } else {
            // The target itself no longer finds it; it was the gateway's to let through.
            assert_eq!(sqlstates(&answers), ["42P01"], "{both}");
        }
    }
}

#[test]
fn a_batch_that_waited_is_decided_again_whole() {
    let without_reading = POLICIES.to_owned()
        + "@id(\"closed\") forbid (principal, action == Action::\"sql:select\", resource == Table::\"shop/shop/public/products\");";
    let without_deleting = POLICIES.to_owned()
        + "@id(\"closed\") forbid (principal, action in Action::\"delete\", resource);";
    let batch = "SELECT name FROM products; DELETE FROM payments WHERE order_id = 1";
    for changed in [without_reading, without_deleting] {
        let stage = stage();
        let mut wire = stage.login();
        wire.raw(&query(batch).unwrap()).unwrap();
        until_held(&mut wire);
        stage.now(&changed);
        stage.approve();
        let answers = wire.until_ready().unwrap();
        assert_eq!(sqlstates(&answers), ["42501"], "{changed}");
        let error = answers.iter().find(|answer| answer.tag == 'E').unwrap();
        assert!(
            error.fields().remove(&'M').unwrap().contains("closed"),
            "the policy of now is named: {:?}",
            error.fields()
        );
        assert!(!stage.tap.saw(batch), "no byte of it went to the target");
    }
}

#[test]
fn a_pipeline_behind_a_wait_is_decided_after_it() {
    let stage = stage();
    let mut wire = stage.login();
    let delete = "DELETE FROM payments WHERE order_id = 1";
    wire.raw(&extended(&[delete, "SELECT name FROM products"]))
        .unwrap();
    until_held(&mut wire);
    stage.now(&format!(
        "{POLICIES}@id(\"closed\") forbid (principal, action == Action::\"sql:select\", resource == Table::\"shop/shop/public/products\");"
    ));
    stage.approve();
    let answers = wire.until_ready().unwrap();
    assert_eq!(sqlstates(&answers), ["42501"]);
    assert!(!stage.tap.saw("SELECT name FROM products"));
    assert_eq!(
        stage
            .shop
            .superuser_sql("SELECT count(*) FROM payments WHERE order_id = 1")
            .unwrap(),
        "1",
        "the refusal takes the step back, as any error would"
    );
}

#[test]
fn a_class_that_is_new_after_a_wait_counts() {
    let stage = stage();
    let mut wire = stage.login();
    let delete = "DELETE FROM payments WHERE amount_cents = 1234";
    wire.raw(&query(delete).unwrap()).unwrap();
    until_held(&mut wire);
    stage
        .gateway
        .write_resource(
            "amounts.yaml",
            "kind: DataClass\nname: amount\ncolumns: [\"payments.amount_cents\"]\nmask: redact\n",
        )
        .unwrap();
    // Who may not see a column may not search by it; the policies here give no leave to.
    let forbidden = POLICIES.to_owned()
        + "@id(\"no-search\") forbid (principal, action == Action::\"search\", resource);";
    stage.now(&forbidden);
    stage.approve();
    assert_eq!(sqlstates(&wire.until_ready().unwrap()), ["42501"]);
    assert!(!stage.shop.ran(delete).unwrap());
}

#[test]
fn what_means_something_else_after_a_wait_does_not_run() {
    let stage = stage();
    // `"$user"` comes first in the search path: a table made there takes the name over.
    stage
        .shop
        .superuser_sql("CREATE SCHEMA shop_app AUTHORIZATION shop_owner; GRANT USAGE ON SCHEMA shop_app TO shop_app")
        .unwrap();
    let mut wire = stage.login();
    let delete = "DELETE FROM payments WHERE order_id = 1";
    wire.raw(&query(delete).unwrap()).unwrap();
    until_held(&mut wire);
    let owner = [("user", "owner"), ("database", "shop")];
    let mut owner = Wire::login_with(stage.gateway.port, &stage.ada, &owner).unwrap();
    for step in [
        "CREATE TABLE shop_app.payments (order_id integer)",
        "GRANT ALL ON shop_app.payments TO shop_app",
    ] {
        assert_eq!(sqlstates(&owner.query(step).unwrap()), [""; 0], "{step}");
    }
    stage.approve();
    assert_eq!(sqlstates(&wire.until_ready().unwrap()), ["42501"]);
    assert!(!stage.shop.ran(delete).unwrap());
}

#[test]
fn what_another_session_defined_is_known_at_once() {
    let stage = stage();
    let mut wire = stage.login();
    assert_eq!(
        tags(&wire.query("SELECT * FROM sprung").unwrap()),
        "TCZ",
        "its catalog is there"
    );
    let owner = [("user", "owner"), ("database", "shop")];
    let mut owner = Wire::login_with(stage.gateway.port, &stage.ada, &owner).unwrap();
    for step in [
        "ALTER TABLE products RENAME COLUMN name TO ssn",
        "CREATE TABLE late (ssn text)",
        "INSERT INTO late VALUES ('no form at all')",
        "GRANT SELECT ON late TO shop_app",
        "CREATE VIEW later AS SELECT set_config('search_path', 'evil', false) AS path",
        "GRANT SELECT ON later TO shop_app",
    ] {
        assert_eq!(sqlstates(&owner.query(step).unwrap()), [""; 0], "{step}");
    }
    for sql in [
        "SELECT ssn FROM products WHERE id = 3",
        "SELECT upper(p.ssn) FROM products p WHERE id = 3",
        "SELECT ssn FROM late",
        "SELECT late FROM late",
    ] {
        let answers = wire.query(sql).unwrap();
        let shown = answers.iter().filter(|a| a.tag == 'D').map(Message::row);
        let shown = format!("{:?}", shown.collect::<Vec<_>>());
        assert_eq!(sqlstates(&answers), [""; 0], "{sql}");
        assert!(
            !shown.to_lowercase().contains("chair") && !shown.contains("no form"),
            "{sql} shows {shown}"
        );
    }
    // And the view is code from its first use on.
    let packed = [
        query("SELECT path FROM later").unwrap(),
        query(NAMED).unwrap(),
    ];
    wire.raw(&packed.concat()).unwrap();
    assert_eq!(sqlstates(&wire.until_ready().unwrap()), [""; 0]);
    assert_eq!(sqlstates(&wire.until_ready().unwrap()), ["42501"]);
}

#[test]
fn a_transaction_that_defines_is_known_to_others_once_it_ends() {
    let stage = stage();
    let mut wire = stage.login();
    let owner = [("user", "owner"), ("database", "shop")];
    let mut owner = Wire::login_with(stage.gateway.port, &stage.ada, &owner).unwrap();
    owner.query("BEGIN").unwrap();
    owner
        .query("ALTER TABLE products ADD COLUMN ssn text DEFAULT 'no form at all'")
        .unwrap();
    // The other session reads the catalog while the change is not there yet.
    assert_eq!(tags(&wire.query("SELECT 1").unwrap()), "TDCZ");
    assert_eq!(tags(&owner.query("COMMIT").unwrap()), "CZ");
    let answers = wire
        .query("SELECT products FROM products WHERE id = 3")
        .unwrap();
    let shown = answers.iter().find(|a| a.tag == 'D').unwrap().row();
    assert!(!format!("{shown:?}").contains("no form"), "{shown:?}");
    wait_for("the session to be on record", || {
        Ok(stage
            .gateway
            .admin(&["sessions"])?
            .contains("s-")
            .then_some(()))
    })
    .unwrap();
}
