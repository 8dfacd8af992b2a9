//! Measures the machine: a second and a half without a server, then the server itself.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::out::errln;
use crate::clock;
use crate::model::checkup::{
    ClockSeen, DiskSeen, FileLimit, Measured, ProcessorSeen, RoundTrip, ServerSeen, ServerSource, VersionSeen,
};
use crate::model::time::SpanNs;
use crate::nats::{self, Access, Finder, Source, Version};
use crate::process::{disk, host, loopback};

/// How often a sleeper sleeps, and how long each time: as a generator at 500 messages a second does.
const SLEEPS: (usize, SpanNs) = (400, SpanNs(2_000_000));
/// How long the disk is tried, twice.
const DISK_FOR: Duration = Duration::from_millis(500);
const ROUND_TRIPS: usize = 2_000;
/// A server that is far away must not keep the patient waiting.
const QUESTIONS: usize = 50;
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// All that needs no server.
pub(super) fn machine(out: &Path) -> Measured {
    let (soft, hard) = host::file_limit();
    let (processor, clock) = processor_and_clock();
    let mut measured = Measured { processor, clock, files: Some(FileLimit { soft, hard }), ..Measured::default() };
    match disk(out) {
        Ok(seen) => measured.disk = Some(seen),
        Err(trouble) => measured.disk_trouble = Some(trouble),
    }
    measured.loopback = loopback::round_trips(ROUND_TRIPS).ok().and_then(round_trip);
    measured
}

/// While a sleeper sleeps, whatever the processors do is done by others.
fn processor_and_clock() -> (ProcessorSeen, ClockSeen) {
    let before = host::ticks();
    let mut late: Vec<SpanNs> = clock::trial::lateness(SLEEPS.0, SLEEPS.1);
    let after = host::ticks();
    late.sort_unstable();
    let share = |of: fn(&host::Ticks) -> u64| {
        let (before, after) = (before?, after?);
        let all = after.all.saturating_sub(before.all);
        (all > 0).then(|| of(&after).saturating_sub(of(&before)) as f64 / all as f64)
    };
    let processor = ProcessorSeen {
        governors: host::governors(),
        is_virtual: host::is_virtual(),
        used_by_others: share(|ticks| ticks.busy),
        stolen: share(|ticks| ticks.stolen),
    };
    let clock = ClockSeen {
        source: host::clock_source(),
        reading_ns: Some(clock::trial::reading_ns()),
        late_p50_ms: percentile(&late, 50).map(SpanNs::as_ms),
        late_p99_ms: percentile(&late, 99).map(SpanNs::as_ms),
    };
    (processor, clock)
}

/// The folder itself, or the nearest above it that is there: the run makes what is missing.
pub(super) fn existing(out: &Path) -> PathBuf {
    let found = out.ancestors().find(|folder| folder.is_dir());
    match found {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn disk(out: &Path) -> Result<DiskSeen, String> {
    // What a file stands in the way of cannot be made.
    if let Some(occupied) = out.ancestors().find(|path| path.exists() && !path.is_dir()) {
        return Err(format!("{} is a file, so {} cannot be made", occupied.display(), out.display()));
    }
    let folder = existing(out);
    let trouble = |error: std::io::Error| format!("cannot write to {}: {error}", folder.display());
    let free_bytes = disk::free_bytes(&folder).map_err(trouble)?;
    let mut seen = disk::try_disk(&folder, DISK_FOR).map_err(trouble)?;
    seen.syncs.sort_unstable();
    let of = |percent| percentile(&seen.syncs, percent).map_or(0.0, SpanNs::as_ms);
    Ok(DiskSeen {
        path: folder.display().to_string(),
        free_bytes,
        is_memory: disk::is_memory(&folder),
        sync_p50_ms: of(50),
        sync_p99_ms: of(99),
        written_per_s_bytes: seen.written_per_s,
    })
}

/// The server that runs would use, found as they find it; or the user's own.
pub(super) async fn server(access: Option<&Access>, measured: &mut Measured) {
    let found = match access {
        Some(access) => own_server(access, measured).await,
        None => found_server(measured).await,
    };
    match found {
        Ok(server) => measured.server = Some(server),
        Err(trouble) => measured.server_trouble = Some(trouble),
    }
}

async fn found_server(measured: &mut Measured) -> Result<ServerSeen, String> {
    let finder = Finder::from_environment();
    let mut fetches = |version: Version| errln!("fetching nats-server {version}, once");
    let found = finder.find_telling(None, &mut fetches).await.map_err(|error| error.to_string());
    let seen = |version: Version| VersionSeen { version: version.to_string(), cached: finder.has_cached(version) };
    measured.versions = Version::fetchable().map(seen).collect();
    let binary = found?;
    let source = match binary.source {
        Source::Named => ServerSource::Named,
        Source::Path => ServerSource::Path,
        Source::Cache => ServerSource::Cache,
        Source::Fetched => ServerSource::Fetched,
    };
    let (version, place) = (binary.version.to_string(), binary.path.display().to_string());
    Ok(ServerSeen { version, place, source, jetstream: None })
}

async fn own_server(access: &Access, measured: &mut Measured) -> Result<ServerSeen, String> {
    let client =
        access.connect("jetlag-doctor", |_| ()).await.map_err(|error: nats::connect::Error| error.to_string())?;
    let (version, place) = (client.server_info().version, access.redacted_url());
    let jetstream = access.jetstream(client, ANSWER_WITHIN);
    let mut trips = Vec::with_capacity(QUESTIONS);
    for _ in 0..QUESTIONS {
        let before = clock::now();
        if jetstream.query_account().await.is_err() {
            break;
        }
        trips.push(clock::now().since(before));
    }
    let answers = !trips.is_empty();
    measured.own_server = round_trip(trips);
    Ok(ServerSeen { version, place, source: ServerSource::Own, jetstream: Some(answers) })
}

fn round_trip(mut trips: Vec<SpanNs>) -> Option<RoundTrip> {
    trips.sort_unstable();
    let of = |percent| percentile(&trips, percent).map(SpanNs::as_ms);
    Some(RoundTrip { p50_ms: of(50)?, p99_ms: of(99)? })
}

/// The least of `sorted` that so many percent do not exceed.
fn percentile(sorted: &[SpanNs], percent: usize) -> Option<SpanNs> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}
