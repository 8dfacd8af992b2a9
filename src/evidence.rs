//! Evidence on disk: journals, manifest, the run folder.
