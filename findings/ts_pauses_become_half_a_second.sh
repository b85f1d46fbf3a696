#!/usr/bin/env bash
# A transport stream with few pictures plays too fast: each pause becomes half a second.
#
# Guess:   the times of a recording are those that it states. At one picture a second tsdemux gives 0, 1, 2, 3 … s.
# Happens: tsdemux 1.22 follows the clock of the stream (PCR), takes each step of more than half a second for a
#          jump of that clock, and goes on half a second later: six pictures of six seconds last half as long.
#          ffprobe reads the stated times. A time lapse, or a camera at night, is watched at double speed.
# Means:   dwell and parking times of such recordings come out too short by half. Read the times of the packets
#          themselves (PES) where a file is played, or measure against a second reader.
#
# Needs Debian's gstreamer1.0-tools, -plugins-base, -good, -bad (1.22.0), ffmpeg (5.1) and python3.
set -euo pipefail

need() { # need PACKAGE VERSION-PREFIX
  local have; have=$(dpkg-query -W -f='${Version}' "$1" 2>/dev/null || true)
  [[ ${have#*:} == "$2"* ]] || { echo "needs the Debian package $1 $2, found '${have:-none}'" >&2; exit 2; }
  echo "version: $1 $have"
}
need gstreamer1.0-tools 1.22.0
for plugins in base good bad; do need "gstreamer1.0-plugins-$plugins" 1.22.0; done
need ffmpeg 5.1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
ffmpeg -v error -f lavfi -i testsrc=duration=12:rate=1:size=320x240 -c:v libx264 -bf 0 -g 3 slow.ts
stated=$(ffprobe -v error -select_streams v -show_entries packet=pts_time -of csv=p=0 slow.ts | grep -oE '^[0-9.]+' | head -7)
gst-launch-1.0 -v filesrc location=slow.ts ! tsdemux ! h264parse ! identity silent=false ! fakesink sync=false \
  | grep -o 'identity0:sink).*pts: [0-9:.]*' | grep -o '[0-9:.]*$' | head -7 >given.txt

python3 - "$stated" <<'PY'
"""Compares the steps between pictures, leaving out the first, which belongs to no pause yet."""
import sys

def seconds(text):
    h, m, s = text.split(":")
    return 3600 * int(h) + 60 * int(m) + float(s)

stated = [float(line) for line in sys.argv[1].split()]
given = [seconds(line) for line in open("given.txt").read().split()]
steps = lambda times: [round(b - a, 2) for a, b in zip(times, times[1:])]
print("stated steps:", steps(stated))
print("given steps: ", steps(given))
if any(abs(step - 1) > 0.01 for step in steps(stated)):
    sys.exit("the recording is not the one that was meant")
if sum(abs(step - 0.5) < 0.05 for step in steps(given)) < 3:
    sys.exit("the behaviour changed")
PY
echo "seen: pauses of a second came as half a second"
