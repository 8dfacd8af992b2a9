//! What stands between a client and its servers: addresses of this machine that pass on all bytes.
//!
//! Two things must be otherwise for a client that goes through them. It must not go to servers that the others tell it of,
//! because that way leads past. And with TLS the certificate is that of the server, whose name is not the address that the
//! client connects to.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use async_nats::ConnectOptions;
use async_nats::rustls::client::WebPkiServerVerifier;
use async_nats::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use async_nats::rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use async_nats::rustls::pki_types::pem::PemObject;
use async_nats::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use async_nats::rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use serde::{Deserialize, Serialize};

use super::access::Tls;
use super::address::host_and_port;

/// The addresses to connect to, and whose certificates are right there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Via {
    urls: Vec<String>,
    /// Hosts of the servers behind them.
    hosts: Vec<String>,
}

impl Via {
    /// The way to the servers at `urls` through `addresses`, one a server.
    pub(super) fn new(urls: &[String], addresses: &[SocketAddr]) -> Self {
        let through = |(url, address): (&String, &SocketAddr)| {
            let scheme = url.split_once("://").map_or("nats", |(scheme, _)| scheme);
            format!("{scheme}://{address}")
        };
        Self {
            urls: urls.iter().zip(addresses).map(through).collect(),
            hosts: urls.iter().filter_map(|url| host_and_port(url)).map(|(host, _)| host).collect(),
        }
    }

    /// The addresses to connect to.
    pub(super) fn urls(&self) -> &[String] {
        &self.urls
    }

    /// The options of a client that goes this way.
    pub(super) fn apply(&self, options: ConnectOptions, tls: &Tls) -> Result<ConnectOptions, String> {
        Ok(options.ignore_discovered_servers().tls_client_config(self.config(tls)?))
    }

    /// As the client library would make it, but for the name.
    fn config(&self, tls: &Tls) -> Result<ClientConfig, String> {
        let builder = ClientConfig::builder();
        let provider = Arc::clone(builder.crypto_provider());
        let hosts = self.hosts.iter().filter_map(|host| ServerName::try_from(host.clone()).ok()).collect();
        let verifier = Names { hosts, ca: tls.ca.clone(), provider, inner: OnceLock::new() };
        let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        let Some((certificate, key)) = &tls.client else { return Ok(builder.with_no_client_auth()) };
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| format!("the client's key: {error}"))?;
        builder.with_client_auth_cert(certificates(certificate)?, key).map_err(|error| error.to_string())
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let all = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    all.map_err(|error| format!("{}: {error}", path.display()))
}

/// Holds a certificate against the names of the servers, whatever address was connected to. Everything else about it is
/// checked as usual.
#[derive(Debug)]
struct Names {
    hosts: Vec<ServerName<'static>>,
    ca: Option<PathBuf>,
    provider: Arc<CryptoProvider>,
    /// Made when the first certificate comes: most servers show none, and reading all that a system trusts takes a while.
    inner: OnceLock<Result<Arc<WebPkiServerVerifier>, String>>,
}

impl Names {
    fn inner(&self) -> Result<&Arc<WebPkiServerVerifier>, Error> {
        let made = self.inner.get_or_init(|| {
            let mut roots = RootCertStore::empty();
            match &self.ca {
                Some(ca) => {
                    for certificate in certificates(ca)? {
                        roots.add(certificate).map_err(|error| error.to_string())?;
                    }
                }
                None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
            }
            let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider));
            builder.build().map_err(|error| error.to_string())
        });
        made.as_ref().map_err(|why| Error::General(why.clone()))
    }
}

impl ServerCertVerifier for Names {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _address: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let inner = self.inner()?;
        let mut refusal = Error::General("no server has a name that a certificate could be for".to_owned());
        for host in &self.hosts {
            match inner.verify_server_cert(end_entity, intermediates, host, ocsp_response, now) {
                Ok(verified) => return Ok(verified),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

    use super::*;
    use crate::nats::access::{Access, Given};

    #[test]
    fn a_certificate_is_held_against_the_name_of_the_server_and_not_against_the_address() {
        let mut authority = CertificateParams::new(Vec::new()).expect("no names");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = || KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(authority, key()).expect("a certificate");
        let server = CertificateParams::new(vec!["one.example".to_owned()]).expect("a good name");
        let server = server.signed_by(&key(), &authority).expect("a signature");
        let folder = tempfile::tempdir().expect("a folder");
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, authority.pem()).expect("a file");
        let verified = |host: &str| {
            let names = Names {
                hosts: vec![ServerName::try_from(host.to_owned()).expect("a name")],
                ca: Some(ca.clone()),
                provider: Arc::clone(ClientConfig::builder().crypto_provider()),
                inner: OnceLock::new(),
            };
            let address = ServerName::try_from("127.0.0.1").expect("an address");
            names.verify_server_cert(server.der(), &[], &address, &[], UnixTime::now()).map(drop)
        };
        assert_eq!(verified("one.example"), Ok(()));
        assert!(verified("two.example").is_err(), "this certificate is another server's");
        assert!(verified("127.0.0.1").is_err());
    }

    #[test]
    fn the_way_through_keeps_scheme_identity_and_order() {
        let servers = "tls://me:secret@one.example:4333, nats://[::1]:5222".to_owned();
        let access = Access::new(Given { servers, ..Given::default() }).expect("valid");
        assert_eq!(access.upstreams(), ["one.example:4333", "[::1]:5222"]);
        let addresses = ["127.0.0.1:1001", "127.0.0.1:1002"].map(|address| address.parse().expect("an address"));
        let through = access.through(&addresses);
        assert_eq!(through.urls(), ["tls://127.0.0.1:1001", "nats://127.0.0.1:1002"]);
        assert_eq!(through.upstreams(), access.upstreams());
        assert_eq!(through.identity(), access.identity());
        let line = serde_json::to_string(&through).expect("it is data");
        assert_eq!(serde_json::from_str::<Access>(&line).expect("the same data"), through);
        assert!(through.options().is_ok());
    }
}
