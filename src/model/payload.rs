//! The payload of a message: a fixed header, then padding. Decoded without allocation.
