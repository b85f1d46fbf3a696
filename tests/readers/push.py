"""A push service (RFC 8030) and the phones behind it. Arguments: a name and the answers to it, such as `ann=429,201`; the last one
goes on. It says its port, then the subscription of each phone, then what it was asked, as JSON, a line each. Payloads are
decrypted by http_ece, and who sent them is verified by py_vapid."""

import base64
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02


def coded(some):
    return base64.urlsafe_b64encode(some).decode().rstrip("=")


def say(what):
    print(json.dumps(what, ensure_ascii=False), flush=True)


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        name = self.path.strip("/")
        body = self.rfile.read(int(self.headers["content-length"]))
        phone = phones[name]
        answers = phone["answers"]
        status = answers.pop(0) if len(answers) > 1 else answers[0]
        text = http_ece.decrypt(body, private_key=phone["key"], auth_secret=phone["auth"], version="aes128gcm")
        claims = self.headers["authorization"].split("t=")[1].split(".")[1]
        told = {
            "phone": name,
            "status": status,
            "bytes": len(body),
            "text": json.loads(text),
            "is_signed": Vapid02.verify(self.headers["authorization"]),
            "claims": json.loads(base64.urlsafe_b64decode(claims + "==")),
            "key": self.headers["authorization"].split("k=")[1],
            "headers": {k.lower(): v for k, v in self.headers.items() if k.lower() in ("ttl", "urgency", "topic", "content-encoding")},
        }
        self.send_response(status)
        if status == 429:
            self.send_header("retry-after", "1")
        self.send_header("content-length", "0")
        self.end_headers()
        say(told)

    def log_message(self, *_):
        pass


phones = {}
for argument in sys.argv[1:]:
    name, answers = argument.split("=")
    key = ec.generate_private_key(ec.SECP256R1())
    phones[name] = {"key": key, "auth": os.urandom(16), "answers": [int(one) for one in answers.split(",")]}
server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
print(server.server_port, flush=True)
for name, phone in phones.items():
    public = phone["key"].public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    endpoint = f"http://127.0.0.1:{server.server_port}/{name}"
    say({"endpoint": endpoint, "p256dh": coded(public), "auth": coded(phone["auth"]), "by": name})
server.serve_forever()
