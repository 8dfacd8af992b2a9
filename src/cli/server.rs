//! The words that name a user's own server and how to get in. Secrets never come as arguments: a process list shows these.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::Args;

use crate::nats::{Access, Given, Secret};
use crate::process::{PASSWORD_VARIABLE, SERVER_VARIABLE, TOKEN_VARIABLE};

/// How to reach your own server.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Your own server")]
pub(super) struct ServerArgs {
    /// Use this server instead of starting one: a URL, or several separated by commas.
    #[arg(long, value_name = "URL", env = SERVER_VARIABLE, hide_env_values = true)]
    server: Option<String>,
    /// User name; the password is read from the environment variable JETLAG_PASSWORD.
    #[arg(long, value_name = "NAME", requires = "server")]
    user: Option<String>,
    /// Log in with the token in the environment variable JETLAG_TOKEN.
    #[arg(long, requires = "server")]
    token: bool,
    /// Credentials file (JWT and nkey seed).
    #[arg(long, value_name = "FILE", requires = "server")]
    creds: Option<PathBuf>,
    /// File with an nkey seed.
    #[arg(long, value_name = "FILE", requires = "server")]
    nkey: Option<PathBuf>,
    /// JetStream domain, where it is not the server's own.
    #[arg(long, value_name = "NAME", requires = "server")]
    domain: Option<String>,
    /// File with the certificate of the CA that signed the server's.
    #[arg(long, value_name = "FILE", requires = "server")]
    tls_ca: Option<PathBuf>,
    /// File with a client certificate.
    #[arg(long, value_name = "FILE", requires_all = ["server", "tls_key"])]
    tls_cert: Option<PathBuf>,
    /// File with the client certificate's key.
    #[arg(long, value_name = "FILE", requires_all = ["server", "tls_cert"])]
    tls_key: Option<PathBuf>,
}

impl ServerArgs {
    /// Whether a server is named, here or in the environment.
    pub(super) fn is_named(&self) -> bool {
        self.server.is_some()
    }

    /// Whether a server is named in the words themselves.
    pub(super) fn is_typed(&self) -> bool {
        self.server.is_some() && self.server != std::env::var(SERVER_VARIABLE).ok()
    }

    /// For a jetlag that is to use the same server: its words, and what it must find in its environment. The address is there
    /// too, since it may hold a password.
    pub(super) fn handed_on(&self) -> (Vec<OsString>, Vec<(&'static str, OsString)>) {
        let (mut words, mut variables) = (Vec::new(), Vec::new());
        let Some(server) = &self.server else { return (words, variables) };
        variables.push((SERVER_VARIABLE, server.into()));
        let secret = |name: &'static str| std::env::var_os(name).map(|value| (name, value));
        variables.extend(self.user.as_ref().and_then(|_| secret(PASSWORD_VARIABLE)));
        variables.extend(self.token.then(|| secret(TOKEN_VARIABLE)).flatten());
        if self.token {
            words.push("--token".into());
        }
        let mut add = |word: &str, value: &OsStr| words.extend([OsString::from(word), value.to_owned()]);
        for (word, value) in [("--user", &self.user), ("--domain", &self.domain)] {
            value.iter().for_each(|value| add(word, value.as_ref()));
        }
        for (word, file) in [
            ("--creds", &self.creds),
            ("--nkey", &self.nkey),
            ("--tls-ca", &self.tls_ca),
            ("--tls-cert", &self.tls_cert),
            ("--tls-key", &self.tls_key),
        ] {
            file.iter().for_each(|file| add(word, file.as_ref()));
        }
        (words, variables)
    }

    /// The access they describe; `None` when no server is named.
    ///
    /// # Errors
    /// Everything that is wrong, a sentence each.
    pub(super) fn access(&self) -> Result<Option<Access>, Vec<String>> {
        let Some(servers) = self.server.clone() else { return Ok(None) };
        let secret = |name: &str| match std::env::var(name) {
            Ok(value) if !value.is_empty() => Ok(Secret::from(value)),
            _ => Err(vec![format!("the environment variable {name} is not set; the secret is read from there")]),
        };
        let password = self.user.as_ref().map(|_| secret(PASSWORD_VARIABLE)).transpose()?;
        let token = self.token.then(|| secret(TOKEN_VARIABLE)).transpose()?;
        let given = Given {
            servers,
            user: self.user.clone(),
            password,
            token,
            creds: self.creds.clone(),
            nkey: self.nkey.clone(),
            tls_ca: self.tls_ca.clone(),
            tls_cert: self.tls_cert.clone(),
            tls_key: self.tls_key.clone(),
            domain: self.domain.clone(),
        };
        Access::new(given).map(Some)
    }
}
