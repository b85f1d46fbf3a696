//! GStreamer ingest, decode, pre-roll ring and clip muxing.
