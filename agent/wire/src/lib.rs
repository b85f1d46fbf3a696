//! The messages that leave the agent and their schema. Pure: no I/O, no clock.
