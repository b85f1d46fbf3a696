#!/usr/bin/env bash
# A GB/T 28181 program stream shows its picture in GStreamer and hides its sound.
#
# Guess:   the program stream map names H.264 or H.265 (0x1B, 0x24) and G.711 A-law (0x90); a
#          demultiplexer that knows H.265 in a program stream, which only cameras write, gives two pads.
# Happens: FFmpeg gives both streams. GStreamer 1.22's mpegpsdemux gives the video pad alone, the A-law
#          packets vanish: no pad, no element message, no warning, and end of stream as usual.
# Means:   "the camera sends no sound" cannot be learned from the pads. Read stream id 0xC0 with own
#          code (the 28181 front holds the PES packets anyway), and say when a map names undecoded sound.
#
# Needs Debian's python3-gi, gir1.2-gstreamer-1.0 and gstreamer1.0-plugins-bad (1.22.0).
set -euo pipefail

need() { # need PACKAGE VERSION-PREFIX
  local have; have=$(dpkg-query -W -f='${Version}' "$1" 2>/dev/null || true)
  [[ $have == "$2"* ]] || { echo "needs the Debian package $1 $2, found '${have:-none}'" >&2; exit 2; }
  echo "version: $1 $have"
}
need python3-gi 3.42
need gir1.2-gstreamer-1.0 1.22.0
need gstreamer1.0-plugins-bad 1.22.0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m pip install -q --no-deps --root-user-action=ignore --target pip av==18.1.0 numpy==2.4.6

cat >make.py <<'PY'
"""Writes h264.ps and h265.ps: 50 pictures and 50 A-law packets each, and reads them with FFmpeg."""
import struct, sys
from fractions import Fraction
sys.path.insert(0, "pip")
import av, numpy as np

def crc(data):
    c = 0xFFFFFFFF
    for byte in data:
        c ^= byte << 24
        for _ in range(8):
            c = ((c << 1) ^ 0x04C11DB7 if c & 0x80000000 else c << 1) & 0xFFFFFFFF
    return struct.pack(">I", c)

def pack(scr):
    bits = 1 << 46 | (scr >> 30) << 43 | 1 << 42 | (scr >> 15 & 0x7FFF) << 27 | 1 << 26 | (scr & 0x7FFF) << 11 | 0x401
    return b"\0\0\1\xba" + bits.to_bytes(6, "big") + b"\x00\x1f\x43\xf8"

def stream_map(video):
    streams = bytes([video, 0xE0, 0, 0, 0x90, 0xC0, 0, 0])
    body = b"\xe0\xff\0\0" + struct.pack(">H", len(streams)) + streams
    head = b"\0\0\1\xbc" + struct.pack(">H", len(body) + 4) + body
    return head + crc(head)

def pes(stream, t, data):
    pts = bytes([0x21 | t >> 29 & 0xE, t >> 22 & 0xFF, t >> 14 & 0xFE | 1, t >> 7 & 0xFF, t << 1 & 0xFE | 1])
    return b"\0\0\1" + bytes([stream]) + struct.pack(">H", 8 + len(data)) + b"\x80\x80\x05" + pts + data

def pictures(codec, options):
    c = av.CodecContext.create(codec, "w")
    c.width, c.height, c.pix_fmt, c.time_base, c.framerate = 320, 240, "yuv420p", Fraction(1, 25), Fraction(25)
    c.gop_size, c.max_b_frames, c.options = 25, 0, {"preset": "ultrafast", **options}
    out = []
    for i in range(50):
        a = np.full((360, 320), 128, np.uint8)
        a[:240] = 16 + (np.arange(320) + 4 * i) % 200
        frame = av.VideoFrame.from_ndarray(a, "yuv420p")
        frame.pts = i
        out += c.encode(frame)
    return out + c.encode(None)

SYSTEM = bytes.fromhex("000001bb000c801f4305e17fe0e080c0c008")
print("version: PyAV", av.__version__, "libavformat", av.library_versions["libavformat"])
for name, codec, kind, options in (("h264.ps", "libx264", 0x1B, {"tune": "zerolatency"}),
                                   ("h265.ps", "libx265", 0x24, {"x265-params": "log-level=none:pools=1"})):
    out = b""
    for i, p in enumerate(pictures(codec, options)):
        t = 90000 + 3600 * i
        out += pack(t) + (SYSTEM + stream_map(kind) if p.is_keyframe else b"")
        out += pes(0xE0, t, bytes(p)) + pes(0xC0, t, b"\xd5\x55" * 160)
    open(name, "wb").write(out + b"\0\0\1\xb9")
    names = [p.stream.codec_context.name for p in av.open(name).demux() if p.size]
    count = {n: names.count(n) for n in set(names)}
    print("FFmpeg   ", name, dict(sorted(count.items())))
    assert count == {"h264" if kind == 0x1B else "hevc": 50, "pcm_alaw": 50}, "the behaviour changed"
PY
python3 make.py

cat >pads.py <<'PY'
"""Lists every pad that mpegpsdemux shows, and every word that it says until the end of the stream."""
import gi, sys
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
for name, want in (("h264.ps", ["video/x-h264"]), ("h265.ps", ["video/x-h265"])):
    pads, said = [], []
    line = Gst.parse_launch(f"filesrc location={name} ! mpegpsdemux name=d")

    def added(_, pad):
        pads.append(pad.query_caps(None).get_structure(0).get_name())
        sink = Gst.ElementFactory.make("fakesink")
        line.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    line.get_by_name("d").connect("pad-added", added)
    line.set_state(Gst.State.PLAYING)
    kinds = Gst.MessageType
    wanted = kinds.EOS | kinds.ERROR | kinds.WARNING | kinds.INFO | kinds.ELEMENT
    while True:
        m = line.get_bus().timed_pop_filtered(20 * Gst.SECOND, wanted)
        if m is None or m.type in (kinds.EOS, kinds.ERROR):
            break
        said.append(m.type.first_value_nick)
    line.set_state(Gst.State.NULL)
    ended = m is not None and m.type == kinds.EOS
    print("GStreamer", name, "pads:", pads, "words:", said, "ended as usual:", ended)
    if (pads, said, ended) != (want, [], True):
        sys.exit("the behaviour changed")
PY
/usr/bin/python3 pads.py
echo "seen: the same bytes have sound in FFmpeg and none in GStreamer, which says nothing about it"
