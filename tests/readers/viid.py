"""A platform of GA/T 1400 for tests, with digest authentication (RFC 7616, MD5, qop=auth) by Python's own hashes. Arguments: the
device's code, its password, and after how many objects the platform forgets the device, once; 0 never. It says on its standard
output on which port it listens, and then each question with what came of it, as JSON."""

import base64
import hashlib
import json
import re
import secrets
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

device, password, forgets_after = sys.argv[1], sys.argv[2], int(sys.argv[3])
nonces, state = set(), {"registered": False, "objects": 0, "busy": 1}


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def is_logged_in(header, method, path):
    if not header or not header.startswith("Digest "):
        return False
    said = {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^",\s]+))', header)}
    if said.get("nonce") not in nonces or said.get("uri") != path or said.get("username") != device:
        return False
    nonces.discard(said["nonce"])
    secret = md5(f"{device}:viid:{password}")
    what = md5(f"{method}:{path}")
    expected = md5(f"{secret}:{said['nonce']}:{said['nc']}:{said['cnonce']}:auth:{what}")
    return secrets.compare_digest(expected, said.get("response", ""))


def pictures(value):
    """Type, size in pixels and first bytes of all pictures in an object."""
    if isinstance(value, dict):
        if value.get("Data"):
            data = base64.b64decode(value["Data"], validate=True)
            told = value.get("ImageInfo", value)
            yield [told.get("Type"), told.get("Width"), told.get("Height"), data[:3].hex(), data[-2:].hex()]
        for inner in value.values():
            yield from pictures(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from pictures(inner)


class Platform(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        status, code, words = self.judge(body)
        told = {"path": self.path, "status": status, "code": code, "pictures": list(pictures(body)), "body": body}
        told["identify"], told["type"] = self.headers.get("User-Identify"), self.headers.get("content-type")
        print(json.dumps(told), flush=True)
        one = {"RequestURL": self.path, "StatusCode": str(code), "StatusString": words, "Id": device, "LocalTime": ""}
        is_list = not self.path.startswith("/VIID/System/")
        answer = {"ResponseStatusListObject": {"ResponseStatusObject": [one]}} if is_list else {"ResponseStatusObject": one}
        text = json.dumps(answer).encode()
        self.send_response(status)
        if status == 401:
            nonce = secrets.token_hex(16)
            nonces.add(nonce)
            self.send_header("WWW-Authenticate", f'Digest realm="viid", qop="auth", nonce="{nonce}", opaque="o"')
        self.send_header("content-type", "application/VIID+JSON")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def judge(self, body):
        if self.headers.get("User-Identify") != device:
            return 403, 1, "who is this"
        if self.path == "/VIID/System/Register":
            if not is_logged_in(self.headers.get("authorization"), "POST", self.path):
                return 401, 1, "log in"
            state["registered"] = body["RegisterObject"]["DeviceID"] == device
            return 200, 0, "OK"
        if not state["registered"]:
            return 403, 4, "not registered"
        if self.path in ("/VIID/System/Keepalive", "/VIID/System/UnRegister"):
            return 200, 0, "OK"
        if state["busy"]:
            state["busy"] -= 1
            return 200, 2, "busy"
        state["objects"] += 1
        if state["objects"] == forgets_after:
            state["registered"] = False
        return 200, 0, "OK"

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Platform)
print(server.server_port, flush=True)
server.serve_forever()
