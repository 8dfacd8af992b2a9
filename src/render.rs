//! The formats: a report as JSON, HTML, text.
