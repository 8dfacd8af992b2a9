//! The ledger: every handling gets exactly one verdict, every message one account.
