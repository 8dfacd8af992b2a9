//! How many files a process may open.

use super::{good, grouped};
use crate::model::checkup::{FileLimit, Finding, Level, Measured, Subject};
use crate::model::manifest::Environment;

/// The driver holds a pipe, a process and a journal for each worker; the server a file a stream and a consumer. This is enough for 64
/// members on 256 partitions.
const FILES_MIN: u64 = 4096;

pub(super) fn findings(_: &Environment, measured: &Measured) -> Vec<Finding> {
    let Some(FileLimit { soft, hard }) = measured.files else { return Vec::new() };
    let told = |limit: Option<u64>| limit.map_or_else(|| "any number".to_owned(), |limit| grouped(limit as f64));
    let finding = good(Subject::Files, format!("a process may open {} files (up to {})", told(soft), told(hard)));
    if soft.is_none_or(|soft| soft >= FILES_MIN) {
        return vec![finding];
    }
    let consequence =
        "enough for profiles of ordinary size; with hundreds of members or partitions, connections and stores fail";
    if hard.is_none_or(|hard| hard >= FILES_MIN) {
        return vec![finding.but(Level::Note, consequence, format!("`ulimit -n {FILES_MIN}` before such a run"))];
    }
    let remedy = "raise the hard limit: /etc/security/limits.conf, LimitNOFILE= of systemd, or --ulimit of a container";
    vec![finding.but(Level::Warning, consequence, remedy)]
}
