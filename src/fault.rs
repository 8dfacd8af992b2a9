//! The faults: what may strike, and the seeded schedule of when and whom.
