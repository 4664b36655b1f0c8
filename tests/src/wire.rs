//! A client of the PostgreSQL protocol by hand, for what no driver would send. Plaintext, so the gateway's listener
//! has to allow that (`allow_plaintext_on_loopback: true`).

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Line for `sluice.yaml` that these clients need.
pub const PLAINTEXT: &str = "allow_plaintext_on_loopback: true\n";

/// Protocol version 3.0.
pub const VERSION_3_0: u32 = 196_608;
/// Protocol version 3.2.
pub const VERSION_3_2: u32 = 196_610;

/// How long an answer may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that sends and reads single messages.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
}

/// One message of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its type.
    pub tag: char,
    /// What follows the length.
    pub body: Vec<u8>,
}

impl Message {
    /// The next message of a stream; `None` at its end.
    pub fn read(stream: &mut impl Read) -> Result<Option<Self>> {
        let mut head = [0_u8; 5];
        match stream.read_exact(&mut head) {
            Ok(()) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error).context("no answer in time"),
        }
        let [tag, length @ ..] = head;
        let length = usize::try_from(u32::from_be_bytes(length))?;
        let mut body = vec![0_u8; length.checked_sub(4).context("a length below 4")?];
        stream.read_exact(&mut body)?;
        Ok(Some(Self {
            tag: char::from(tag),
            body,
        }))
    }

    /// The fields of an error or a notice, by their one-letter codes.
    #[must_use]
    pub fn fields(&self) -> BTreeMap<char, String> {
        self.body
            .split(|byte| *byte == 0)
            .filter_map(|field| {
                let (code, text) = field.split_first()?;
                Some((
                    char::from(*code),
                    String::from_utf8_lossy(text).into_owned(),
                ))
            })
            .collect()
    }

    /// The SQLSTATE of an error; empty for anything else.
    #[must_use]
    pub fn sqlstate(&self) -> String {
        self.fields().remove(&'C').unwrap_or_default()
    }

    /// The text columns of a data row.
    #[must_use]
    pub fn row(&self) -> Vec<Option<String>> {
        let mut rest = self.body.get(2..).unwrap_or_default();
        let mut row = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = i32::from_be_bytes(*length);
            let Ok(length) = usize::try_from(length) else {
                row.push(None);
                rest = after;
                continue;
            };
            let Some((value, after)) = after.split_at_checked(length) else {
                break;
            };
            row.push(Some(String::from_utf8_lossy(value).into_owned()));
            rest = after;
        }
        row
    }
}

impl Wire {
    /// Connects, and says nothing yet.
    pub fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream })
    }

    /// Connects and logs in to the connection `shop` as account `app`.
    pub fn login(port: u16, token: &str) -> Result<Self> {
        Self::login_with(port, token, &[("user", "app"), ("database", "shop")])
    }

    /// Connects and logs in with these startup parameters.
    pub fn login_with(port: u16, token: &str, parameters: &[(&str, &str)]) -> Result<Self> {
        let mut wire = Self::connect(port)?;
        wire.startup(VERSION_3_0, parameters)?;
        wire.password(token)?;
        let answers = wire.until_ready()?;
        if let Some(error) = answers.iter().find(|message| message.tag == 'E') {
            bail!("refused: {:?}", error.fields());
        }
        Ok(wire)
    }

    /// Sends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes)?;
        Ok(())
    }

    /// Sends the startup message.
    pub fn startup(&mut self, version: u32, parameters: &[(&str, &str)]) -> Result<()> {
        let mut body = version.to_be_bytes().to_vec();
        for (name, value) in parameters {
            body.extend(text(name));
            body.extend(text(value));
        }
        body.push(0);
        let packet = framed(&body)?;
        self.raw(&packet)
    }

    /// Answers the request for a cleartext password.
    pub fn password(&mut self, token: &str) -> Result<()> {
        let asked = self
            .read()?
            .context("the server closed instead of asking for a password")?;
        if asked.tag != 'R' || asked.body != [0, 0, 0, 3] {
            bail!("expected the request for a cleartext password, got {asked:?}");
        }
        self.send('p', &text(token))
    }

    /// Sends one message.
    pub fn send(&mut self, tag: char, body: &[u8]) -> Result<()> {
        let packet = message(tag, body)?;
        self.raw(&packet)
    }

    /// The next message; `None` when the server has closed.
    pub fn read(&mut self) -> Result<Option<Message>> {
        Message::read(&mut self.stream)
    }

    /// Everything up to and with `ReadyForQuery`, or to the end of the connection.
    pub fn until_ready(&mut self) -> Result<Vec<Message>> {
        let mut messages = Vec::new();
        while let Some(message) = self.read()? {
            let ready = message.tag == 'Z';
            messages.push(message);
            if ready {
                break;
            }
        }
        Ok(messages)
    }

    /// Runs a statement with one text bound by the extended protocol, and gives what is answered.
    pub fn run_bound(&mut self, sql: &str, value: &str) -> Result<Vec<Message>> {
        let steps = [parse("", sql)?, bind_text(value)?, execute()?, sync()?];
        self.raw(&steps.concat())?;
        self.until_ready()
    }

    /// Runs a simple query and gives everything up to `ReadyForQuery`.
    pub fn query(&mut self, sql: &str) -> Result<Vec<Message>> {
        self.send('Q', &text(sql))?;
        self.until_ready()
    }
}

/// A text with its ending zero.
#[must_use]
pub fn text(value: &str) -> Vec<u8> {
    let mut bytes = value.as_bytes().to_vec();
    bytes.push(0);
    bytes
}

/// A message with its type and length.
pub fn message(tag: char, body: &[u8]) -> Result<Vec<u8>> {
    let mut packet = vec![u8::try_from(tag)?];
    packet.extend(framed(body)?);
    Ok(packet)
}

fn framed(body: &[u8]) -> Result<Vec<u8>> {
    let mut packet = u32::try_from(body.len() + 4)?.to_be_bytes().to_vec();
    packet.extend_from_slice(body);
    Ok(packet)
}

/// A simple query.
pub fn query(sql: &str) -> Result<Vec<u8>> {
    message('Q', &text(sql))
}

/// `Parse` of an unnamed or named statement.
pub fn parse(name: &str, sql: &str) -> Result<Vec<u8>> {
    let mut body = text(name);
    body.extend(text(sql));
    body.extend([0, 0]);
    message('P', &body)
}

/// `Bind` of a statement without parameters to the unnamed portal, with text results.
pub fn bind(statement: &str) -> Result<Vec<u8>> {
    let mut body = text("");
    body.extend(text(statement));
    body.extend([0, 0, 0, 0, 0, 0]);
    message('B', &body)
}

/// `Bind` of one text to the unnamed statement, in the unnamed portal, with text results.
fn bind_text(value: &str) -> Result<Vec<u8>> {
    let mut body = [text(""), text("")].concat();
    body.extend([0, 0, 0, 1]);
    body.extend(u32::try_from(value.len())?.to_be_bytes());
    body.extend(value.bytes());
    body.extend([0, 0]);
    message('B', &body)
}

/// `Execute` of the unnamed portal, all rows.
pub fn execute() -> Result<Vec<u8>> {
    let mut body = text("");
    body.extend([0, 0, 0, 0]);
    message('E', &body)
}

/// `Sync`.
pub fn sync() -> Result<Vec<u8>> {
    message('S', &[])
}

/// The SQLSTATEs of the errors among messages, in order.
#[must_use]
pub fn sqlstates(messages: &[Message]) -> Vec<String> {
    let errors = messages.iter().filter(|message| message.tag == 'E');
    errors.map(Message::sqlstate).collect()
}

/// The types of messages, in order, as one text.
#[must_use]
pub fn tags(messages: &[Message]) -> String {
    messages.iter().map(|message| message.tag).collect()
}
