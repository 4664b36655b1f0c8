//! Clients that send ahead: whatever order messages are packed in, what runs is what was decided.

use sluice_tests::wire::{
    Message, PLAINTEXT, VERSION_3_0, Wire, bind, execute, message, parse, query, sqlstates, sync,
    tags, text,
};
use sluice_tests::{Gateway, Postgres, Settings};

struct Stage {
    gateway: Gateway,
    shop: Postgres,
    token: String,
}

/// Nothing in the schema `evil` may be touched; what is in `public` may.
const POLICIES: &str = r#"
@id("no-evil") forbid (principal, action, resource in Schema::"shop/shop/evil");
@id("all") permit (principal, action, resource) unless { action in Action::"delete" };
@id("delete-with-dba") permit (principal, action in Action::"delete", resource)
when { context.approved_by.contains(Group::"dba") };
"#;

fn stage() -> Stage {
    let shop = Postgres::start().unwrap();
    shop.superuser_sql(
        "CREATE SCHEMA evil; CREATE TABLE evil.orders (id integer, status text); \
         INSERT INTO evil.orders VALUES (666, 'forbidden'); GRANT ALL ON SCHEMA evil TO PUBLIC; \
         GRANT ALL ON evil.orders TO PUBLIC",
    )
    .unwrap();
    let settings = Settings {
        config: PLAINTEXT.to_owned(),
        ..Settings::default().policies(POLICIES)
    };
    let gateway = Gateway::start(&shop, settings).unwrap();
    let token = gateway.token("user:ada").unwrap();
    Stage {
        gateway,
        shop,
        token,
    }
}

impl Stage {
    fn login(&self) -> Wire {
        Wire::login(self.gateway.port, &self.token).unwrap()
    }
}

#[test]
fn a_change_of_the_search_path_is_waited_for() {
    let stage = stage();
    let mut wire = stage.login();
    let packed = [
        query("SET search_path = evil").unwrap(),
        query("SELECT status FROM orders LIMIT 1").unwrap(),
    ]
    .concat();
    wire.raw(&packed).unwrap();
    assert_eq!(tags(&wire.until_ready().unwrap()).replace('S', ""), "CZ");
    assert_eq!(sqlstates(&wire.until_ready().unwrap()), ["42501"]);
}

#[test]
fn a_search_path_is_followed_wherever_it_is_changed() {
    let ways: &[&[&str]] = &[
        &[
            "PREPARE x AS SELECT set_config('search_path', 'evil', false)",
            "EXECUTE x",
        ],
        &[
            "BEGIN",
            "DECLARE k CURSOR FOR SELECT set_config('search_path', 'evil', false)",
            "FETCH ALL FROM k",
        ],
        &["DO $$ BEGIN SET search_path = evil; END $$"],
    ];
    let stage = stage();
    for way in ways {
        let mut wire = stage.login();
        for step in *way {
            assert_eq!(sqlstates(&wire.query(step).unwrap()), [""; 0], "{step}");
        }
        let answers = wire.query("SELECT status FROM orders LIMIT 1").unwrap();
        assert_eq!(sqlstates(&answers), ["42501"], "{way:?}");
    }
}

#[test]
fn the_end_of_a_transaction_takes_a_search_path_back_before_the_next_statement_is_read() {
    let stage = stage();
    let mut wire = stage.login();
    for step in [
        "SET search_path = evil",
        "BEGIN",
        "SET LOCAL search_path = public",
    ] {
        assert_eq!(sqlstates(&wire.query(step).unwrap()), [""; 0], "{step}");
    }
    let answers = wire
        .query("COMMIT; SELECT status FROM orders LIMIT 1")
        .unwrap();
    assert_eq!(
        sqlstates(&answers),
        ["0A000"],
        "it cannot be told where names lead after COMMIT"
    );
}

#[test]
fn a_name_stands_for_what_the_target_has_under_it() {
    let stage = stage();
    let mut wire = stage.login();
    let dangerous = parse("s", "DELETE FROM orders WHERE id = -1 RETURNING id").unwrap();
    wire.raw(&[dangerous, sync().unwrap()].concat()).unwrap();
    assert_eq!(tags(&wire.until_ready().unwrap()), "1Z");
    // The name is taken: this fails at the target, and what follows runs the statement from before.
    let packed = [
        parse("s", "SELECT 1").unwrap(),
        sync().unwrap(),
        bind("s").unwrap(),
        execute().unwrap(),
        sync().unwrap(),
    ]
    .concat();
    wire.raw(&packed).unwrap();
    assert_eq!(sqlstates(&wire.until_ready().unwrap()), ["42P05"]);
    stage.gateway.pending_approval().unwrap();
    assert!(!stage.shop.ran("execute s: DELETE").unwrap());
}

#[test]
fn names_that_the_target_would_cut_are_refused() {
    let stage = stage();
    let mut wire = stage.login();
    let long = "a".repeat(64);
    wire.raw(&[parse(&long, "SELECT 1").unwrap(), sync().unwrap()].concat())
        .unwrap();
    assert_eq!(sqlstates(&wire.until_ready().unwrap()), ["42622"]);
}

#[test]
fn fetch_runs_no_portal_that_was_not_decided() {
    let stage = stage();
    let mut wire = stage.login();
    wire.query("BEGIN").unwrap();
    let mut named = parse("d", "DELETE FROM orders WHERE id = -1 RETURNING id").unwrap();
    let body = [text("p"), text("d"), vec![0, 0, 0, 0, 0, 0]].concat();
    named.extend(message('B', &body).unwrap());
    named.extend(sync().unwrap());
    wire.raw(&named).unwrap();
    assert_eq!(tags(&wire.until_ready().unwrap()), "12Z");
    // Moving over its rows deletes them: it waits for an approval, as Execute would.
    wire.send('Q', &text("MOVE ALL IN p")).unwrap();
    stage.gateway.pending_approval().unwrap();
    assert!(!stage.shop.ran("MOVE ALL IN p").unwrap());
}

#[test]
fn an_open_cursor_does_not_outlive_the_policy_that_allowed_it() {
    let stage = stage();
    let mut wire = stage.login();
    wire.query("BEGIN").unwrap();
    wire.query("DECLARE k CURSOR FOR SELECT status FROM orders")
        .unwrap();
    assert_eq!(tags(&wire.query("FETCH 1 FROM k").unwrap()), "TDCZ");
    let now = POLICIES.to_owned()
        + "@id(\"no-orders\") forbid (principal, action == Action::\"sql:select\", resource == Table::\"shop/shop/public/orders\");";
    let gateway = &stage.gateway;
    gateway.write_resource("policies.cedar", &now).unwrap();
    sluice_tests::process::wait_for("the new policy", || {
        Ok(gateway
            .refusal(&stage.token, "SELECT status FROM orders")
            .ok())
    })
    .unwrap();
    assert_eq!(sqlstates(&wire.query("FETCH 1 FROM k").unwrap()), ["42501"]);
}

#[test]
fn an_error_before_a_query_in_a_step_leaves_the_session_well() {
    let stage = stage();
    let mut wire = stage.login();
    let packed = [
        parse("", "SELECT no_such_column FROM orders").unwrap(),
        query("SET work_mem = '4MB'").unwrap(),
        sync().unwrap(),
    ]
    .concat();
    wire.raw(&packed).unwrap();
    assert_eq!(sqlstates(&wire.until_ready().unwrap()), ["42703"]);
    assert_eq!(tags(&wire.query("SELECT 1").unwrap()), "TDCZ");
}

#[test]
fn empty_statements_and_copies_sent_ahead_work_as_they_do_directly() {
    let stage = stage();
    let mut wire = stage.login();
    let empty = [
        parse("", "").unwrap(),
        bind("").unwrap(),
        execute().unwrap(),
        sync().unwrap(),
    ];
    wire.raw(&empty.concat()).unwrap();
    assert_eq!(tags(&wire.until_ready().unwrap()), "12IZ");
    let copy = [
        query("COPY products (id, name, price_cents, stock) FROM STDIN").unwrap(),
        message('d', b"901\tSent ahead\t1\t1\n").unwrap(),
        message('c', b"").unwrap(),
    ];
    wire.raw(&copy.concat()).unwrap();
    assert_eq!(tags(&wire.until_ready().unwrap()), "GCZ");
    let found = stage
        .shop
        .superuser_sql("SELECT name FROM products WHERE id = 901")
        .unwrap();
    assert_eq!(found, "Sent ahead");
}

#[test]
fn one_piece_of_copy_data_may_be_larger_than_any_buffer() {
    let stage = stage();
    let mut wire = stage.login();
    let copy = query("COPY products (id, name, price_cents, stock) FROM STDIN").unwrap();
    let rows = |from: usize| -> Vec<u8> {
        let name = "x".repeat(1_000);
        let rows = (from..from + 3_000).map(|id| format!("{id}\t{name}\t1\t1\n"));
        rows.collect::<String>().into_bytes()
    };
    let piece = |data: &[u8]| message('d', data).unwrap();
    let (first, second) = (rows(10_000), rows(20_000));
    let (half, other) = second.split_at(second.len() - 1_234);
    let pieces = [piece(&first), piece(half), piece(other)].concat();
    wire.raw(&[copy.clone(), pieces, message('c', b"").unwrap()].concat())
        .unwrap();
    assert_eq!(tags(&wire.until_ready().unwrap()), "GCZ");
    let found = stage
        .shop
        .superuser_sql("SELECT count(*), sum(length(name)) FROM products WHERE id >= 10000")
        .unwrap();
    assert_eq!(found, "6000|6000000");
    // The target gives up at the first row and reads over the rest, as it does directly.
    let wrong = [b"no number\tx\t1\t1\n".to_vec(), rows(30_000)].concat();
    wire.raw(&[copy, piece(&wrong), message('c', b"").unwrap()].concat())
        .unwrap();
    assert_eq!(sqlstates(&wire.until_ready().unwrap()), ["22P02"]);
    // Outside COPY it is dropped, whole.
    wire.raw(&piece(&rows(40_000))).unwrap();
    for _ in 0..3 {
        assert_eq!(tags(&wire.query("SELECT 1").unwrap()), "TDCZ");
    }
}

#[test]
fn what_a_failed_step_named_is_taken_back_in_order() {
    let stage = stage();
    let mut wire = stage.login();
    let dangerous = parse("s", "DELETE FROM orders WHERE id = -2 RETURNING id").unwrap();
    wire.raw(&[dangerous, sync().unwrap()].concat()).unwrap();
    assert_eq!(tags(&wire.until_ready().unwrap()), "1Z");
    // The Parse fails, so that the Close never happens: the name stands for what it stood for.
    let close = message('C', &[b"S".to_vec(), text("s")].concat()).unwrap();
    wire.raw(&[parse("s", "SELECT 1").unwrap(), close, sync().unwrap()].concat())
        .unwrap();
    assert_eq!(sqlstates(&wire.until_ready().unwrap()), ["42P05"]);
    wire.raw(&[bind("s").unwrap(), execute().unwrap(), sync().unwrap()].concat())
        .unwrap();
    stage.gateway.pending_approval().unwrap();
    assert!(!stage.shop.ran("execute s: DELETE").unwrap());
}

#[test]
fn answers_stay_in_step_when_a_copy_fails_at_once() {
    let stage = stage();
    let mut wire = stage.login();
    // FREEZE is refused by the server after it has asked for the data.
    let copy = "COPY products (id, name, price_cents, stock) FROM STDIN (FREEZE)";
    let ahead = [
        parse("", copy).unwrap(),
        bind("").unwrap(),
        execute().unwrap(),
        sync().unwrap(),
    ];
    wire.raw(&ahead.concat()).unwrap();
    let answers = wire.until_ready().unwrap();
    assert_eq!(sqlstates(&answers).len(), 1, "{}", tags(&answers));
    for _ in 0..3 {
        assert_eq!(tags(&wire.query("SELECT 1").unwrap()), "TDCZ");
    }
}

#[test]
fn a_portal_is_decided_under_the_search_path_it_was_bound_under() {
    let stage = stage();
    let mut wire = stage.login();
    let bound = [
        message('B', &[text("p"), text("s"), vec![0; 6]].concat()).unwrap(),
        sync().unwrap(),
    ];
    let run = [
        message('E', &[text("p"), vec![0; 4]].concat()).unwrap(),
        sync().unwrap(),
    ];
    wire.query("BEGIN").unwrap();
    wire.raw(
        &[
            parse("s", "SELECT status FROM orders LIMIT 1").unwrap(),
            sync().unwrap(),
        ]
        .concat(),
    )
    .unwrap();
    wire.until_ready().unwrap();
    wire.query("SET search_path = evil").unwrap();
    wire.raw(&bound.concat()).unwrap();
    wire.until_ready().unwrap();
    wire.query("SET search_path = public").unwrap();
    wire.raw(&run.concat()).unwrap();
    assert_ne!(sqlstates(&wire.until_ready().unwrap()), [""; 0]);
}

#[test]
fn the_search_path_after_a_rollback_is_the_targets() {
    let stage = stage();
    let mut wire = stage.login();
    for step in [
        "SET search_path = evil",
        "BEGIN",
        "SET LOCAL search_path = public",
    ] {
        wire.query(step).unwrap();
    }
    assert_eq!(sqlstates(&wire.query("SELECT 1/0").unwrap()), ["22012"]);
    let mut packet = Vec::new();
    for sql in ["ROLLBACK", "SELECT status FROM orders LIMIT 1"] {
        for part in [parse("", sql), bind(""), execute()] {
            packet.extend(part.unwrap());
        }
    }
    packet.extend(sync().unwrap());
    wire.raw(&packet).unwrap();
    assert_eq!(sqlstates(&wire.until_ready().unwrap()), ["42501"]);
}

#[test]
fn a_session_knows_its_own_notifications() {
    let stage = stage();
    let mut wire = Wire::connect(stage.gateway.port).unwrap();
    wire.startup(VERSION_3_0, &[("user", "app"), ("database", "shop")])
        .unwrap();
    wire.password(&stage.token).unwrap();
    let greeting = wire.until_ready().unwrap();
    let key = greeting.iter().find(|message| message.tag == 'K').unwrap();
    wire.query("LISTEN news").unwrap();
    let answers = wire.query("NOTIFY news, 'hello'").unwrap();
    let told = answers.iter().find(|message| message.tag == 'A').unwrap();
    assert_eq!(told.body.get(..4), key.body.get(..4));
}

/// Binds the statement `s` to the portal `p`.
fn bind_portal() -> Vec<u8> {
    message('B', &[text("p"), text("s"), vec![0; 6]].concat()).unwrap()
}

#[test]
fn a_portal_of_bind_is_fetched_from_as_it_was_decided() {
    let stage = stage();
    let mut wire = stage.login();
    wire.query("BEGIN").unwrap();
    let numbers = parse("s", "SELECT generate_series(1, 9)").unwrap();
    wire.raw(&[numbers, bind_portal(), sync().unwrap()].concat())
        .unwrap();
    assert_eq!(tags(&wire.until_ready().unwrap()), "12Z");
    assert_eq!(tags(&wire.query("MOVE FORWARD 4 p").unwrap()), "CZ");
    let fetched = wire.query("FETCH 1 p").unwrap();
    assert_eq!(tags(&fetched), "TDCZ");
    assert_eq!(fetched.get(1).unwrap().row(), [Some("5".to_owned())]);
    wire.query("ROLLBACK").unwrap();

    // FETCH runs what is in the portal: here a DELETE, which waits.
    let delete = parse("s", "DELETE FROM orders WHERE id = -3 RETURNING id").unwrap();
    let close = message('C', &[b"S".to_vec(), text("s")].concat()).unwrap();
    wire.query("BEGIN").unwrap();
    wire.raw(&[close, delete, bind_portal(), sync().unwrap()].concat())
        .unwrap();
    assert_eq!(tags(&wire.until_ready().unwrap()), "312Z");
    wire.send('Q', &text("FETCH ALL p")).unwrap();
    stage.gateway.pending_approval().unwrap();
    assert!(!stage.shop.ran("FETCH ALL p").unwrap());
}

#[test]
fn sessions_know_themselves_and_each_other_by_the_targets_process_numbers() {
    let stage = stage();
    let mut wire = Wire::connect(stage.gateway.port).unwrap();
    let parameters = [("user", "app"), ("database", "shop")];
    wire.startup(VERSION_3_0, &parameters).unwrap();
    wire.password(&stage.token).unwrap();
    let greeting = wire.until_ready().unwrap();
    let number = |message: &Message| {
        let (number, _) = message.body.split_first_chunk::<4>().unwrap();
        i32::from_be_bytes(*number).to_string()
    };
    let told = number(greeting.iter().find(|m| m.tag == 'K').unwrap());
    let asked = wire.query("SELECT pg_backend_pid()").unwrap();
    assert_eq!(asked.get(1).unwrap().row(), [Some(told.clone())]);
    let mut other = stage.login();
    other.query("LISTEN news").unwrap();
    wire.query("LISTEN news").unwrap();
    let own = wire.query("NOTIFY news").unwrap();
    assert_eq!(number(own.iter().find(|m| m.tag == 'A').unwrap()), told);
    assert_eq!(number(&other.read().unwrap().unwrap()), told);
}

#[test]
fn a_target_that_ends_the_session_has_the_last_word() {
    let stage = stage();
    let mut wire = stage.login();
    let asked = wire.query("SELECT pg_backend_pid()").unwrap();
    let pid = asked.get(1).unwrap().row().remove(0).unwrap();
    wire.send('Q', &text("SELECT pg_sleep(60)")).unwrap();
    let ended = format!("SELECT pg_terminate_backend({pid})");
    stage.shop.superuser_sql(&ended).unwrap();
    assert_eq!(sqlstates(&wire.until_ready().unwrap()), ["57P01"]);
}
