//! `sluice replay`: what happened in a session, as its caller saw it.

use crate::commands::explain::decision;
use crate::commands::har::Har;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Output, Tone, clock, inert, moment, names, one_line};
use clap::Args;
use sluice_model::{Event, EventBody, Outcome, RecordedValue, SessionId, Side};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The longest line of an answer that is buffered: one event, which the record bounds far lower.
const MAX_LINE_BYTES: usize = 64 << 20;

/// Blanks below the time and the number of an operation.
const INDENT: &str = "              ";

/// `sluice replay s-...`.
#[derive(Debug, Args)]
pub struct Replay {
    /// The session's id, as in `sessions`
    id: SessionId,
    /// Read the record in this data directory, without a gateway
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    data_dir: Option<PathBuf>,
    /// Write requests and answers to this file as an HTTP archive (HAR) instead of printing them
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    har: Option<PathBuf>,
}

impl Replay {
    /// Prints it from beginning to end. Asking the gateway is recorded; reading the files is not, which is
    /// why they are for the gateway's own user alone.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let mut reader = match self.har {
            None => Reader::Transcript(Transcript::new(context.out)),
            Some(_) => Reader::Archive(Har::default()),
        };
        match &self.data_dir {
            Some(data_dir) => offline(data_dir, &self.id, &mut reader).await?,
            None => live(context, &self.id, &mut reader).await?,
        }
        match (reader, self.har) {
            (Reader::Archive(har), Some(file)) => write(&file, &har.finish()),
            _ => Ok(()),
        }
    }
}

fn write(file: &Path, archive: &serde_json::Value) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(archive)
        .map_err(|error| Failure::failed(format!("the archive cannot be written: {error}")))?;
    std::fs::write(file, text)
        .map_err(|error| Failure::failed(format!("cannot write {}: {error}", file.display())))
}

/// What becomes of the events.
enum Reader {
    Transcript(Transcript),
    Archive(Har),
}

impl Reader {
    /// One line of JSON.
    fn line(&mut self, line: &[u8]) -> Result<(), Failure> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let event = serde_json::from_slice(line).map_err(|error| {
            Failure::failed(format!("the gateway sent an event that is none: {error}"))
        })?;
        self.show(&event)
    }

    fn show(&mut self, event: &Event) -> Result<(), Failure> {
        match self {
            Self::Transcript(transcript) => transcript.show(event),
            Self::Archive(har) => {
                har.add(event);
                Ok(())
            }
        }
    }
}

async fn offline(data_dir: &Path, id: &SessionId, reader: &mut Reader) -> Result<(), Failure> {
    let (records, ..) = sluice_control::records_of(data_dir)
        .await
        .map_err(|error| Failure::usage(error.to_string()))?;
    let unreadable = |error: sluice_record::RecordError| {
        Failure::failed(error.to_string())
            .hint("`sluice audit verify` says what is wrong with the records")
    };
    for event in sluice_record::replay(&records, id).map_err(unreadable)? {
        reader.show(&event.map_err(unreadable)?)?;
    }
    Ok(())
}

async fn live(context: &Context, id: &SessionId, reader: &mut Reader) -> Result<(), Failure> {
    let client = context.gateway()?.client()?;
    let path = format!("/v1/sessions/{id}/replay");
    let mut response = client
        .send(reqwest::Method::GET, &path, None::<&()>)
        .await?;
    let mut pending = Vec::new();
    while let Some(chunk) = client.next_chunk(&mut response).await? {
        pending.extend_from_slice(&chunk);
        let whole = pending
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        for line in pending
            .drain(..whole)
            .collect::<Vec<u8>>()
            .split(|byte| *byte == b'\n')
        {
            reader.line(line)?;
        }
        if pending.len() > MAX_LINE_BYTES {
            return Err(Failure::failed(
                "the gateway sent an event that is too large",
            ));
        }
    }
    reader.line(&pending)
}

/// Turns events into text, one after the other.
struct Transcript {
    out: Output,
    /// Column names of the operation whose rows come now; only its first part has them.
    columns: (u64, Vec<String>),
}

impl Transcript {
    fn new(out: Output) -> Self {
        Self {
            out,
            columns: (0, Vec::new()),
        }
    }

    fn show(&mut self, event: &Event) -> Result<(), Failure> {
        if self.out.json {
            return self.out.json_line(event);
        }
        let text = self.text(event);
        self.out.text(&text)
    }

    fn text(&mut self, event: &Event) -> String {
        let at = clock(event.at);
        match &event.body {
            EventBody::SessionOpened { .. } => opening(self.out, event),
            EventBody::Asked { .. } => asked(self.out, &at, &event.body),
            EventBody::Prepared { text } => format!("\n{at}  prepared, not run: {}", below(text)),
            EventBody::EstimateAsked { text, .. } => estimate_asked(&at, text),
            EventBody::EstimateAnswered { rows } => estimate_answered(*rows),
            EventBody::Held { op, approval, .. } => {
                let waits = self.out.tone(Tone::Waiting, "waits for approval");
                format!("{at}  #{op} {waits} {approval}")
            }
            EventBody::HoldEnded {
                op,
                approval,
                how,
                by,
                reason,
            } => {
                let by: Vec<String> = by.iter().map(ToString::to_string).collect();
                let people = if by.is_empty() {
                    String::new()
                } else {
                    format!(" by {}", names(&by))
                };
                let why = reason.as_deref().map(|why| format!(": {}", one_line(why)));
                let why = why.unwrap_or_default();
                format!("{at}  #{op} {approval} {}{people}{why}", inert(how))
            }
            EventBody::Rows {
                op,
                columns,
                rows,
                capped,
            } => self.rows(*op, columns, rows, *capped),
            EventBody::Head {
                op,
                side,
                line,
                fields,
            } => head(*op, *side, line, fields),
            EventBody::Part {
                side,
                content,
                capped,
                ..
            } => part(*side, content, *capped),
            EventBody::Answered { .. } => answer(self.out, &at, &event.body),
            EventBody::SessionClosed { why } => format!("\n{at}  session closed: {}", inert(why)),
            EventBody::Admin(act) => format!(
                "{at}  {} {} {} {}",
                inert(&act.actor.to_string()),
                inert(&act.act),
                inert(&act.subject),
                one_line(&act.detail)
            ),
            EventBody::Gap { why } => {
                format!(
                    "{at}  {} {}",
                    self.out.tone(Tone::Bad, "something may be missing here:"),
                    inert(why)
                )
            }
        }
    }

    fn rows(
        &mut self,
        op: u64,
        columns: &[String],
        rows: &[Vec<RecordedValue>],
        capped: bool,
    ) -> String {
        if !columns.is_empty() {
            self.columns = (op, columns.to_vec());
        }
        let header: Vec<String> = match &self.columns {
            (of, names) if *of == op => names.iter().map(|name| one_line(name)).collect(),
            _ => Vec::new(),
        };
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let cells = rows
            .iter()
            .map(|row| row.iter().map(value).collect())
            .collect();
        let table = self.out.table(&header, cells, "");
        let mut text = String::new();
        for line in table.lines() {
            let _ = writeln!(text, "{INDENT}{line}");
        }
        if capped {
            let _ = writeln!(text, "{INDENT}… more rows followed that are not kept");
        }
        text
    }
}

/// An operation with what it brought and what was decided.
fn asked(out: Output, at: &str, body: &EventBody) -> String {
    let EventBody::Asked {
        op,
        text,
        parameters,
        accesses: _,
        decision: decided,
        approval,
    } = body
    else {
        return String::new();
    };
    let number = out.tone(Tone::Strong, &format!("#{op}"));
    let mut shown = format!("\n{at}  {number} {}", below(text));
    for (number, parameter) in (1..).zip(parameters) {
        let _ = write!(shown, "\n{INDENT}${number} = {}", value(parameter));
    }
    let _ = write!(shown, "\n{INDENT}{}", decision(out, decided));
    if let Some(approval) = approval {
        let _ = write!(shown, ", under {approval}");
    }
    shown
}

/// A statement whose further lines stand below its first one.
fn below(text: &str) -> String {
    inert(text.trim()).replace('\n', &format!("\n{INDENT}"))
}

fn arrow(side: Side) -> char {
    match side {
        Side::Caller => '>',
        Side::Target => '<',
    }
}

/// What a message begins with.
fn head(op: u64, side: Side, line: &str, fields: &[(String, String)]) -> String {
    let arrow = arrow(side);
    let mut text = match side {
        Side::Caller => format!("\n{INDENT}#{op} {arrow} {}", one_line(line)),
        Side::Target => format!("{INDENT}#{op} {arrow} {}", one_line(line)),
    };
    for (name, value) in fields {
        let _ = write!(
            text,
            "\n{INDENT}{arrow} {}: {}",
            one_line(name),
            one_line(value)
        );
    }
    text
}

/// A part of what a message holds.
fn part(side: Side, content: &RecordedValue, capped: bool) -> String {
    let arrow = arrow(side);
    let shown = match content {
        RecordedValue::Text(text) => {
            let lines = text
                .lines()
                .map(|line| format!("{INDENT}{arrow}   {}", one_line(line)));
            lines.collect::<Vec<_>>().join("\n")
        }
        other => format!("{INDENT}{arrow}   {}", value(other)),
    };
    match capped {
        true => format!("{shown}\n{INDENT}{arrow}   (more is not kept)"),
        false => shown,
    }
}

fn estimate_asked(at: &str, text: &str) -> String {
    format!("\n{at}  planned for an estimate, not run: {}", below(text))
}

fn estimate_answered(rows: Option<i64>) -> String {
    match rows {
        Some(rows) => format!("{INDENT}about {rows} rows"),
        None => format!("{INDENT}no estimate"),
    }
}

fn opening(out: Output, event: &Event) -> String {
    let EventBody::SessionOpened {
        session,
        principal,
        owner,
        groups,
        token,
        connection,
        protocol,
        account,
        database,
        client_address,
        application,
        reason,
        break_glass,
        policies,
        workload,
    } = &event.body
    else {
        return String::new();
    };
    let mut text = out.tone(Tone::Strong, session.as_str());
    let mut line = |name: &str, shown: String| {
        if !shown.is_empty() {
            let _ = write!(text, "\n{name:<12}{shown}");
        }
    };
    line("opened", moment(event.at));
    line("who", inert(&principal.to_string()).into_owned());
    let owner = owner.as_ref().map(ToString::to_string);
    line("owner", inert(&owner.unwrap_or_default()).into_owned());
    line("groups", names(groups));
    let workload = workload
        .as_ref()
        .map(|w| format!("{} of {}", inert(&w.subject), inert(&w.issuer)));
    line("workload", workload.unwrap_or_default());
    line(
        "token",
        token.as_ref().map(ToString::to_string).unwrap_or_default(),
    );
    line(
        "connection",
        format!("{} ({})", inert(connection), inert(protocol)),
    );
    line("account", inert(account).into_owned());
    line("database", inert(database).into_owned());
    line("from", inert(client_address).into_owned());
    line(
        "client",
        application.as_deref().map(one_line).unwrap_or_default(),
    );
    line(
        "reason",
        reason.as_deref().map(one_line).unwrap_or_default(),
    );
    if *break_glass {
        line("emergency", "access was asked for".to_owned());
    }
    line("allowed by", names(policies));
    text
}

fn answer(out: Output, at: &str, body: &EventBody) -> String {
    let EventBody::Answered {
        op,
        outcome,
        rows,
        bytes,
        masked,
        micros,
    } = body
    else {
        return String::new();
    };
    let how = match outcome {
        Outcome::Done(words) => out.tone(Tone::Good, &inert(words)),
        Outcome::Failed(code) => {
            out.tone(Tone::Bad, &format!("failed at the target: {}", inert(code)))
        }
        Outcome::Cut(why) => out.tone(Tone::Bad, &format!("cut: {}", inert(why))),
    };
    // What never reached the target has no numbers.
    if matches!(outcome, Outcome::Cut(_)) && (*rows, *bytes, *micros) == (0, 0, 0) {
        return format!("{at}  #{op} {how}");
    }
    // What has no rows is told by its bytes.
    let rows = match (rows, bytes) {
        (0, 1..) => String::new(),
        _ => format!(", {rows} rows"),
    };
    let mut text = format!("{at}  #{op} {how}{rows}, {bytes} bytes, {}", spent(*micros));
    let masks: Vec<String> = masked
        .iter()
        .map(|column| match &column.class {
            Some(class) => format!("{} ({class})", column.name),
            None => format!("{} (derived or of unknown origin)", column.name),
        })
        .collect();
    if !masks.is_empty() {
        let _ = write!(text, "\n{INDENT}masked: {}", names(&masks));
    }
    text
}

fn value(value: &RecordedValue) -> String {
    match value {
        RecordedValue::Null => "NULL".to_owned(),
        RecordedValue::Text(text) => one_line(text),
        RecordedValue::Bytes(size) => format!("({size} bytes)"),
    }
}

/// Microseconds in the unit that reads best.
fn spent(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        _ => format!("{} s", micros / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_model::{Allowed, ApprovalId, Decision, MaskedColumn, PrincipalId, Timestamp};

    fn events() -> Vec<EventBody> {
        let approval = ApprovalId::from_bits(9);
        vec![
            EventBody::SessionOpened {
                session: SessionId::from_bits(5),
                principal: PrincipalId::user("ada"),
                groups: ["engineering".to_owned()].into(),
                owner: None,
                token: None,
                workload: None,
                connection: "shop".into(),
                protocol: "p".into(),
                account: "app".into(),
                database: "shop".into(),
                client_address: "127.0.0.1".into(),
                application: Some("evil\x1b]0;x\x07".into()),
                reason: None,
                break_glass: false,
                policies: vec!["eng-connects".into()],
            },
            EventBody::Held {
                op: 1,
                approval: approval.clone(),
                digest: String::new(),
            },
            EventBody::HoldEnded {
                op: 1,
                approval: approval.clone(),
                how: "approved".into(),
                by: vec![PrincipalId::user("bob")],
                reason: None,
            },
            EventBody::Asked {
                op: 1,
                text: "SELECT ssn,\n name FROM c WHERE id = $1".into(),
                parameters: vec![RecordedValue::Text("4\x1b[2J".into()), RecordedValue::Null],
                accesses: Vec::new(),
                decision: Decision::Allow(Allowed {
                    policies: vec!["eng-reads".into()],
                }),
                approval: Some(approval),
            },
            EventBody::Rows {
                op: 1,
                columns: vec!["ssn".into(), "name".into()],
                rows: vec![vec![
                    RecordedValue::Text("***-**-6789".into()),
                    RecordedValue::Bytes(7),
                ]],
                capped: true,
            },
            EventBody::Answered {
                op: 1,
                outcome: Outcome::Done("SELECT 1".into()),
                rows: 1,
                bytes: 40,
                masked: vec![MaskedColumn {
                    name: "ssn".into(),
                    class: Some("ssn".into()),
                }],
                micros: 1_234,
            },
            EventBody::Gap {
                why: "crash".into(),
            },
            EventBody::SessionClosed {
                why: "the client left".into(),
            },
        ]
    }

    #[test]
    fn a_transcript_tells_all_and_steers_no_terminal() {
        let mut transcript = Transcript::new(Output::plain());
        let text: Vec<String> = events()
            .into_iter()
            .map(|body| {
                transcript.text(&Event {
                    at: Timestamp(1_763_905_870_042_000),
                    body,
                })
            })
            .collect();
        let text = text.join("\n");
        for part in [
            "who         user:ada",
            "client      evil\\x1b]0;x\\x07",
            "13:51:10.042  #1 waits for approval a-",
            "approved by user:bob",
            "#1 SELECT ssn,\n               name FROM c WHERE id = $1",
            "$1 = 4\\x1b[2J",
            "$2 = NULL",
            "allow by eng-reads, under a-",
            "ssn          name",
            "***-**-6789  (7 bytes)",
            "more rows followed",
            "#1 SELECT 1, 1 rows, 40 bytes, 1.2 ms",
            "masked: ssn (ssn)",
            "something may be missing here: crash",
            "session closed: the client left",
        ] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
        assert!(!text.contains(['\x1b', '\x07']));
    }

    #[test]
    fn times_read_well() {
        for (micros, expected) in [
            (0, "0 µs"),
            (999, "999 µs"),
            (1_000, "1.0 ms"),
            (1_250_400, "1250.4 ms"),
            (12_000_000, "12 s"),
        ] {
            assert_eq!(spent(micros), expected);
        }
    }
}
