//! What several rooms need below them: back-off, secrets, TLS, broker addresses, durable files, hashes, child processes.
