//! What driver and worker say to each other: JSON lines.
