//! The clock: nanoseconds of `CLOCK_MONOTONIC`, and sleeping until one.

pub mod alarm;
