#!/usr/bin/env bash
# A film without a stated frame rate loses its last picture in MP4, and one more with each re-encoding.
#
# Guess:   each buffer has its duration, so the muxer knows how long the last picture lasts, whatever the caps say.
# Happens: where the caps say framerate=0/1 (variable, as of a camera whose stream states no rate), the encoder drops the
#          durations; mp4mux 1.22 gives the last sample none, and its edit list ends where that sample begins. The
#          file holds 100 pictures and says so (nb_frames), players and ffprobe show 99. With 25/1 in the caps all come.
# Means:   the last picture of an evidence clip is often the one that matters. State a rate in the caps even where
#          pictures come when they like, and count what a player shows, never what the file says.
#
# Needs Debian's python3-gst-1.0, gstreamer1.0-plugins-base, -good, -bad, -ugly (1.22.0) and ffmpeg (5.1).
set -euo pipefail

need() { # need PACKAGE VERSION-PREFIX
  local have; have=$(dpkg-query -W -f='${Version}' "$1" 2>/dev/null || true)
  [[ ${have#*:} == "$2"* ]] || { echo "needs the Debian package $1 $2, found '${have:-none}'" >&2; exit 2; }
  echo "version: $1 $have"
}
for plugins in base good bad ugly; do need "gstreamer1.0-plugins-$plugins" 1.22.0; done
need python3-gst-1.0 1.22
need ffmpeg 5.1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >film.py <<'PY'
"""Writes 100 grey pictures of 40 ms each, with a frame rate in the caps or without one."""
import sys
import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst

rate, path = sys.argv[1:]
Gst.init(None)
line = Gst.parse_launch(
    f"appsrc name=in format=time caps=video/x-raw,format=I420,width=64,height=48,framerate={rate} "
    f"! x264enc bframes=0 key-int-max=10 ! h264parse ! mp4mux ! filesink location={path}")
source = line.get_by_name("in")
line.set_state(Gst.State.PLAYING)
for n in range(100):
    picture = Gst.Buffer.new_wrapped(bytes([n + 50]) * (64 * 48) + bytes([128]) * (64 * 48 // 2))
    picture.pts, picture.duration = n * 40 * Gst.MSECOND, 40 * Gst.MSECOND
    source.emit("push-buffer", picture)
source.emit("end-of-stream")
end = line.get_bus().timed_pop_filtered(60 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
line.set_state(Gst.State.NULL)
sys.exit(0 if end and end.type == Gst.MessageType.EOS else "the film was not written")
PY
count() { # count FILE: what the file says, and what is shown
  ffprobe -v error -count_frames -select_streams v -show_entries stream=nb_frames,nb_read_frames -of csv=p=0 "$1"
}
/usr/bin/python3 film.py 25/1 stated.mp4
/usr/bin/python3 film.py 0/1 open.mp4
echo "rate stated:  says, shows: $(count stated.mp4)"
echo "rate open:    says, shows: $(count open.mp4)"
[[ $(count stated.mp4) == 100,100 ]] || { echo "the film is not the one that was meant" >&2; exit 1; }
[[ $(count open.mp4) == 100,99 ]] || { echo "the behaviour changed" >&2; exit 1; }
echo "seen: without a rate in the caps the last picture is in the file and is not shown"
