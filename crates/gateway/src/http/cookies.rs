//! Cookies on their way: the gateway's own stay here, the target's stay with their connection.

use super::login::is_own_cookie;
use super::route::By;
use http::header::{self, HeaderMap};

/// The cookies of a request, each with its name.
pub fn pairs(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::COOKIE).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .map(str::trim)
}

/// The cookies of a request that are the target's.
#[must_use]
pub fn of_target(headers: &HeaderMap) -> Option<String> {
    let theirs: Vec<&str> = pairs(headers)
        .filter(|pair| !pair.is_empty() && !is_own_cookie(name_of(pair)))
        .collect();
    (!theirs.is_empty()).then(|| theirs.join("; "))
}

fn name_of(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name).trim()
}

/// The same cookies without one.
#[must_use]
pub fn without(cookies: &str, name: &str) -> String {
    let pairs = cookies.split("; ").filter(|pair| name_of(pair) != name);
    pairs.collect::<Vec<_>>().join("; ")
}

/// A cookie that the target sets, as the caller gets it: for this connection alone. `None` for one with a name of the
/// gateway's own.
#[must_use]
pub fn as_set(line: &str, by: &By, base: &str) -> Option<String> {
    let mut parts = line.split(';');
    let pair = parts.next()?.trim();
    if is_own_cookie(name_of(pair)) {
        return None;
    }
    let mut out = String::from(pair);
    let mut path = None;
    for part in parts.map(str::trim) {
        let name = name_of(part).to_ascii_lowercase();
        match name.as_str() {
            // The target's name is not the gateway's.
            "domain" | "" => {}
            "path" => path = part.split_once('=').map(|(_, path)| path.trim()),
            _ => {
                out.push_str("; ");
                out.push_str(part);
            }
        }
    }
    let path = path.filter(|path| path.starts_with('/'));
    // As the caller sees it: without the base, and without a prefix that the target has put there itself.
    let path = path.map(|path| below(below(path, base), by.prefix()));
    match by {
        By::Host => {
            if let Some(path) = path {
                out.push_str("; Path=");
                out.push_str(path);
            }
        }
        By::Path(prefix) => {
            // With a path, what makes a name begin with __Host- cannot hold.
            if pair.starts_with("__Host-") {
                return None;
            }
            out.push_str("; Path=");
            out.push_str(prefix);
            out.push_str(path.unwrap_or("/"));
        }
    }
    Some(out)
}

/// What of a path is below another one; all of it where it is not.
fn below<'p>(path: &'p str, base: &str) -> &'p str {
    match path.strip_prefix(base) {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

/// Whether a line sets the cookie of this name.
#[must_use]
pub fn sets(line: &str, name: &str) -> bool {
    line.split(';')
        .next()
        .is_some_and(|pair| name_of(pair).trim() == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn targets_see_their_own_cookies_only() {
        let mut headers = HeaderMap::new();
        for line in [
            "a=1; __Host-sluice-site=secret; b=2",
            "d=0; sluice_x=3;c = 4;",
        ] {
            headers.append(header::COOKIE, HeaderValue::from_static(line));
        }
        assert_eq!(of_target(&headers).as_deref(), Some("a=1; b=2; d=0; c = 4"));
        assert_eq!(without("a=1; b=2; c=3", "b"), "a=1; c=3");
    }

    #[test]
    fn cookies_of_targets_stay_with_their_connection() {
        let path = By::Path("/c/reports".to_owned());
        for (line, by, expected) in [
            ("a=1", &By::Host, Some("a=1")),
            (
                "a=1; Domain=x.test; Path=/y; Secure",
                &By::Host,
                Some("a=1; Secure; Path=/y"),
            ),
            (
                "a=1; Path=/y; HttpOnly",
                &path,
                Some("a=1; HttpOnly; Path=/c/reports/y"),
            ),
            ("a=1", &path, Some("a=1; Path=/c/reports/")),
            ("__Host-a=1; Path=/; Secure", &path, None),
            ("__Host-sluice-site=1; Path=/", &By::Host, None),
            ("Sluice-x=1", &By::Host, None),
        ] {
            assert_eq!(as_set(line, by, "").as_deref(), expected, "{line}");
        }
        for (line, by, expected) in [
            ("a=1; Path=/base", &By::Host, "a=1; Path=/"),
            ("a=1; Path=/base/x", &By::Host, "a=1; Path=/x"),
            ("a=1; Path=/basement", &By::Host, "a=1; Path=/basement"),
            ("a=1; Path=/base/x", &path, "a=1; Path=/c/reports/x"),
            ("a=1; Path=/c/reports/x", &path, "a=1; Path=/c/reports/x"),
        ] {
            assert_eq!(
                as_set(line, by, "/base").as_deref(),
                Some(expected),
                "{line}"
            );
        }
        assert!(sets("sid=1; Path=/", "sid") && !sets("side=1", "sid"));
    }
}
