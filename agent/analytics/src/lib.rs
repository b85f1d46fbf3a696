//! Tracker, zones, conditions and violation rules; pure.
