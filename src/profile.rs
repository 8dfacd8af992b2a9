//! Profiles: from TOML to a plan that is valid by construction.
