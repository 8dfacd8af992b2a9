//! How to reach a server: addresses, identity, TLS; as data that can be sent to a worker and never shows a secret.

use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::address::{address, host_and_port};
use super::via::Via;

/// A secret. It is written to nothing but a worker's standard input.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The secret itself, to hand to the client library and to nobody else.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Who the client says it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// Nobody.
    Anonymous,
    /// A user with a password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token.
    Token(Secret),
    /// A credentials file: a JWT and a seed.
    Credentials(PathBuf),
    /// A file that holds an nkey seed.
    NkeySeed(PathBuf),
}

impl Identity {
    /// For messages: which kind, and which file or user.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::Password { user, .. } => format!("user '{user}' with a password"),
            Self::Token(_) => "a token".to_owned(),
            Self::Credentials(path) => format!("the credentials of {}", path.display()),
            Self::NkeySeed(path) => format!("the nkey of {}", path.display()),
        }
    }
}

/// Files for TLS. With none of them, TLS is still used where the server or a `tls://` address asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// Certificates of the authorities to trust, instead of the system's.
    pub ca: Option<PathBuf>,
    /// The client's certificate and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// What a user gives to name a server, as given.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Addresses, separated by commas; a user and password, or a token, may be in them.
    pub servers: String,
    /// User name.
    pub user: Option<String>,
    /// Password.
    pub password: Option<Secret>,
    /// Token.
    pub token: Option<Secret>,
    /// Credentials file.
    pub creds: Option<PathBuf>,
    /// File with an nkey seed.
    pub nkey: Option<PathBuf>,
    /// Certificates of the authorities to trust.
    pub tls_ca: Option<PathBuf>,
    /// The client's certificate.
    pub tls_cert: Option<PathBuf>,
    /// The key of the client's certificate.
    pub tls_key: Option<PathBuf>,
    /// The JetStream domain, where it is not that of the server connected to.
    pub domain: Option<String>,
}

/// How to reach a server. Valid by construction; its addresses hold no secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    urls: Vec<String>,
    identity: Identity,
    tls: Tls,
    #[serde(default)]
    domain: Option<String>,
    #[serde(default)]
    via: Option<Via>,
}

impl Access {
    /// Anonymous and without TLS: the way to servers that jetlag started itself.
    #[must_use]
    pub fn anonymous(urls: Vec<String>) -> Self {
        Self { urls, identity: Identity::Anonymous, tls: Tls::default(), domain: None, via: None }
    }

    /// Checks what a user gave, and that every named file can be read.
    ///
    /// # Errors
    /// Everything that is wrong with it, a sentence each, without secrets.
    pub fn new(given: Given) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut urls = Vec::new();
        let mut identities = Vec::new();
        for text in given.servers.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            match address(text) {
                Ok((url, identity)) => {
                    urls.push(url);
                    identities.extend(identity.filter(|identity| !identities.contains(identity)));
                }
                Err(problem) => problems.push(problem),
            }
        }
        if urls.is_empty() && problems.is_empty() {
            problems.push("no server address is given; write one like nats://host:4222".to_owned());
        }
        match (given.user, given.password) {
            (Some(user), Some(password)) => identities.push(Identity::Password { user, password }),
            (Some(user), None) => problems.push(format!("user '{user}' is given without a password")),
            (None, Some(_)) => problems.push("a password is given without a user".to_owned()),
            (None, None) => {}
        }
        identities.extend(given.token.map(Identity::Token));
        identities.extend(readable("credentials", given.creds, &mut problems).map(Identity::Credentials));
        identities.extend(readable("nkey", given.nkey, &mut problems).map(Identity::NkeySeed));
        if identities.len() > 1 {
            let all = identities.iter().map(Identity::describe).collect::<Vec<_>>().join(", ");
            problems.push(format!("one identity is needed, but several are given: {all}"));
        }
        let ca = pem("CA", "CERTIFICATE", given.tls_ca, &mut problems);
        let cert = pem("certificate", "CERTIFICATE", given.tls_cert, &mut problems);
        let key = pem("key", "PRIVATE KEY", given.tls_key, &mut problems);
        if problems.is_empty() && cert.is_some() != key.is_some() {
            problems.push("a client certificate and its key are given together or not at all".to_owned());
        }
        if let Some(domain) = given.domain.as_ref().filter(|domain| !is_token(domain)) {
            problems
                .push(format!("'{domain}' is no name of a JetStream domain: one word without spaces, dots, * or >"));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let identity = identities.pop().unwrap_or(Identity::Anonymous);
        Ok(Self { urls, identity, tls: Tls { ca, client: cert.zip(key) }, domain: given.domain, via: None })
    }

    /// The same for a program of the user's own, as variables for its environment: secrets as they were given, and never
    /// in a command line.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, OsString)> {
        let mut variables: Vec<(&'static str, OsString)> = vec![("JETLAG_SERVER", self.redacted_url().into())];
        match &self.identity {
            Identity::Anonymous => {}
            Identity::Password { user, password } => {
                variables.push(("JETLAG_USER", user.into()));
                variables.push(("JETLAG_PASSWORD", password.reveal().into()));
            }
            Identity::Token(token) => variables.push(("JETLAG_TOKEN", token.reveal().into())),
            Identity::Credentials(path) => variables.push(("JETLAG_CREDS", path.into())),
            Identity::NkeySeed(path) => variables.push(("JETLAG_NKEY", path.into())),
        }
        variables.extend(self.domain.iter().map(|domain| ("JETLAG_DOMAIN", domain.into())));
        variables.extend(self.tls.ca.iter().map(|path| ("JETLAG_TLS_CA", path.into())));
        if let Some((certificate, key)) = &self.tls.client {
            variables.push(("JETLAG_TLS_CERT", certificate.into()));
            variables.push(("JETLAG_TLS_KEY", key.into()));
        }
        variables
    }

    /// The same servers, each reached through an address of this machine that passes on all bytes. Which servers there are
    /// else is not asked of them, and a certificate must be that of one of the servers, not of this machine.
    #[must_use]
    pub fn through(&self, addresses: &[SocketAddr]) -> Self {
        Self { via: Some(Via::new(&self.urls, addresses)), ..self.clone() }
    }

    /// The same identity, by the way in which another reaches the same servers.
    #[must_use]
    pub fn as_reached_by(&self, other: &Self) -> Self {
        Self { via: other.via.clone(), ..self.clone() }
    }

    /// The addresses, without secrets: what the client library is given.
    #[must_use]
    pub fn urls(&self) -> &[String] {
        self.via.as_ref().map_or(&self.urls, Via::urls)
    }

    /// What stands between here and the servers, if anything does.
    pub(super) fn via(&self) -> Option<&Via> {
        self.via.as_ref()
    }

    /// Host and port of each server.
    #[must_use]
    pub fn upstreams(&self) -> Vec<String> {
        let parsed = self.urls.iter().filter_map(|url| host_and_port(url));
        parsed
            .map(|(host, port)| if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
            .collect()
    }

    /// Where the one server is that a client without TLS, login and reconnecting can be used for; else why there is none.
    ///
    /// # Errors
    /// A few words that follow "the plain path is for one server on this machine".
    pub fn plain_address(&self) -> Result<SocketAddr, &'static str> {
        let [url] = self.urls.as_slice() else { return Err("there are several servers") };
        if self.via.is_some() {
            return Err("its connection can be cut");
        }
        if self.identity != Identity::Anonymous {
            return Err("there is a login");
        }
        if self.tls != Tls::default() || !url.starts_with("nats://") {
            return Err("there is TLS");
        }
        let Some((host, port)) = host_and_port(url) else { return Err("the address cannot be read") };
        let host = if host == "localhost" { "127.0.0.1".to_owned() } else { host };
        match host.parse::<IpAddr>() {
            Ok(host) if host.is_loopback() => Ok(SocketAddr::new(host, port)),
            _ => Err("the server is on another machine"),
        }
    }

    /// The addresses for people and reports, without secrets.
    #[must_use]
    pub fn redacted_url(&self) -> String {
        self.urls().join(",")
    }

    /// Who the client says it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The JetStream domain, where it is not that of the server connected to.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// What the subjects of JetStream's own requests begin with.
    #[must_use]
    pub fn api_prefix(&self) -> String {
        self.domain.as_ref().map_or_else(|| "$JS.API".to_owned(), |domain| format!("$JS.{domain}.API"))
    }

    /// Files for TLS.
    #[must_use]
    pub fn tls(&self) -> &Tls {
        &self.tls
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as {}", self.redacted_url(), self.identity.describe())
    }
}

/// Whether it can stand between two dots of a subject.
fn is_token(text: &str) -> bool {
    !text.is_empty() && !text.contains(|symbol: char| symbol.is_whitespace() || ".*>".contains(symbol))
}

/// The absolute path of a file that can be read; workers may run in another folder.
fn readable(what: &str, path: Option<PathBuf>, problems: &mut Vec<String>) -> Option<PathBuf> {
    let path = path?;
    let opened = std::fs::File::open(&path).and_then(|file| file.metadata());
    let problem = match opened {
        Ok(metadata) if metadata.is_file() => None,
        Ok(_) => Some("it is no file".to_owned()),
        Err(error) => Some(error.to_string()),
    };
    problems.extend(problem.map(|why| format!("cannot read the {what} file {}: {why}", path.display())));
    Some(std::path::absolute(&path).unwrap_or_else(|_| Path::to_owned(&path)))
}

/// As [`readable`], for a PEM file that must hold a section whose name ends in `section`. The client library would
/// take a file without one for an empty list, and then trust nobody.
fn pem(what: &str, section: &str, path: Option<PathBuf>, problems: &mut Vec<String>) -> Option<PathBuf> {
    let path = readable(what, path, problems)?;
    if let Ok(bytes) = std::fs::read(&path)
        && !String::from_utf8_lossy(&bytes).contains(&format!("{section}-----"))
    {
        problems.push(format!("the {what} file {} holds no {section} section; give a PEM file", path.display()));
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(servers: &str) -> Given {
        Given { servers: servers.to_owned(), ..Given::default() }
    }

    #[test]
    fn secrets_in_addresses_are_taken_out_and_never_shown() {
        let access = Access::new(given("nats://me:s3%40cret@one:4222, nats://me:s3%40cret@two")).expect("valid");
        assert_eq!(access.urls(), ["nats://one:4222", "nats://two"]);
        let password = Secret("s3@cret".to_owned());
        assert_eq!(access.identity(), &Identity::Password { user: "me".to_owned(), password });
        for text in [access.to_string(), format!("{access:?}"), access.redacted_url()] {
            assert!(!text.contains("s3"), "{text}");
        }
        let token = Access::new(given("tls://t0ken@one")).expect("valid");
        assert_eq!(token.identity(), &Identity::Token(Secret("t0ken".to_owned())));
        assert!(!format!("{token:?} {token}").contains("t0ken"));
    }

    #[test]
    fn only_one_open_server_of_this_machine_can_be_spoken_to_plainly() {
        let plain = |servers: &str| Access::new(given(servers)).expect("valid").plain_address();
        assert_eq!(plain("nats://127.0.0.1:4333"), Ok("127.0.0.1:4333".parse().expect("an address")));
        assert_eq!(plain("nats://[::1]"), Ok("[::1]:4222".parse().expect("an address")));
        assert_eq!(plain("nats://localhost"), Ok("127.0.0.1:4222".parse().expect("an address")));
        for other in ["nats://one", "nats://127.0.0.1,nats://127.0.0.1:5", "tls://127.0.0.1", "nats://me:x@127.0.0.1"] {
            assert!(plain(other).is_err(), "{other}");
        }
        let access = Access::new(given("nats://127.0.0.1")).expect("valid");
        let cut = access.through(&["127.0.0.1:1".parse().expect("an address")]);
        assert!(cut.plain_address().is_err());
    }

    #[test]
    fn what_a_worker_is_sent_it_gets() {
        let access = Access::new(given("nats://me:secret@one:4222")).expect("valid");
        let line = serde_json::to_string(&access).expect("it is data");
        assert_eq!(serde_json::from_str::<Access>(&line).expect("the same data"), access);
    }

    #[test]
    fn a_program_finds_in_its_environment_what_was_given_and_no_secret_in_the_address() {
        let variables = |given| Access::new(given).expect("valid").variables();
        assert_eq!(
            variables(given("nats://me:secret@one:4222,nats://two:4222")),
            [
                ("JETLAG_SERVER", "nats://one:4222,nats://two:4222".into()),
                ("JETLAG_USER", "me".into()),
                ("JETLAG_PASSWORD", "secret".into()),
            ]
        );
        let token = Given { token: Some(Secret("hidden".to_owned())), ..given("nats://one:4222") };
        assert_eq!(variables(token)[1], ("JETLAG_TOKEN", "hidden".into()));
    }

    #[test]
    fn every_problem_is_reported_at_once_and_without_the_secret() {
        let problems = Access::new(Given {
            servers: "http://me:secret@host,nats://:hidden@".to_owned(),
            user: Some("me".to_owned()),
            token: Some(Secret("hidden".to_owned())),
            creds: Some("/nonexistent/jetlag.creds".into()),
            tls_ca: Some("/".into()),
            ..Given::default()
        })
        .expect_err("nothing about it is right");
        let text = problems.join("\n");
        for expected in
            ["http://***@host", "without a password", "/nonexistent/jetlag.creds", "cannot read the CA file /"]
        {
            assert!(text.contains(expected), "{expected} is missing in:\n{text}");
        }
        assert!(!text.contains("secret") && !text.contains("hidden"), "{text}");
    }

    #[test]
    fn a_domain_is_one_word_and_goes_into_every_request() {
        let access = Access::new(Given { domain: Some("hub".to_owned()), ..given("nats://one") }).expect("valid");
        assert_eq!(access.api_prefix(), "$JS.hub.API");
        assert_eq!(Access::new(given("nats://one")).expect("valid").api_prefix(), "$JS.API");
        for domain in ["", "a.b", "a b", "*"] {
            let wrong = Given { domain: Some(domain.to_owned()), ..given("nats://one") };
            assert!(Access::new(wrong).expect_err("no token").join("").contains("JetStream domain"), "{domain}");
        }
    }

    #[test]
    fn one_identity_and_whole_pairs() {
        let two = Given { token: Some(Secret("t".to_owned())), ..given("nats://me:secret@one") };
        assert!(Access::new(two).expect_err("two identities").join("").contains("one identity"));
        assert!(Access::new(given("")).expect_err("no address").join("").contains("no server address"));
        assert!(Access::new(given("ws://host")).is_err());
    }

    #[test]
    fn a_file_of_another_kind_is_noticed_early() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, "-----BEGIN RSA PRIVATE KEY-----").expect("a file");
        let swapped = Given { tls_ca: Some(path.clone()), ..given("nats://one") };
        assert!(Access::new(swapped).expect_err("a key is no certificate").join("").contains("no CERTIFICATE section"));
        let half = Given { tls_key: Some(path), ..given("nats://one") };
        assert!(Access::new(half).expect_err("half a pair").join("").contains("together or not at all"));
    }
}
