//! Every way of logging in to a user's own server: it works, a wrong one is told with its remedy, and no secret is seen
//! anywhere.

use std::os::unix::ffi::OsStrExt;

use jetlag::model::report::RunState;
use jetlag::model::story::{Phase, StoryEvent};
use jetlag::nats::{Given, Secret};
use nkeys::KeyPair;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair as TlsKeyPair};

use crate::access::{files_below, holds};
use crate::operator::Operator;
use crate::place::{Live, Place};
use crate::server::OwnServer;

const SHORT: &str = "[run]\nwarm-up = \"200ms\"\nmeasure = \"1s\"\n[stream]\npartitions = 4\n[load]\nrate = \"100/s\"\nkeys = 20\n\
                     [fleet]\nmembers = 2\n[strategy]\nkind = \"lease-group\"\nttl = \"1s\"\n";

/// A way in.
#[derive(Default)]
struct Way<'a> {
    /// Words of the command line.
    words: &'a [&'a str],
    /// A variable of the environment, with a secret.
    variable: Option<(&'a str, &'a str)>,
}

impl Way<'_> {
    fn start<'p>(&self, place: &'p Place, server: &OwnServer) -> Live<'p> {
        let url = server.url();
        let mut words = vec!["run", "profile.toml", "--out", "out", "--server", &url];
        words.extend(self.words);
        let mut command = place.jetlag(&words);
        if let Some((name, secret)) = self.variable {
            command.env(name, secret);
        }
        place.start(command)
    }

    /// A whole run this way. Nothing that it writes, says or shows to others holds any of the secrets.
    fn leads_in(&self, place: &Place, server: &OwnServer, secrets: &[&str]) {
        place.profile(SHORT);
        let mut live = self.start(place, server);
        live.wait_for("the measure phase", |event| *event == StoryEvent::Phase { phase: Phase::Measure });
        let processes = place.processes();
        let workers = processes.iter().filter(|process| process.is_worker());
        assert_eq!(workers.clone().count(), 4, "{processes:#?}");
        for &secret in secrets {
            for process in &processes {
                let shown = process.words.iter().any(|word| holds(word.as_bytes(), secret));
                assert!(!shown, "a list of processes shows it: {:?}", process.words);
            }
            for worker in workers.clone() {
                let inherited = worker.environment.iter().any(|pair| holds(pair.as_bytes(), secret));
                assert!(!inherited, "a worker has it in its environment");
            }
        }
        let ended = live.end().ended_with(0);
        assert!(ended.report().is(RunState::Complete).count("handled") > 0.0);
        let mut seen = files_below(&place.path().join("out"));
        seen.push(("standard output".to_owned(), ended.out.into_bytes()));
        seen.push(("standard error".to_owned(), ended.err.into_bytes()));
        for &secret in secrets {
            for (where_, bytes) in &seen {
                assert!(!holds(bytes, secret), "{where_} shows it");
            }
        }
        assert_eq!(server.streams(), [""; 0], "it removes what it made");
        place.wait_until_nobody_is_left();
        std::fs::remove_dir_all(place.path().join("out")).expect("it is there");
    }

    /// No run is begun, and why is told with these words and without the secrets.
    fn is_refused(&self, place: &Place, server: &OwnServer, told: &[&str], secrets: &[&str]) {
        place.profile(SHORT);
        let ended = self.start(place, server).end().ended_with(3);
        for word in told {
            assert!(ended.err.contains(word), "{word} is missing in {}", ended.err);
        }
        for secret in secrets {
            assert!(!holds(ended.err.as_bytes(), secret) && !holds(ended.out.as_bytes(), secret), "{ended:?}");
        }
        assert!(place.run_folder().is_none(), "there was no run");
    }
}

#[test]
fn a_token() {
    const TOKEN: &str = "t0ken-Xk7-swordfish";
    let place = Place::new();
    let given = Given { token: Some(Secret::from(TOKEN.to_owned())), ..Given::default() };
    let server = OwnServer::start_for(&place, &format!("authorization {{ token: \"{TOKEN}\" }}\n"), given);
    Way { words: &["--token"], variable: Some(("JETLAG_TOKEN", TOKEN)) }.leads_in(&place, &server, &[TOKEN]);
    Way { words: &["--token"], variable: Some(("JETLAG_TOKEN", "wrong-horse")) }.is_refused(
        &place,
        &server,
        &["refused a token", "check the user, token"],
        &["wrong-horse", TOKEN],
    );
    Way::default().is_refused(&place, &server, &["refused anonymous"], &[TOKEN]);
}

#[test]
fn an_nkey() {
    let place = Place::new();
    let (user, stranger) = (KeyPair::new_user(), KeyPair::new_user());
    let (seed, other) = (user.seed().expect("a seed"), stranger.seed().expect("a seed"));
    place.write("user.nk", &format!("# the seed of a test\n{seed}\n"));
    place.write("stranger.nk", &other);
    let given = Given { nkey: Some(place.path().join("user.nk")), ..Given::default() };
    let users = format!("authorization {{ users: [ {{ nkey: {} }} ] }}\n", user.public_key());
    let server = OwnServer::start_for(&place, &users, given);
    Way { words: &["--nkey", "user.nk"], ..Way::default() }.leads_in(&place, &server, &[&seed]);
    Way { words: &["--nkey", "stranger.nk"], ..Way::default() }.is_refused(
        &place,
        &server,
        &["refused the nkey of", "stranger.nk"],
        &[&other],
    );
}

#[test]
fn credentials_of_an_operators_user() {
    let place = Place::new();
    let operator = Operator::new();
    let (creds, seed) = operator.user();
    let (strange, other) = Operator::new().user();
    place.write("user.creds", &creds);
    place.write("stranger.creds", &strange);
    let jwt = creds.lines().nth(1).expect("the JWT stands there").to_owned();
    let given = Given { creds: Some(place.path().join("user.creds")), ..Given::default() };
    let server = OwnServer::start_for(&place, &operator.configuration, given);
    Way { words: &["--creds", "user.creds"], ..Way::default() }.leads_in(&place, &server, &[&seed, &jwt]);
    Way { words: &["--creds", "stranger.creds"], ..Way::default() }.is_refused(
        &place,
        &server,
        &["refused the credentials of", "stranger.creds"],
        &[&other],
    );
    Way::default().is_refused(&place, &server, &["refused anonymous"], &[]);
}

#[test]
fn a_client_certificate() {
    let place = Place::new();
    let mut authority = CertificateParams::new(Vec::new()).expect("no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority =
        CertifiedIssuer::self_signed(authority, TlsKeyPair::generate().expect("a key")).expect("a certificate");
    place.write("ca.pem", &authority.pem());
    let mut keys = Vec::new();
    for name in ["server", "client"] {
        let key = TlsKeyPair::generate().expect("a key");
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut certificate = CertificateParams::new(names).expect("good names");
        certificate.distinguished_name.push(DnType::CommonName, name);
        let certificate = certificate.signed_by(&key, &authority).expect("a signature");
        place.write(&format!("{name}.pem"), &certificate.pem());
        place.write(&format!("{name}.key"), &key.serialize_pem());
        keys.push(key.serialize_pem());
    }
    let in_place = |name: &str| place.path().join(name);
    let given = Given {
        tls_ca: Some(in_place("ca.pem")),
        tls_cert: Some(in_place("client.pem")),
        tls_key: Some(in_place("client.key")),
        ..Given::default()
    };
    let tls = format!(
        "tls {{ cert_file: \"{0}/server.pem\", key_file: \"{0}/server.key\", ca_file: \"{0}/ca.pem\", verify: true }}\n",
        place.path().display()
    );
    let server = OwnServer::start_for(&place, &tls, given);
    let secret = keys[1].lines().nth(1).expect("the key itself").to_owned();
    Way { words: &["--tls-ca", "ca.pem", "--tls-cert", "client.pem", "--tls-key", "client.key"], ..Way::default() }
        .leads_in(&place, &server, &[&secret]);
    Way { words: &["--tls-ca", "ca.pem"], ..Way::default() }.is_refused(
        &place,
        &server,
        &["TLS with", "a client certificate with its key"],
        &[&secret],
    );
}
