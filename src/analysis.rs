//! From evidence to findings: latencies, series, ownership, silences, gaps.
