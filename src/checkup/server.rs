//! nats-server: whether runs have one, and which versions can be named.

use super::good;
use crate::model::checkup::{Finding, Level, Measured, ServerSeen, ServerSource, Subject};
use crate::model::manifest::Environment;

pub(super) fn findings(_: &Environment, measured: &Measured) -> Vec<Finding> {
    let mut findings = vec![the_one(measured)];
    if measured.server.as_ref().is_none_or(|server| server.source != ServerSource::Own) {
        findings.push(versions(measured));
    }
    findings
}

fn the_one(measured: &Measured) -> Finding {
    let Some(server) = &measured.server else {
        let found = measured.server_trouble.clone().unwrap_or_else(|| "no nats-server was found".to_owned());
        let remedy = "see above; every run needs a nats-server 2.10 or newer";
        return good(Subject::Server, found).but(Level::Failure, "no run can be made", remedy);
    };
    let ServerSeen { version, place, source, jetstream } = server;
    let how = match source {
        ServerSource::Named => "named by JETLAG_NATS_SERVER",
        ServerSource::Path => "on the search path",
        ServerSource::Cache => "in the cache",
        ServerSource::Fetched => "fetched just now",
        ServerSource::Own => "your own",
    };
    let finding = good(Subject::Server, format!("nats-server {version}, {how}: {place}"));
    if *jetstream == Some(false) {
        let remedy = "start it with `--jetstream`, and let the account use JetStream";
        return finding.but(Level::Failure, "it answers without JetStream, so no run can be made on it", remedy);
    }
    finding
}

fn versions(measured: &Measured) -> Finding {
    let names = |cached: bool| {
        let of = measured.versions.iter().filter(|seen| seen.cached == cached);
        of.map(|seen| seen.version.as_str()).collect::<Vec<_>>().join(", ")
    };
    let (here, elsewhere) = (names(true), names(false));
    let here = if here.is_empty() { "none".to_owned() } else { here };
    let elsewhere =
        if elsewhere.is_empty() { String::new() } else { format!("; fetched with pip when wanted: {elsewhere}") };
    let finding = good(Subject::Server, format!("versions in the cache: {here}{elsewhere}"));
    finding.noting("--set server.version=VERSION runs on another one")
}
