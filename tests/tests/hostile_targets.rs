//! Targets that lie: an answer to which the masks cannot be bound is refused before its first row, and a login that
//! asks for too much gets nothing.

use sluice_tests::target::Impostor;
use sluice_tests::wire::{
    Message, PLAINTEXT, Wire, bind, execute, message, parse, query, sync, tags, text,
};
use sluice_tests::{Gateway, Postgres, Settings};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

struct Stage {
    gateway: Gateway,
    impostor: Impostor,
    token: String,
    /// The first customer's social security number and what else must never be seen, as it is at the target.
    secrets: Vec<String>,
    _shop: Postgres,
}

fn stage_with(settings: Settings) -> Stage {
    let shop = Postgres::start().unwrap();
    let impostor = Impostor::start(shop.port()).unwrap();
    let settings = Settings {
        config: PLAINTEXT.to_owned(),
        target_port: Some(impostor.port()),
        ..settings
    };
    let gateway = Gateway::start(&shop, settings).unwrap();
    let token = gateway.token("user:ada").unwrap();
    let secrets = shop
        .superuser_sql("SELECT ssn || ' ' || card || ' ' || email FROM customers WHERE id = 7")
        .unwrap();
    Stage {
        gateway,
        impostor,
        token,
        secrets: secrets.split(' ').map(str::to_owned).collect(),
        _shop: shop,
    }
}

/// How each of the server's messages is altered.
type Alter = fn(Message) -> Vec<Message>;

impl Stage {
    /// What arrives of an answer while the target lies: the kinds of messages, and no secret in any of them.
    fn check(&self, lie: &str, alter: Alter, packet: &[u8]) -> String {
        let mut wire = Wire::login(self.gateway.port, &self.token).unwrap();
        self.impostor.alter(alter);
        wire.raw(packet).unwrap();
        let answers = wire.until_ready().unwrap();
        self.impostor.alter(|message| vec![message]);
        let kinds = tags(&answers);
        let bytes: Vec<u8> = answers.into_iter().flat_map(|answer| answer.body).collect();
        let shown = String::from_utf8_lossy(&bytes);
        for secret in &self.secrets {
            assert!(!shown.contains(secret.as_str()), "{lie} shows {shown}");
        }
        assert_eq!(
            self.gateway.answer(&self.token, "SELECT 1").unwrap(),
            "1",
            "{lie}: only its own session suffers"
        );
        kinds
    }

    /// Not one row of an answer arrives while the target lies.
    fn check_refused(&self, lie: &str, alter: Alter, packet: &[u8]) {
        let kinds = self.check(lie, alter, packet);
        assert!(
            kinds.contains('E') && !kinds.contains(['D', 'd']),
            "{lie}: {kinds}"
        );
    }
}

fn with_body(tag: char, body: &[u8]) -> Vec<Message> {
    vec![Message {
        tag,
        body: body.to_vec(),
    }]
}

/// The fields of a RowDescription.
fn described(body: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = body.get(2..).unwrap_or_default();
    let mut fields = Vec::new();
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        let (field, after) = rest.split_at(end + 19);
        fields.push(field.to_vec());
        rest = after;
    }
    fields
}

fn describing(fields: &[Vec<u8>]) -> Vec<Message> {
    let mut body = u16::try_from(fields.len()).unwrap().to_be_bytes().to_vec();
    body.extend(fields.concat());
    with_body('T', &body)
}

fn row_of(values: &[&[u8]]) -> Vec<Message> {
    let mut body = u16::try_from(values.len()).unwrap().to_be_bytes().to_vec();
    for value in values {
        body.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
        body.extend_from_slice(value);
    }
    with_body('D', &body)
}

const SENSITIVE: &str = "SELECT id, ssn, card, email FROM customers WHERE id = 7";

/// Shapes that do not fit the rows that follow them, or are none.
const SHAPES: &[(&str, Alter)] = &[
    ("no shape at all", |m| match m.tag {
        'T' => vec![],
        _ => vec![m],
    }),
    ("a shape that is cut off", |m| match m.tag {
        'T' => with_body('T', &m.body[..m.body.len() / 2]),
        _ => vec![m],
    }),
    ("a shape with bytes after its end", |m| match m.tag {
        'T' => with_body('T', &[m.body.as_slice(), b"more"].concat()),
        _ => vec![m],
    }),
    ("the shape of one column for rows of four", |m| {
        match m.tag {
            'T' => describing(&described(&m.body)[..1]),
            _ => vec![m],
        }
    }),
    ("the shape of no column", |m| match m.tag {
        'T' => describing(&[]),
        _ => vec![m],
    }),
    ("the shape of five columns for rows of four", |m| {
        if m.tag != 'T' {
            return vec![m];
        }
        let mut fields = described(&m.body);
        fields.extend_from_within(..1);
        describing(&fields)
    }),
    ("a shape that says there are no rows", |m| match m.tag {
        'T' => with_body('n', &[]),
        _ => vec![m],
    }),
    ("a copy instead of rows", |m| match m.tag {
        'T' => with_body('H', &[0, 0, 1, 0, 0]),
        'D' => with_body('d', &m.body),
        _ => vec![m],
    }),
    ("rows of one field for a shape of four", |m| match m.tag {
        'D' => row_of(&[m.row()[1].clone().unwrap().as_bytes()]),
        _ => vec![m],
    }),
    ("a field that leads out of its row", |m| match m.tag {
        'D' => {
            let mut body = m.body;
            body[2..6].copy_from_slice(&i32::MAX.to_be_bytes());
            with_body('D', &body)
        }
        _ => vec![m],
    }),
    ("a field of negative length", |m| match m.tag {
        'D' => {
            let mut body = m.body;
            body[2..6].copy_from_slice(&(-2_i32).to_be_bytes());
            with_body('D', &body)
        }
        _ => vec![m],
    }),
    ("bytes after the last field", |m| match m.tag {
        'D' => with_body('D', &[m.body.as_slice(), b"123-45-6789"].concat()),
        _ => vec![m],
    }),
];

#[test]
fn an_answer_that_masks_cannot_be_bound_to_is_refused() {
    let stage = stage_with(Settings::default());
    let simple = query(SENSITIVE).unwrap();
    let steps = |parts: &[Vec<u8>]| parts.concat();
    let (named, run) = (parse("", SENSITIVE).unwrap(), execute().unwrap());
    let portal = message('D', &text("P")).unwrap();
    let (bound, end) = (bind("").unwrap(), sync().unwrap());
    let undescribed = steps(&[named.clone(), bound.clone(), run.clone(), end.clone()]);
    let described = steps(&[named, bound, portal, run, end]);
    for (lie, alter) in SHAPES {
        for (how, packet) in [
            ("simple", &simple),
            ("extended", &undescribed),
            ("extended, described", &described),
        ] {
            stage.check_refused(&format!("{how}: {lie}"), *alter, packet);
        }
    }
}

#[test]
fn a_copy_that_masks_cannot_be_bound_to_is_refused() {
    let lies: &[(&str, Alter)] = &[
        ("data without an announcement", |m| match m.tag {
            'H' => vec![],
            _ => vec![m],
        }),
        ("an announcement of one column", |m| match m.tag {
            'H' => with_body('H', &[0, 0, 1, 0, 0]),
            _ => vec![m],
        }),
        ("an announcement that is cut off", |m| match m.tag {
            'H' => with_body('H', &m.body[..3]),
            _ => vec![m],
        }),
        ("binary that was not asked for", |m| match m.tag {
            'H' => {
                let mut body = m.body;
                body[0] = 1;
                with_body('H', &body)
            }
            _ => vec![m],
        }),
        ("rows instead of a copy", |m| match m.tag {
            'H' => vec![],
            'd' => row_of(&[&m.body]),
            _ => vec![m],
        }),
        ("a field more than was announced", |m| match m.tag {
            'd' => with_body('d', &[b"7\t", m.body.as_slice()].concat()),
            _ => vec![m],
        }),
    ];
    let stage = stage_with(Settings::default());
    for copy in [
        "COPY customers TO STDOUT",
        "COPY (SELECT id, ssn, card, email FROM customers WHERE id = 7) TO STDOUT",
    ] {
        for (lie, alter) in lies {
            let packet = query(copy).unwrap();
            stage.check_refused(&format!("{copy}: {lie}"), *alter, &packet);
        }
    }
}

#[test]
fn a_value_that_is_not_of_its_type_shows_nothing() {
    // The email of the seventh customer, in what claims to be JSON, a list, or another column.
    fn lying(m: Message) -> Vec<Message> {
        match m.tag {
            'D' => row_of(&[b"{\"contact\": john.moreno7@example.com"]),
            _ => vec![m],
        }
    }
    let stage = stage_with(Settings::default());
    assert_eq!(stage.secrets[2], "john.moreno7@example.com");
    for column in [
        "profile",
        "array_agg(name)",
        "array_agg(profile)",
        "ssn",
        "name",
    ] {
        let sql = format!("SELECT {column} FROM customers WHERE id = 7 GROUP BY id");
        stage.check(column, lying, &query(&sql).unwrap());
    }
}

#[test]
fn rows_that_nothing_is_masked_in_still_fit_their_shape() {
    // Without detectors nothing is looked for in columns of no class, and rows pass in one piece.
    let classes = "kind: DataClass\nname: ssn\ncolumns: [\"ssn\"]\nmask: redact\n";
    let stage = stage_with(Settings::default().resource("data-classes.yaml", classes));
    let lies: &[(&str, Alter)] = &[
        ("another field", |m| match m.tag {
            'D' => row_of(&[b"7", b"123-45-6789"]),
            _ => vec![m],
        }),
        ("no field", |m| match m.tag {
            'D' => row_of(&[]),
            _ => vec![m],
        }),
        ("no number of fields", |m| match m.tag {
            'D' => with_body('D', &[]),
            _ => vec![m],
        }),
    ];
    for (lie, alter) in lies {
        let packet = query("SELECT id FROM customers WHERE id = 7").unwrap();
        stage.check_refused(lie, *alter, &packet);
    }
}

/// A target that answers each connection's packets with these, in order, and tells what it was sent.
fn scripted(answers: &'static [&'static [u8]]) -> (u16, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (told, sent) = mpsc::channel();
    let serve = move |mut stream: TcpStream| {
        let mut all = Vec::new();
        let mut buffer = [0; 4096];
        for answer in answers {
            let length = stream.read(&mut buffer).unwrap_or(0);
            all.extend_from_slice(&buffer[..length]);
            let _ = stream.write_all(answer);
        }
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            all.extend_from_slice(&buffer[..length]);
        }
        let _ = told.send(all);
    };
    std::thread::spawn(move || listener.incoming().flatten().for_each(serve));
    (port, sent)
}

/// AuthenticationOk, BackendKeyData and ReadyForQuery: a login that asks for nothing.
const LET_IN: &[u8] = b"R\0\0\0\x08\0\0\0\0K\0\0\0\x0c\0\0\0\x01\0\0\0\x01Z\0\0\0\x05I";

#[test]
fn a_login_that_asks_for_too_much_gets_nothing() {
    /// What the target answers, the `tls` of the connection, and what the caller is told.
    type Case = (&'static [&'static [u8]], &'static str, &'static str);
    let cases: &[Case] = &[
        // The password in cleartext, without TLS.
        (&[b"R\0\0\0\x08\0\0\0\x03"], "disable", "cleartext"),
        // A way that is not known.
        (&[b"R\0\0\0\x08\0\0\0\x09"], "disable", "authentication"),
        // TLS is refused, or answered with something else.
        (&[b"N"], "require", "does not speak tls"),
        (&[b"E\0\0\0\x08nope"], "require", "does not speak tls"),
        // A session before TLS, in the same packet as the word that TLS may begin.
        (
            &[b"SR\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"],
            "require",
            "tls handshake",
        ),
        // No password was asked for after SCRAM had begun.
        (
            &[b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0", LET_IN],
            "disable",
            "AuthenticationOk",
        ),
        // Rows before the end of the login.
        (&[b"D\0\0\0\x06\0\0"], "disable", "message"),
        (&[b"T\0\0\0\x06\0\0"], "disable", "message"),
        // Lengths that cannot be.
        (&[b"R\0\0\0\x03"], "disable", ""),
        (&[b"R\x7f\xff\xff\xff\0\0\0\0"], "disable", ""),
        // The end.
        (&[b""], "disable", ""),
    ];
    let shop = Postgres::start().unwrap();
    let settings = Settings {
        config: PLAINTEXT.to_owned(),
        ..Settings::default()
    };
    let (mut settings, mut targets) = (settings, Vec::new());
    for (index, (answers, tls, _)) in cases.iter().enumerate() {
        let (port, sent) = scripted(answers);
        targets.push(sent);
        settings = settings.resource(
            &format!("hostile{index}.yaml"),
            &format!(
                "kind: Connection\nname: hostile{index}\nprotocol: postgres\nenvironment: prod\n\
                 target: {{address: '127.0.0.1:{port}', database: x, tls: {tls}}}\n\
                 accounts:\n  - {{name: app, default: true, username: x, password: {{env: SHOP_APP_PASSWORD}}}}\n"
            ),
        );
    }
    let gateway = Gateway::start(&shop, settings).unwrap();
    let token = gateway.token("user:ada").unwrap();
    for (index, ((_, _, told), sent)) in cases.iter().zip(&targets).enumerate() {
        let database = format!("hostile{index}");
        let asked = [("user", "app"), ("database", database.as_str())];
        let refused = Wire::login_with(gateway.port, &token, &asked).unwrap_err();
        let refused = refused.to_string();
        assert!(
            refused.contains("08001") && refused.contains(told),
            "{index}: {refused}"
        );
        let sent = sent.recv().unwrap();
        let sent = String::from_utf8_lossy(&sent);
        assert!(
            !sent.contains(sluice_tests::postgres::PASSWORD) && !sent.contains(&token),
            "{index}: a credential went out"
        );
    }
    assert_eq!(gateway.answer(&token, "SELECT 1").unwrap(), "1");
}
