"""A camera of ipycam that answers by ONVIF alone: its questions about streams are answered by its own code, and its pictures,
which would take OpenCV, are left out. Prints its port."""

import http.server
import sys
import types
import unittest.mock

for name in ("cv2", "numpy"):
    sys.modules[name] = unittest.mock.MagicMock(name=name)

import ipycam  # noqa: E402
from ipycam.http import IPCameraHTTPHandler  # noqa: E402

config = ipycam.CameraConfig(local_ip="10.0.0.9", main_fps=25, sub_fps=10, username="viewer", password="se & <cret")
IPCameraHTTPHandler.camera = types.SimpleNamespace(config=config, onvif=ipycam.ONVIFService(config))
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), IPCameraHTTPHandler)
print(server.server_address[1], flush=True)
server.serve_forever()
