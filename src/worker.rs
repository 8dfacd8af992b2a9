//! A worker process: publisher or consumer.
