//! E-mail: plain text and HTML of the same words, with a link that names its recipient. Where the administrator asked for
//! TLS, nothing is said before it.

use super::declared::{Email, Notifier, SmtpTls};
use super::http::secret;
use super::message::{capped, moment};
use super::outbox::Delivery;
use super::send::{Context, Failure, Sent};
use super::templates::details;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};
use maud::{DOCTYPE, html};
use std::time::{Duration, SystemTime};

/// How long the server may take for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a whole conversation may take: servers that check mail while it comes in are slow.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest operation that is shown, in characters: what nobody reads in mail, they read in the console.
const MAX_OPERATION: usize = 16_000;

/// Tells other machines that they need not answer (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// `host:port` in two.
pub(crate) fn host_and_port(smtp: &str) -> Option<(&str, u16)> {
    let (host, port) = smtp.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let good = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
    (!bare.is_empty() && bare.chars().all(good)).then_some((bare, port))
}

/// Whether a text is an address that can be written to, and nothing besides.
pub(crate) fn is_address(text: &str) -> bool {
    text.is_ascii() && text.parse::<Address>().is_ok()
}

pub(crate) async fn send(
    notifier: &Notifier,
    email: &Email,
    delivery: &Delivery,
    context: &Context,
) -> Result<Sent, Failure> {
    let mail = mail(notifier, email, delivery, context)?;
    let transport = transport(notifier, email, context)?;
    let sent = tokio::time::timeout(TOTAL_TIMEOUT, transport.send(mail)).await;
    let sent = sent.map_err(|_| Failure::new("the mail server took too long".to_owned()))?;
    sent.map(|_| Sent::default())
        .map_err(|e| Failure::new(in_words(&e)))
}

/// What went wrong, without what the server said: it repeats addresses.
fn in_words(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("the mail server answered {code}"),
        None if error.is_timeout() => "the mail server took too long".to_owned(),
        None if error.is_tls() => {
            "the mail server's certificate or its TLS cannot be used".to_owned()
        }
        None if error.is_client() => {
            "the mail server does not offer what is needed: STARTTLS, or a way to sign in"
                .to_owned()
        }
        None => "the mail server cannot be reached, or does not speak SMTP".to_owned(),
    }
}

fn transport(
    notifier: &Notifier,
    email: &Email,
    context: &Context,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, Failure> {
    let wrong = || Failure::new("the address of the mail server is not host:port".to_owned());
    let (host, port) = host_and_port(&email.smtp).ok_or_else(wrong)?;
    let tls = match email.tls {
        SmtpTls::NoneOnLoopback => Tls::None,
        SmtpTls::Starttls => Tls::Required(parameters(notifier, host)?),
        SmtpTls::Implicit => Tls::Wrapper(parameters(notifier, host)?),
    };
    let own = context.public_url.trim_start_matches("https://");
    let own = own.split(':').next().unwrap_or("localhost").to_owned();
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(port)
        .tls(tls)
        .timeout(Some(ANSWER_TIMEOUT))
        .hello_name(ClientId::Domain(own));
    if let (Some(user), Some(password)) = (&email.username, &email.password) {
        let password = secret("the password", password)?;
        builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
    }
    Ok(builder.build())
}

fn parameters(notifier: &Notifier, host: &str) -> Result<TlsParameters, Failure> {
    let unusable = || Failure::new("the ca_file cannot be read".to_owned());
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = &notifier.ca_file {
        let pem = std::fs::read(path).map_err(|_| unusable())?;
        let authority = Certificate::from_pem(&pem).map_err(|_| unusable())?;
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(authority);
    }
    builder.build().map_err(|_| unusable())
}

fn mail(
    notifier: &Notifier,
    email: &Email,
    delivery: &Delivery,
    context: &Context,
) -> Result<Mail, Failure> {
    let unusable = |what: &str| Failure::new(format!("{what} is no address"));
    let address = |text: &str| text.parse::<Address>().map(|a| Mailbox::new(None, a));
    let from = address(&email.from).map_err(|_| unusable("from"))?;
    let recipient = delivery.recipient.as_deref().unwrap_or_default();
    let to = address(recipient).map_err(|_| unusable("the recipient"))?;
    let domain = from.email.domain().to_owned();
    let message = &delivery.message;
    let sent = u64::try_from(message.at.millis()).unwrap_or(0);
    let mut builder = Mail::builder()
        .from(from)
        .to(to)
        .subject(message.title())
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(sent))
        .message_id(Some(format!("<{}.sluice@{domain}>", delivery.id())))
        .header(AutoSubmitted);
    if let Some((_, request)) = message.request() {
        // All mail about one request stands together.
        builder = builder.references(format!("<{}.sluice@{domain}>", request.id));
    }
    let (text, html) = bodies(notifier, delivery, context);
    let body = MultiPart::alternative_plain_html(text, html);
    builder
        .multipart(body)
        .map_err(|_| Failure::new("the mail cannot be written".to_owned()))
}

/// The words, as text and as HTML.
fn bodies(notifier: &Notifier, delivery: &Delivery, context: &Context) -> (String, String) {
    let message = &delivery.message;
    let operation = message.operation(notifier.details);
    let operation = operation.map(|operation| capped(&operation, MAX_OPERATION));
    let mut url = context.request_url(message);
    let open = message.request().filter(|(step, _)| step.is_open());
    let note = match (&context.link, open) {
        (Some(link), Some((_, request))) => {
            url = format!("{url}?link={}", link.expose());
            format!(
                "The link is for you alone, opens once and ends {}. You have to be signed in; opening it decides nothing.",
                moment(request.expires)
            )
        }
        (None, Some(_)) => "You have to be signed in; opening the link decides nothing.".to_owned(),
        (_, None) => String::new(),
    };
    let shown = operation.clone().unwrap_or_default();
    let text = format!(
        "{}\n\n{}\n\n{shown}\n\n{url}\n{note}\n",
        message.title(),
        details(message)
    );
    let html = html! {
        (DOCTYPE)
        html {
            body {
                h3 { (message.title()) }
                table {
                    @for (name, value) in message.facts() {
                        tr { th align="left" { (name) } td { (value) } }
                    }
                }
                @if let Some(operation) = &operation { pre { (operation) } }
                p { a href=(url) { "Open in the console" } }
                p { (note) }
            }
        }
    };
    (text, html.into_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_and_addresses_are_what_they_look_like() {
        for (text, expected) in [
            ("mail.example.com:587", Some(("mail.example.com", 587))),
            ("[::1]:25", Some(("::1", 25))),
            ("127.0.0.1:25", Some(("127.0.0.1", 25))),
            ("mail.example.com", None),
            ("mail.example.com:0", None),
            ("mail example:25", None),
            (":25", None),
        ] {
            assert_eq!(host_and_port(text), expected, "{text}");
        }
        for (text, good) in [
            ("bob@example.com", true),
            ("bob@example.com\r\nBcc: x@example.com", false),
            ("Bob <bob@example.com>", false),
            ("bob", false),
            ("b\u{f6}b@example.com", false),
            ("bob@example.com, eve@example.com", false),
        ] {
            assert_eq!(is_address(text), good, "{text:?}");
        }
    }
}
