//! The metrics: ids, units, directions, and how each is read from the findings.
