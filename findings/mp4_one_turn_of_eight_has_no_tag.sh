#!/usr/bin/env bash
# GStreamer tells seven of the eight ways in which an MP4 track can be turned, and is silent about the eighth.
#
# Guess:   a track header's matrix is one of eight turns, as in EXIF. qtdemux gives a tag image-orientation for
#          each but the first, which means upright, so no tag is as good as "upright".
# Happens: qtdemux 1.22 gives a tag for EXIF 2 to 6 and 8. For EXIF 7, mirrored along the other diagonal
#          (matrix 0 -1 -1 0), there is no tag and no warning, as if the recording were upright.
# Means:   "no tag" is not "upright": read the matrix from the box where a lying picture costs detections, or
#          say in the table of what is taken that this one is not.
#
# Needs Debian's gstreamer1.0-tools, -plugins-base, -good, -bad and -ugly (1.22.0) and python3.
set -euo pipefail

need() { # need PACKAGE VERSION-PREFIX
  local have; have=$(dpkg-query -W -f='${Version}' "$1" 2>/dev/null || true)
  [[ $have == "$2"* ]] || { echo "needs the Debian package $1 $2, found '${have:-none}'" >&2; exit 2; }
  echo "version: $1 $have"
}
need gstreamer1.0-tools 1.22.0
for plugins in base good bad ugly; do need "gstreamer1.0-plugins-$plugins" 1.22.0; done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
gst-launch-1.0 -q videotestsrc num-buffers=5 ! video/x-raw,width=320,height=240 ! x264enc ! h264parse ! mp4mux \
  ! filesink location=upright.mp4

cat >turns.py <<'PY'
"""Writes the same recording with each of the eight matrices (ISO/IEC 14496-12, 8.3.2) and lists qtdemux's tags."""
import re, struct, subprocess, sys

clip = open("upright.mp4", "rb").read()
header = clip.index(b"tkhd") + 4
at = header + (52 if clip[header] == 1 else 40)
w, h = 320 << 16, 240 << 16
turns = {1: (1, 0, 0, 1, 0, 0), 2: (-1, 0, 0, 1, w, 0), 3: (-1, 0, 0, -1, w, h), 4: (1, 0, 0, -1, 0, h),
         5: (0, 1, 1, 0, 0, 0), 6: (0, 1, -1, 0, h, 0), 7: (0, -1, -1, 0, h, w), 8: (0, -1, 1, 0, 0, w)}
want = {1: None, 2: "flip-rotate-0", 3: "rotate-180", 4: "flip-rotate-180",
        5: "flip-rotate-270", 6: "rotate-90", 7: None, 8: "rotate-270"}
seen = {}
for exif, (a, b, c, d, x, y) in turns.items():
    matrix = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, x, y, 1 << 30)
    name = f"exif{exif}.mp4"
    open(name, "wb").write(clip[:at] + matrix + clip[at + 36:])
    line = ["gst-launch-1.0", "-t", "filesrc", f"location={name}", "!", "qtdemux", "!", "fakesink"]
    said = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    tag = re.search(r"image orientation: (\S+)", said)
    seen[exif] = tag and tag.group(1)
    print(f"EXIF {exif}: {seen[exif] or 'no tag'}")
if seen != want:
    sys.exit("the behaviour changed")
PY
python3 turns.py
echo "seen: EXIF 7 is told no more than EXIF 1"
