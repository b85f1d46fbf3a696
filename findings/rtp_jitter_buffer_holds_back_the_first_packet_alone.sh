#!/usr/bin/env bash
# GStreamer's RTP jitter buffer delays a stream by its `latency` at the start, and not at all afterwards.
#
# Guess:   `rtpjitterbuffer latency=1000`, which `rtspsrc latency=` sets, hands each packet on a second after it
#          came. When a picture was sent is then told by when it came out, less one second.
# Happens: the first packet is held for the second, and all that came meanwhile leave with it at once. From
#          then on packets that come in order leave as they come: of a camera of 25 pictures a second the
#          first comes out 1.00 s late, the thirteenth 0.52 s, and from the twenty-sixth on each at once. Time
#          stamps say nothing of it: they are those of arrival. Only a sink that synchronises waits, and one
#          that takes what there is, as an analysis does, sees the present.
# Means:   the least difference of arrival and time stamp over *few* packets at the start is too large, over a
#          second and more it is right without anything taken off; whoever takes the latency off puts every
#          picture of a camera without RTCP reports a latency too early, beside a stream that has reports.
#
# Needs Debian's gstreamer1.0-tools, -plugins-base and -good (1.22.0) and python3.
set -euo pipefail

need() { # need PACKAGE VERSION-PREFIX
  local have; have=$(dpkg-query -W -f='${Version}' "$1" 2>/dev/null || true)
  [[ $have == "$2"* ]] || { echo "needs the Debian package $1 $2, found '${have:-none}'" >&2; exit 2; }
  echo "version: $1 $have"
}
need gstreamer1.0-tools 1.22.0
for plugins in base good; do need "gstreamer1.0-plugins-$plugins" 1.22.0; done

gst-launch-1.0 -v videotestsrc is-live=true num-buffers=75 ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 \
  ! jpegenc ! rtpjpegpay ! rtpjitterbuffer latency=1000 ! fakesink sync=false silent=false 2>/dev/null | python3 -u -c '
import re, sys, time

seen = []
for line in sys.stdin:
    found = re.search(r"chain .*pts: \d+:(\d+):([\d.]+)", line)
    if found:
        seen.append(time.monotonic() - int(found[1]) * 60 - float(found[2]))
late = [each - min(seen) for each in seen]
print(f"{len(late)} packets; seconds late: the first {late[0]:.2f}, the 13th {late[12]:.2f}, "
      f"the middle one of those from the 30th on {sorted(late[29:])[len(late[29:]) // 2]:.2f}")
steady = sorted(late[29:])[len(late[29:]) // 2]
sys.exit(not (len(late) == 75 and late[0] > 0.8 and 0.3 < late[12] < 0.7 and steady < 0.2))
' || { echo "the behaviour changed" >&2; exit 1; }
