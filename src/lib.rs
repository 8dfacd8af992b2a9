//! jetlag.
