#!/usr/bin/env bash
# The same samples through GStreamer's, FFmpeg's and npm's G.711 encoders do not give the same bytes.
#
# Guess:   G.711 is a table of 1972: every encoder gives the same byte for a sample.
# Happens: of all 65,536 samples GStreamer and npm's alawmulaw agree on each, FFmpeg writes another byte for
#          about 850, in mu-law and in A-law: samples at the edge between two steps go to the other neighbour.
#          Its output carries a mean offset of -1.5 (of 32,768), the others' none. Bytes that were decoded
#          once survive a second encoding by any of them.
# Means:   a golden file of spoken announcements binds the encoder it was made with. Compare after
#          decoding, within one step, or from samples that were G.711 before; and test silence with the
#          sample 0, which all three write as 0xFF (mu-law) and 0xD5 (A-law).
#
# Needs Debian's gstreamer1.0-tools and gstreamer1.0-plugins-good (1.22.0), node and npm.
set -euo pipefail

need() { # need PACKAGE VERSION-PREFIX
  local have
  have=$(dpkg-query -W -f='${Version}' "$1" 2>/dev/null || true)
  [[ $have == "$2"* ]] || { echo "needs the Debian package $1 $2, found '${have:-none}'" >&2; exit 2; }
  echo "version: $1 $have"
}
need gstreamer1.0-tools 1.22.0
need gstreamer1.0-plugins-good 1.22.0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m pip install -q --no-deps --root-user-action=ignore --target pip av==18.1.0 numpy==2.4.6
npm install --silent --no-audit --no-fund --prefix "$work" alawmulaw@6.0.0
echo "version: PyAV 18.1.0 (FFmpeg), alawmulaw 6.0.0 (npm)"

cat >npm.js <<'JS'
const fs = require('fs'), g711 = require('alawmulaw');
const [from, to, law] = process.argv.slice(2), raw = fs.readFileSync(from);
const samples = new Int16Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
fs.writeFileSync(to, g711[law].encode(samples));
JS
cat >try.py <<'PY'
import subprocess, sys
sys.path.insert(0, "pip")
import av, numpy as np

LAWS = {"mulaw": ("pcm_mulaw", "audio/x-mulaw"), "alaw": ("pcm_alaw", "audio/x-alaw")}
RAW = "rawaudioparse use-sink-caps=false format=pcm pcm-format=s16le sample-rate=8000 num-channels=1"

def gst(*args):
    subprocess.run(["gst-launch-1.0", "-q", *" ".join(args).split()], check=True)

def by_gst(law, samples):
    samples.tofile("in.raw")
    gst(f"filesrc location=in.raw ! {RAW} ! {law}enc ! filesink location=out.g711")
    return np.fromfile("out.g711", np.uint8)

def by_npm(law, samples):
    samples.tofile("in.raw")
    subprocess.run(["node", "npm.js", "in.raw", "out.g711", law], check=True)
    return np.fromfile("out.g711", np.uint8)

def by_ffmpeg(law, samples):
    c = av.CodecContext.create(LAWS[law][0], "w")
    c.sample_rate, c.layout, c.format = 8000, "mono", "s16"
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = 8000
    return np.frombuffer(b"".join(bytes(p) for p in c.encode(frame) + c.encode(None)), np.uint8)

def decode(law, codes):
    c = av.CodecContext.create(LAWS[law][0], "r")
    c.sample_rate, c.layout = 8000, "mono"
    frames = c.decode(av.Packet(codes.tobytes())) + c.decode(None)
    return np.concatenate([f.to_ndarray().ravel() for f in frames]).astype(np.int16)

samples = np.arange(-32768, 32768).astype("<i2")
for law in LAWS:
    table = decode(law, np.arange(256, dtype=np.uint8))
    steps = np.unique(table)  # every level that the law knows, in order
    out = {"GStreamer": by_gst(law, samples), "npm": by_npm(law, samples), "FFmpeg": by_ffmpeg(law, samples)}
    assert all(len(o) == 65536 for o in out.values())
    apart = {n: int((out[n] != out["GStreamer"]).sum()) for n in out}
    place = {n: np.searchsorted(steps, table[o]) for n, o in out.items()}
    most = max(int(abs(place[n] - place["GStreamer"]).max()) for n in out)
    mean = {n: round(float((table[o].astype(int) - samples).mean()), 2) for n, o in out.items()}
    again = {n: bool((table[f(law, table.astype("<i2"))] == table).all())
             for n, f in (("GStreamer", by_gst), ("npm", by_npm), ("FFmpeg", by_ffmpeg))}
    zero = {n: hex(o[32768]) for n, o in out.items()}
    print(f"{law}: bytes unlike GStreamer's {apart}, at most {most} step apart")
    print(f"{law}: mean error {mean}; sample 0 -> {zero}; stable when encoded again {again}")
    assert apart["npm"] == 0 and 800 <= apart["FFmpeg"] <= 900, "the behaviour changed"
    assert most == 1 and abs(mean["GStreamer"]) < 0.1 and mean["FFmpeg"] < -1, "the behaviour changed"
    assert all(again.values()) and len(set(zero.values())) == 1, "the behaviour changed"
PY
python3 try.py
echo "seen: one law, two sets of bytes"
