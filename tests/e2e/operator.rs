//! An operator with one account and its users, as decentralized authentication has them: JWTs made by hand.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use serde_json::{Value, json};

/// The keys of operator and account, and what a server must be told of them.
pub(crate) struct Operator {
    account: KeyPair,
    /// Words for a server's configuration.
    pub(crate) configuration: String,
}

impl Operator {
    /// An operator whose account may use JetStream without limits.
    pub(crate) fn new() -> Self {
        let (operator, system, account) = (KeyPair::new_operator(), KeyPair::new_account(), KeyPair::new_account());
        let unlimited = json!({
            "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1
        });
        let mut with_jetstream = unlimited.clone();
        for limit in ["mem_storage", "disk_storage", "streams", "consumer"] {
            with_jetstream[limit] = json!(-1);
        }
        let account_of = |key: &KeyPair, name: &str, limits: Value| {
            signed(&operator, &key.public_key(), name, json!({ "type": "account", "version": 2, "limits": limits }))
        };
        let own = json!({ "type": "operator", "version": 2, "system_account": system.public_key() });
        let configuration = format!(
            "operator: {}\nsystem_account: {1}\nresolver: MEMORY\nresolver_preload: {{ {1}: {2}, {3}: {4} }}\n",
            signed(&operator, &operator.public_key(), "operator", own),
            system.public_key(),
            account_of(&system, "SYS", unlimited),
            account.public_key(),
            account_of(&account, "A", with_jetstream),
        );
        Self { account, configuration }
    }

    /// The credentials file of a new user, and the seed in it.
    pub(crate) fn user(&self) -> (String, String) {
        let user = KeyPair::new_user();
        let claims = json!({ "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1 });
        let jwt = signed(&self.account, &user.public_key(), "user", claims);
        let seed = user.seed().expect("it was made here");
        let file = format!(
            "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        );
        (file, seed)
    }
}

fn signed(issuer: &KeyPair, subject: &str, name: &str, nats: Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = encode(&json!({ "typ": "JWT", "alg": "ed25519-nkey" }));
    let claims = json!({
        "jti": format!("{name}-of-a-test"), "iat": 1_700_000_000, "iss": issuer.public_key(), "name": name, "sub": subject,
        "nats": nats
    });
    let body = format!("{head}.{}", encode(&claims));
    let signature = issuer.sign(body.as_bytes()).expect("it has a seed");
    format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature))
}
