//! Addresses of servers, and the secrets that people put into them.

use async_nats::ServerAddr;

use super::access::{Identity, Secret};

/// Hides user and password, or token, of an address: for command lines and messages. Works on what is no address too.
#[must_use]
pub fn redact(url: &str) -> String {
    url.split(',')
        .map(|url| {
            let start = url.find("://").map_or(0, |at| at + 3);
            // A password may hold an '@' or a '/' that should have been encoded: the last '@' is the safe one.
            match url[start..].rfind('@') {
                Some(at) => format!("{}***{}", &url[..start], &url[start + at..]),
                None => url.to_owned(),
            }
        })
        .collect::<Vec<_>>()
        .join(",")
}

/// Parts an address into one without secrets and the identity that was in it: the client library would ignore it.
pub(super) fn address(text: &str) -> Result<(String, Option<Identity>), String> {
    let bad = |why: &str| {
        format!("'{}' is no server address ({why}); write one like nats://host:4222 or tls://host:4222", redact(text))
    };
    let parsed: ServerAddr = text.parse().map_err(|error: std::io::Error| bad(&error.to_string()))?;
    let mut url = parsed.into_inner();
    if !matches!(url.scheme(), "nats" | "tls") {
        return Err(bad("websockets are not built in"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(bad("it has no host"));
    }
    let user = decode(url.username()).ok_or_else(|| bad("the user is not UTF-8"))?;
    let password = url.password().map(|password| decode(password).ok_or_else(|| bad("the password is not UTF-8")));
    let identity = match (user, password.transpose()?) {
        (user, None) if user.is_empty() => None,
        (token, None) => Some(Identity::Token(Secret::from(token))),
        (user, Some(password)) => Some(Identity::Password { user, password: Secret::from(password) }),
    };
    if url.set_username("").and_then(|()| url.set_password(None)).is_err() {
        return Err(bad("its user cannot be taken out"));
    }
    Ok((url.to_string(), identity))
}

/// Host, without the brackets of an IPv6 address, and port of an address that was parsed before.
pub(super) fn host_and_port(url: &str) -> Option<(String, u16)> {
    let address: ServerAddr = url.parse().ok()?;
    Some((address.host().to_owned(), address.port()))
}

/// Undoes the percent encoding of an address. A stray '%' stands for itself.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        let code = others.get(..2).filter(|_| first == b'%').and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &others[2..];
            }
            None => {
                bytes.push(first);
                rest = others;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redaction_needs_no_valid_address() {
        let cases = [
            ("nats://a:b@host:1", "nats://***@host:1"),
            ("nats://host:1", "nats://host:1"),
            ("a:b@host", "***@host"),
            ("nats://a:p@ss/w@host", "nats://***@host"),
            ("nats://t@one,nats://two", "nats://***@one,nats://two"),
        ];
        for (url, expected) in cases {
            assert_eq!(redact(url), expected);
        }
    }
}
