#!/usr/bin/env bash
# webrtcbin that answers before its first packet names source 0; Chromium then decodes every picture and shows none.
#
# Guess:   an answer need not name the source (SSRC) of the pictures; what a browser receives and decodes, it shows.
# Happens: with `do-nack`, and no `ssrc` in the caps when the answer is made, GStreamer 1.22 writes `a=ssrc-group:FID 0 X` and
#          lines `a=ssrc:X` alone, X being what is sent again. Chromium 156 takes X for the whole track: it connects, unmutes
#          the track, decodes each picture of the true source as belonging to no track, and shows none, without an error.
#          The 0 does no harm: without the group's line it is the same, without `a=ssrc:` the pictures are there. They are
#          there, too, without `do-nack`, as no source is named then, and where packets flowed before the answer, as the
#          payloader's caps are known then. Its property `ssrc` alone does not help; a capsfilter with `ssrc` does.
# Means:   name the source in caps before the answer is made, or it works or not by who is first. `framesDecoded` proves
#          nothing about what is seen: count `requestVideoFrameCallback`, or mind an empty `trackIdentifier` in the statistics.
#
# Needs Debian's gir1.2-gst-plugins-bad-1.0, gstreamer1.0-plugins-good, -bad and -ugly (1.22), gstreamer1.0-nice, python3-gi and
# chromium, and node and npm. Speaks to 127.0.0.1 alone, but for npm; takes half a minute.
set -euo pipefail

need() { # need PACKAGE VERSION-PREFIX
  local have; have=$(dpkg-query -W -f='${Version}' "$1" 2>/dev/null || true)
  [[ $have == "$2"* ]] || { echo "needs the Debian package $1 $2, found '${have:-none}'" >&2; exit 2; }
  echo "version: $1 $have"
}
need gir1.2-gst-plugins-bad-1.0 1.22
need gstreamer1.0-plugins-good 1.22
need gstreamer1.0-plugins-bad 1.22
need gstreamer1.0-plugins-ugly 1.22
need gstreamer1.0-nice 0.1
need python3-gi 3.
need chromium 1
for tool in node npm; do command -v $tool >/dev/null || { echo "needs $tool" >&2; exit 2; }; done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" playwright-core@1.65.1
echo "version: node $(node --version), playwright-core 1.65.1 (npm)"

cat >look.mjs <<'JS'
// Looks at every case in a page of its own; prints for each what the answer said and what came of it, as JSON.
import { chromium } from "playwright-core";
const [address, cases] = [process.argv[2], JSON.parse(process.argv[3])];
const args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"];
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args });
const look = async ({ name, drop }) => {
  const video = document.querySelector("video"), link = new RTCPeerConnection();
  let shown = 0;
  const count = () => { shown++; video.requestVideoFrameCallback(count); };
  video.requestVideoFrameCallback(count);
  link.ontrack = (event) => { video.srcObject = event.streams[0]; };
  const way = link.addTransceiver("video", { direction: "recvonly" });
  const codecs = RTCRtpReceiver.getCapabilities("video").codecs, is = (codec, of) => (codec.sdpFmtpLine ?? "").includes(of);
  way.setCodecPreferences([...codecs.filter((c) => is(c, "packetization-mode=1") && is(c, "profile-level-id=42e01f")),
    ...codecs.filter((c) => c.mimeType === "video/rtx")]);
  await link.setLocalDescription();
  const answer = await (await fetch("/" + name, { method: "POST", body: link.localDescription.sdp })).text();
  const lines = answer.split("\r\n"), kept = lines.filter((line) => !drop || !line.startsWith(drop));
  await link.setRemoteDescription({ type: "answer", sdp: kept.join("\r\n") });
  let of = {};
  for (let turn = 0; turn < 100 && !(of.framesDecoded >= 30); turn++) {
    await new Promise((done) => setTimeout(done, 200));
    of = [...(await link.getStats()).values()].find((one) => one.type === "inbound-rtp") ?? {};
  }
  const { track } = way.receiver;
  return { said: kept.filter((line) => line.startsWith("a=ssrc")), source: of.ssrc, received: of.packetsReceived ?? 0,
    decoded: of.framesDecoded ?? 0, shown, width: video.videoWidth, ready: video.readyState, error: video.error?.message ?? null,
    link: link.connectionState, muted: track.muted, track: of.trackIdentifier === track.id ? "the track" : of.trackIdentifier };
};
const seen = [];
for (const one of cases) {
  const page = await browser.newPage(), complaints = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(address);
  seen.push({ ...(await page.evaluate(look, one)), complaints });
  await page.close();
}
console.log(JSON.stringify({ version: browser.version(), seen }));
await browser.close();
JS
cat >try.py <<'PY'
import json, os, re, subprocess, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import gi
for name in ("Gst", "GstSdp", "GstWebRTC"):
    gi.require_version(name, "1.0")
from gi.repository import Gst, GstSdp, GstWebRTC

SOURCE = 305419896
# What differs, what the page leaves out of the answer, what the answer says, and whether pictures are to be seen.
ZERO = ["a=ssrc-group:FID 0 X", "a=ssrc:X"]
NAMED = ["a=ssrc-group:FID S X", "a=ssrc:S", "a=ssrc:X"]
CASES = {
    "bare": ("caps without ssrc", None, ZERO, False),
    "property": ("caps without ssrc, the payloader's property set", None, ZERO, False),
    "group": ("caps without ssrc, the page drops the group", "a=ssrc-group:", ZERO[1:], False),
    "lines": ("caps without ssrc, the page drops the lines a=ssrc", "a=ssrc:", ZERO[:1], True),
    "single": ("caps without ssrc, do-nack=false", None, [], True),
    "flowing": ("caps without ssrc, packets flowed before", None, NAMED, True),
    "caps": ("caps with ssrc", None, NAMED, True),
}
pipelines, kept = [], []


def answer(case, offer):
    """Takes the offer of a browser, and gives the answer of a new webrtcbin with all addresses in it."""
    # Names in place of addresses are known to the browser alone.
    offer = "".join(l for l in offer.splitlines(True) if not (l.startswith("a=candidate:") and ".local " in l))
    number = re.search(r"a=rtpmap:(\d+) H264/90000", offer)[1]
    source = f"ssrc={SOURCE}" if case in ("property", "caps") else ""
    in_caps = f",ssrc=(uint){SOURCE}" if case == "caps" else ""
    pipeline = Gst.parse_launch(
        "videotestsrc is-live=true ! video/x-raw,format=I420,width=160,height=120,framerate=15/1"
        " ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 bitrate=200"
        f" ! video/x-h264,profile=constrained-baseline ! valve name=gate drop={case != 'flowing'}"
        f" ! rtph264pay pt={number} {source} config-interval=-1 aggregate-mode=zero-latency"
        f" ! application/x-rtp,media=video,encoding-name=H264,clock-rate=90000,payload={number}{in_caps}"
        " ! webrtcbin name=webrtc bundle-policy=max-bundle"
    )
    webrtc = pipeline.get_by_name("webrtc")
    agent = webrtc.get_property("ice-agent")
    agent.emit("add-local-ip-address", "127.0.0.1")
    # Python takes the one reference to the agent over, so neither may go before the end.
    kept.append(agent)
    pipelines.append(pipeline)
    webrtc.emit("get-transceiver", 0).set_property("do-nack", case != "single")
    pipeline.set_state(Gst.State.PLAYING)

    def until(what):
        end = time.monotonic() + 20
        while not what():
            assert time.monotonic() < end, "nothing happens"
            time.sleep(0.02)

    def ask(action, about):
        promise = Gst.Promise.new()
        webrtc.emit(action, about, promise)
        promise.wait()
        kept.append(promise)  # What it holds is lent.
        return promise.get_reply()

    until(lambda: case != "flowing" or webrtc.sinkpads[0].get_current_caps())
    sdp = GstSdp.SDPMessage.new_from_text(offer)[1]
    ask("set-remote-description", GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.OFFER, sdp))
    reply = ask("create-answer", None)
    ask("set-local-description", reply.get_value("answer"))
    until(lambda: webrtc.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE)
    pipeline.get_by_name("gate").set_property("drop", False)
    return webrtc.get_property("local-description").sdp.as_text()


class Page(BaseHTTPRequestHandler):
    def reply(self, text, kind):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self):
        self.reply("<!doctype html><link rel=icon href=data:,><video muted autoplay></video>", "text/html")

    def do_POST(self):
        for pipeline in pipelines:
            pipeline.set_state(Gst.State.NULL)
        self.reply(answer(self.path[1:], self.rfile.read(int(self.headers["content-length"])).decode()), "application/sdp")

    def log_message(self, *_):
        pass


def shape(said, source):
    """The lines in the order of the answer, each once, without names: S is the source that came, X another."""
    out = []
    for line in said:
        line = re.sub(r"\d{2,}", lambda n: "S" if int(n[0]) == source else "X", re.sub(r"( msid| cname):.*", "", line))
        out += [line] if line not in out else []
    return out


Gst.init(None)
print(f"version: {Gst.version_string()}")
server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
threading.Thread(target=server.serve_forever, daemon=True).start()
asked = json.dumps([{"name": name, "drop": case[1]} for name, case in CASES.items()])
told = subprocess.run(["node", "look.mjs", f"http://127.0.0.1:{server.server_port}/", asked], check=True, stdout=subprocess.PIPE)
told = json.loads(told.stdout)
print(f"version: Chromium {told['version']}")
print("S is the source whose packets came, X another; what is said stands as the browser was told it")
ok = True
for (what, _, says, is_shown), seen in zip(CASES.values(), told["seen"]):
    said = shape(seen["said"], seen["source"])
    print(f"{what}: {' '.join(said) or 'no source named'}")
    print(f"    {seen['received']} packets of S, {seen['decoded']} pictures decoded for {seen['track'] or 'no track'}, {seen['shown']} shown;"
          f" width {seen['width']}, readyState {seen['ready']}, {seen['link']}, muted {seen['muted']}, error {seen['error']}")
    ok &= said == says and seen["decoded"] >= 30 and seen["link"] == "connected" and not seen["muted"]
    ok &= seen["error"] is None and not seen["complaints"]
    if is_shown:
        ok &= seen["shown"] >= 15 and seen["width"] == 160 and seen["track"] == "the track"
    else:
        ok &= seen["shown"] == 0 and seen["width"] == 0 and seen["ready"] == 0 and not seen["track"]
print("seen: all decoded, none shown, and nothing is said" if ok else "the behaviour changed")
sys.stdout.flush()
os._exit(0 if ok else 1)
PY
TMPDIR=$work timeout 200 /usr/bin/python3 try.py
