#!/usr/bin/env bash
# Motion JPEG over RTP changes the size of the picture, or loses the picture, by its size alone.
#
# Guess:   a payloader refuses a picture above 2040 px (the RTP header of RFC 2435 counts blocks of
#          8 px in one byte); any smaller size arrives as it was sent, the JPEG itself knows it.
# Happens: 854x480 and 1366x768 arrive 2 px wider (856, 1368), and 1366x770 also 6 px higher, in GStreamer and
#          in FFmpeg: the receiver makes a new JPEG header from the rounded count. 2688x1520 is sent
#          with size 0x0 and `x-dimensions` in the SDP: GStreamer shows it, FFmpeg refuses each picture.
# Means:   scale zones and masks by the size of the decoded picture, never by the size that ONVIF or
#          the camera's page states; the rest columns are padding, not scene. Do not offer a re-stream as
#          Motion JPEG above 2040 px: a viewer built on FFmpeg stays black.
#
# Needs Debian's gstreamer1.0-tools and gstreamer1.0-plugins-good (1.22.0). Speaks to 127.0.0.1 alone.
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

cat >try.py <<'PY'
import re, socket, subprocess, sys
sys.path.insert(0, "pip")
import av

print("version: PyAV", av.__version__, "libavformat", av.library_versions["libavformat"])
av.logging.set_level(None)

def source(w, h, count):
    return (f"videotestsrc num-buffers={count} is-live=true ! video/x-raw,format=I420,width={w},height={h},framerate=10/1 "
            "! jpegenc ! rtpjpegpay")

def in_gstreamer(w, h):
    line = source(w, h, 2) + " ! rtpjpegdepay ! jpegdec name=seen ! fakesink"
    log = subprocess.run(["gst-launch-1.0", "-v", *line.split()], capture_output=True, text=True, timeout=30).stdout
    caps = re.findall(r"GstJpegDec:seen.GstPad:src: caps = .*?width=\(int\)(\d+), height=\(int\)(\d+)", log)
    return tuple(map(int, caps[-1])) if caps else None

def in_ffmpeg(w, h):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1] & ~1  # RTP takes an even port
    with open("stream.sdp", "w") as f:
        f.write("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=camera\nc=IN IP4 127.0.0.1\nt=0 0\n"
                f"m=video {port} RTP/AVP 26\na=x-dimensions:{w},{h}\n")
    line = source(w, h, 80) + f" ! udpsink host=127.0.0.1 port={port}"
    sender = subprocess.Popen(["gst-launch-1.0", "-q", *line.split()])
    try:
        options = {"protocol_whitelist": "file,udp,rtp", "buffer_size": "4000000"}
        with av.open("stream.sdp", options=options, timeout=8) as box:
            for frame in box.decode(video=0):
                return frame.width, frame.height
    except av.FFmpegError as e:
        return type(e).__name__
    finally:
        sender.terminate()
        sender.wait()

want = {(640, 480): ((640, 480), (640, 480)), (854, 480): ((856, 480), (856, 480)),
        (1366, 768): ((1368, 768), (1368, 768)), (1366, 770): ((1368, 776), (1368, 776)),
        (2688, 1520): ((2688, 1520), "InvalidDataError")}
changed = False
for size, expected in want.items():
    seen = in_gstreamer(*size), in_ffmpeg(*size)
    print(f"sent {size}: GStreamer shows {seen[0]}, FFmpeg {seen[1]}")
    changed |= seen != expected
sys.exit("the behaviour changed" if changed else 0)
PY
python3 try.py
echo "seen: sizes grow to multiples of 8, and above 2040 px FFmpeg has no picture"
