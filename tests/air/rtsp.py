"""A camera by GStreamer's own RTSP server, which sends a transport stream's H.264 as it is coded: rtsp.py ADDRESS PORT FILE."""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)
address, port, path = sys.argv[1:]
server, factory = GstRtspServer.RTSPServer(), GstRtspServer.RTSPMediaFactory()
server.set_address(address)
server.set_service(port)
factory.set_launch(f"( filesrc location={path} ! tsdemux ! h264parse ! rtph264pay name=pay0 config-interval=-1 )")
# Each connection sees the file from its beginning.
factory.set_shared(False)
server.get_mount_points().add_factory("/drone", factory)
if not server.attach(None):
    sys.exit(f"failed to listen at {address}:{port}")
GLib.MainLoop().run()
