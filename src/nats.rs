//! NATS: the server that jetlag starts, and the connection to any.
