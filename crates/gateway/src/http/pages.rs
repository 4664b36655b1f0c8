//! The few pages that people see in place of a target's: why not, and please wait.

use super::refusal::{Refusal, Waits};
use std::fmt::Write as _;

/// Nothing but what is in the page itself.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; connect-src 'self'; \
     base-uri 'none'; frame-ancestors 'none'; script-src 'sha256-nu8IWl5aVQmz/yi31MMOyU5ZarW33O1SbCi3orI0ffc='";

/// Asks until somebody has decided, then sends again what waits: the form, or the question for the page.
const AGAIN: &str = "const s=document.body.dataset.state,t=setInterval(async()=>{try{const r=await fetch(s,{headers:{\
     accept:\"application/json\"}}),a=await r.json();if(a.state===\"pending\")return;clearInterval(t);\
     if(a.state!==\"approved\"){document.querySelector(\"h1\").textContent=\"Not allowed: \"+a.state;\
     return}const f=document.forms[0];f?HTMLFormElement.prototype.submit.call(f):location.reload()}\
     catch(e){}},2000)";

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:34em;margin:12vh auto;padding:0 1em;\
     color:#1a1a1a;background:#fff}h1{font-size:1.25em}code{background:#eee;padding:.1em .3em}\
     @media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}code{background:#333}}";

/// Text as HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn page(title: &str, body: &str) -> String {
    page_with(title, "", "", body)
}

fn page_with(title: &str, head: &str, attributes: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style>{head}</head>\
         <body{attributes}><h1>{title}</h1>{body}</body></html>\n"
    )
}

/// Why something does not happen.
#[must_use]
pub fn refused(refusal: &Refusal) -> String {
    let mut body = format!("<p>{}</p>", escaped(&refusal.message));
    if let Some(next) = refusal.next() {
        let _ = write!(body, "<p>{}</p>", escaped(next));
    }
    let title = match refusal.status.as_u16() {
        403 => "Not allowed",
        404 => "Not found",
        502..=504 => "The service cannot be reached",
        _ => "This did not work",
    };
    page(title, &body)
}

/// Please wait. The page goes on by itself: by looking again or, for a form, by sending it again. `text/html` that no
/// script runs in is reloaded.
#[must_use]
pub fn waiting(waits: &Waits, what: &str, form: Option<&[(String, String)]>) -> String {
    let mut body = format!(
        "<p>Somebody has to agree to this first. The page goes on by itself as soon as they do.</p>\
         <p><code>{}</code></p><p>Request <code>{}</code></p>",
        escaped(what),
        waits.id
    );
    let head = match form {
        None => "<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>",
        Some(_) => "",
    };
    if let Some(fields) = form {
        body.push_str("<form method=\"post\">");
        for (name, value) in fields {
            let (name, value) = (escaped(name), escaped(value));
            let _ = write!(
                body,
                "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"
            );
        }
        body.push_str("<noscript><button>Ask again</button></noscript></form>");
    }
    let _ = write!(body, "<script>{AGAIN}</script>");
    page_with(
        "Waiting for approval",
        head,
        &format!(" data-state=\"{}\"", escaped(&waits.state)),
        &body,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::digest::{SHA256, digest};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn the_policy_lets_the_pages_own_script_run_and_no_other() {
        let hash = digest(&SHA256, AGAIN.as_bytes());
        let hash = STANDARD.encode(hash);
        assert!(
            CONTENT_SECURITY_POLICY.contains(&format!("'sha256-{hash}'")),
            "{hash}"
        );
    }

    #[test]
    fn what_a_page_shows_is_text() {
        let waits = Waits {
            id: "a-7k3m9q2x4c".parse().unwrap(),
            state: String::new(),
            decide: String::new(),
        };
        let form = vec![("a\"><script>".to_owned(), "<b>".to_owned())];
        let html = waiting(&waits, "POST /<script>", Some(&form));
        assert_eq!(html.matches("<script>").count(), 1, "{html}");
        assert!(!html.contains("<b>"));
    }
}
