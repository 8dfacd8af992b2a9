//! The driver: one run from provision to evidence.
