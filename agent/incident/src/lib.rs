//! The warn-first state machine; pure, sans-IO.
