//! Wire schema, durable outbox and MQTT publisher.
