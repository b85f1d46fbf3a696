"""How soon an officer's phone is told over a thin link: 64 kbit/s, 500 ms there and back, by default.

    cargo build -p forewarn && sudo python3 thin.py --forewarn ../../target/debug/forewarn --clip ../../models/store/vtest-h264.mp4

A server at the far end stands for that of ntfy and says when each message was there, whole. Told is how long after the step of the
incident that it is about the last byte of a message had left the box, and was there.
"""

import argparse
import json
import pathlib
import re
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import link

SITE = """
[site]
id = "air"
[storage]
dir = "data"
min_free_gib = 0.0
[metrics]
listen = "127.0.0.1:9464"
[upstream.officer]
kind = "ntfy"
url = "https://{far}:8443/hill"
ca_file = "far.pem"
states = ["confirmed"]
timeout_s = 60
{keys}
[[camera]]
id = "drone"
url = "{clip}"
analysis_fps = 5.0
{van}with = {{ stationary_s = 1, confirm.for_s = 0.3, observe.for_s = 600 }}
"""
KEYS = {
    "words": "",
    "picture = true": "picture = true",
    "picture = true, thin": "picture = true\nthin = { kib_per_hour = 500, kib_per_day = 4000 }",
}


class Server(ThreadingHTTPServer):
    """Keeps what came: when, how large, and what it said."""

    def __init__(self, folder):
        super().__init__((link.FAR, 8443), Handler)
        self.came = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "far.pem", folder / "far.key")
        self.context = context

    def get_request(self):
        socket, peer = super().get_request()
        # Shakes hands in the thread of the connection.
        return self.context.wrap_socket(socket, server_side=True, do_handshake_on_connect=False), peer

    def handle_error(self, request, client_address):
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(self.path).query))
        self.server.came.append((time.time(), self.command, len(body), query.get("message") or body.decode("utf-8", "replace")))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_PUT = do_POST

    def log_message(self, *_):
        pass


def confirmed_at(folder, incident):
    for path in (folder / "data/evidence").rglob("incident.json"):
        history = json.loads(path.read_text())["incident"]["history"]
        if incident in str(path):
            return next(step["at"] for step in history if step["state"] == "confirmed") / 1e6
    raise LookupError(incident)


def try_keys(args, name, folder):
    joined = link.Link(seed=args.seed)
    joined.both(kbit_s=args.kbit_s, delay_s=args.round_trip_s / 2)
    folder.mkdir()
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout far.key -out far.pem"
    subject = ["-subj", f"/CN={link.FAR}", "-addext", f"subjectAltName=IP:{link.FAR}"]
    subprocess.run([*command.split(), *subject], cwd=folder, check=True, stderr=subprocess.DEVNULL)
    (folder / "site.toml").write_text(SITE.format(van=link.VAN, far=link.FAR, keys=KEYS[name], clip=args.clip))
    ready, held = threading.Event(), []

    def serve():
        joined.enter(1)
        held.append(Server(folder))
        ready.set()
        held[0].serve_forever()

    threading.Thread(target=serve, daemon=True).start()
    ready.wait()
    left = []
    joined.up.left = lambda at, packet: left.append((at + time.time() - time.monotonic(), len(packet)))
    with open(folder / "log", "w") as log:
        agent = joined.start(0, [args.forewarn, "run", "--config", "site.toml"], cwd=folder, stdout=log, stderr=log)
        time.sleep(args.watch_s)
        agent.terminate()
        agent.wait()
    joined.close()
    for at, method, size, message in held[0].came:
        incident = re.search(r"[\w-]+-illegal_parking-\d+-\d+", message)[0]
        since = confirmed_at(folder, incident)
        gone = max((when for when, packet in left if when <= at - args.round_trip_s / 2 + 0.02 and packet > 100), default=at)
        print(f"| {name} | {method} | {size} B | {gone - since:.2f} s | {at - since:.2f} s |", flush=True)
    if not held[0].came:
        print(f"| {name} | nothing within {args.watch_s:.0f} s | | | |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forewarn", required=True)
    parser.add_argument("--clip", required=True)
    parser.add_argument("--kbit-s", type=float, default=64)
    parser.add_argument("--round-trip-s", type=float, default=0.5)
    parser.add_argument("--watch-s", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path, help="a folder, which is there, for logs and data")
    args = parser.parse_args()
    print("| keys | message | body | left after | there after |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(KEYS):
            try_keys(args, name, (args.keep or pathlib.Path(folder)) / str(number))


if __name__ == "__main__":
    main()
