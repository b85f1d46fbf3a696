//! End-to-end tests with real RTSP, MQTT and files.
