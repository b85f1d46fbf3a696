#!/usr/bin/env bash
# A camera whose loudspeaker is a usual sink behind GStreamer's ONVIF server takes the sound and plays none of it.
#
# Guess:   the backchannel of an RTSPOnvifMediaFactory may end in any sink: what a client sends after PLAY comes out there.
# Happens: with a sink that prerolls (`async=true`, what every sink does unless told otherwise) SETUP and PLAY succeed, the
#          video flows, the server reads all packets of sound, and the sink gets none of them; with `async=false` it gets
#          every one. No answer tells the two apart.
# Means:   a talk that was set up, played and sent to the end is no proof that anything was heard; and a simulated camera
#          for the tests of a loudspeaker needs `async=false` on its sink, or the sender looks broken.
#
# Needs Debian's gstreamer1.0-plugins-good, gir1.2-gst-rtsp-server-1.0 (1.22) and python3-gi. Speaks to 127.0.0.1 alone.
set -euo pipefail

need() { # need PACKAGE VERSION-PREFIX
  local have; have=$(dpkg-query -W -f='${Version}' "$1" 2>/dev/null || true)
  [[ $have == "$2"* ]] || { echo "needs the Debian package $1 $2, found '${have:-none}'" >&2; exit 2; }
  echo "version: $1 $have"
}
need gir1.2-gst-rtsp-server-1.0 1.22
need gstreamer1.0-plugins-good 1.22
need python3-gi 3.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/talk.py" <<'PY'
import os, socket, struct, sys, threading, time
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer

PACKETS = 50


def camera(is_async):
    """The port of an ONVIF server, and the list that grows with what its loudspeaker hears."""
    heard = []
    server = GstRtspServer.RTSPOnvifServer.new()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPOnvifMediaFactory.new()
    factory.set_media_gtype(GstRtspServer.RTSPOnvifMedia.__gtype__)
    factory.set_launch("( videotestsrc is-live=true ! video/x-raw,format=I420,width=64,height=48,framerate=10/1 ! jpegenc ! rtpjpegpay name=pay0 )")
    factory.set_backchannel_launch(
        '( capsfilter caps="application/x-rtp,media=audio,payload=0,clock-rate=8000,encoding-name=PCMU" name=depay_backchannel'
        f" ! rtppcmudepay ! mulawdec ! appsink name=speaker emit-signals=true sync=false async={is_async} )"
    )

    def configured(_, media):
        def pulled(sink):
            heard.append(sink.emit("pull-sample").get_buffer().get_size())
            return Gst.FlowReturn.OK

        media.get_element().get_by_name("speaker").connect("new-sample", pulled)

    factory.connect("media-configure", configured)
    server.get_mount_points().add_factory("/cam", factory)
    server.attach(None)
    return server, heard


def talk(port):
    """Sets both streams up over TCP, plays, and sends PACKETS of 20 ms; how many packets of video came back meanwhile."""
    link = socket.create_connection(("127.0.0.1", port), 10)
    link.settimeout(10)
    rest, video, number, session = b"", 0, 0, ""

    def fill():
        nonlocal rest
        got = link.recv(65536)
        if not got:
            raise SystemExit("the server hung up")
        rest += got

    def ask(method, url, *headers):
        nonlocal rest, number, session, video
        number += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {number}", "Require: www.onvif.org/ver20/backchannel", *headers]
        link.sendall("\r\n".join([*lines, *([f"Session: {session}"] if session else []), "", ""]).encode())
        while True:
            while len(rest) < 4 or b"\r\n\r\n" not in rest and rest[:1] != b"$":
                fill()
            if rest[:1] == b"$":
                size = struct.unpack("!H", rest[2:4])[0] + 4
                while len(rest) < size:
                    fill()
                video += rest[1] == 0
                rest = rest[size:]
                continue
            head, rest = rest.split(b"\r\n\r\n", 1)
            fields = dict(l.split(": ", 1) for l in head.decode().split("\r\n")[1:])
            size = int(fields.get("Content-Length", 0))
            while len(rest) < size:
                fill()
            body, rest = rest[:size], rest[size:]
            session = fields.get("Session", session).split(";")[0]
            return head.decode().split(" ")[1], body.decode()

    url = f"rtsp://127.0.0.1:{port}/cam"
    answers = [ask("DESCRIBE", url, "Accept: application/sdp")]
    assert "a=sendonly" in answers[0][1], answers
    answers.append(ask("SETUP", url + "/stream=0", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"))
    answers.append(ask("SETUP", url + "/stream=1", "Transport: RTP/AVP/TCP;unicast;interleaved=2-3"))
    answers.append(ask("PLAY", url + "/"))
    for at in range(PACKETS):
        packet = struct.pack("!BBHII", 0x80, 0x80 if at == 0 else 0, at, 160 * at, 7) + bytes([at]) * 160
        link.sendall(struct.pack("!cBH", b"$", 2, len(packet)) + packet)
        time.sleep(0.02)
    answers.append(ask("OPTIONS", url))
    statuses = [status for status, _ in answers]
    link.close()
    return statuses, video


Gst.init(None)
loop = GLib.MainLoop()
threading.Thread(target=loop.run, daemon=True).start()
results = {}
for is_async in ("true", "false"):
    server, heard = camera(is_async)
    statuses, video = talk(server.get_bound_port())
    time.sleep(0.5)
    results[is_async] = len(heard)
    print(f"sink async={is_async}: answers {' '.join(statuses)}, {video} packets of video, {len(heard)} of {PACKETS} packets of sound heard")
    assert set(statuses) == {"200"} and video > 3
sys.stdout.flush()
ok = results["true"] == 0 and results["false"] >= PACKETS - 1
print("as described" if ok else "changed")
os._exit(0 if ok else 1)
PY
timeout 60 /usr/bin/python3 "$work/talk.py"
