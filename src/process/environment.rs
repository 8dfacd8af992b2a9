//! The machine that the run takes place on: what a figure depends on and a report must name.

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use crate::model::manifest::Environment;

/// Version of this program and, where it is known, the commit that it was built from: `0.1.0 (4f2a9c01d3e7)`.
pub const VERSION: &str = env!("JETLAG_VERSION");
/// That commit (`build.rs`); empty where it is not known.
const COMMIT: &str = env!("JETLAG_BUILT_FROM");

/// Describes this machine and this build. The fields about the server are left for who knows the server.
/// What the system does not tell is left empty or 0: a run does not fail for it.
#[must_use]
pub fn machine() -> Environment {
    let wanted =
        RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing()).with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(wanted).ok();
    let cpus = system.as_ref().map(System::cpus).unwrap_or_default();
    Environment {
        jetlag_version: env!("CARGO_PKG_VERSION").to_owned(),
        jetlag_commit: Some(COMMIT).filter(|commit| !commit.is_empty()).map(str::to_owned),
        os: System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned()),
        kernel: System::kernel_version().unwrap_or_default(),
        cpu: cpus.first().map(|cpu| cpu.brand().trim().to_owned()).unwrap_or_default(),
        cores: cores(cpus.len()),
        memory_bytes: system.as_ref().map(System::total_memory).unwrap_or_default(),
        build: if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned(),
        ..Environment::default()
    }
}

/// The cores that this process may use (affinity and quotas counted), which is what a figure depends on.
fn cores(seen: usize) -> u32 {
    let cores = std::thread::available_parallelism().map_or(seen, usize::from);
    u32::try_from(cores).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_cores_memory_and_a_kernel() {
        let machine = machine();
        assert!(machine.cores > 0, "{machine:?}");
        assert!(machine.memory_bytes > 0, "{machine:?}");
        assert!(!machine.kernel.is_empty(), "{machine:?}");
        assert!(!machine.os.is_empty(), "{machine:?}");
        assert_eq!(machine.server_version, "", "the server is not this room's business");
    }
}
