#!/usr/bin/env bash
# GStreamer's own H.264 payloader and depayloader make more pictures than the encoder gave.
#
# Guess:   `rtph264pay config-interval=-1` puts the parameter sets in front of each IDR picture, once. What
#          `rtph264depay` hands on as access units are then the pictures that were sent, each whole.
# Happens: the sets go in front of each IDR *slice*. With one slice a picture nobody notices. With four, as
#          hardware encoders and low-latency presets write, sets stand between the slices of one picture,
#          and the depayloader takes them for the begin of the next: of 60 pictures, 3 of them IDR, come 69
#          units, and each of the surplus ones is a quarter of a key picture. Asked for `avc` in place of
#          `byte-stream` the same element gives 60. No word is said in any case.
# Means:   count pictures by their slices (first_mb_in_slice = 0), not by units; join what belongs to one
#          time stamp before a clip or the pre-roll ring sees it; a simulated camera built on GStreamer
#          sends its sets by the description alone.
#
# Needs Debian's gstreamer1.0-tools, -plugins-base, -good, -bad and -ugly (1.22.0).
set -euo pipefail

need() { # need PACKAGE VERSION-PREFIX
  local have; have=$(dpkg-query -W -f='${Version}' "$1" 2>/dev/null || true)
  [[ $have == "$2"* ]] || { echo "needs the Debian package $1 $2, found '${have:-none}'" >&2; exit 2; }
  echo "version: $1 $have"
}
need gstreamer1.0-tools 1.22.0
for plugins in base good bad ugly; do need "gstreamer1.0-plugins-$plugins" 1.22.0; done

units() { # units SLICES CONFIG-INTERVAL STREAM-FORMAT
  gst-launch-1.0 -v videotestsrc num-buffers=60 ! video/x-raw,width=320,height=240,framerate=25/1 \
    ! x264enc key-int-max=20 bframes=0 option-string="slices=$1:scenecut=0" ! h264parse \
    ! rtph264pay config-interval="$2" ! rtph264depay ! "video/x-h264,stream-format=$3,alignment=au" \
    ! fakesink silent=false 2>&1 | grep -c 'chain '
}

seen=""
for try in "1 -1 byte-stream" "4 0 byte-stream" "4 -1 byte-stream" "4 -1 avc"; do
  # shellcheck disable=SC2086 # three words are three arguments
  n=$(units $try)
  echo "slices, config-interval, format: $try: $n units of 60 pictures"
  seen+="$n "
done
[[ $seen == "60 60 69 60 " ]] || { echo "the behaviour changed" >&2; exit 1; }
echo "seen: sets between the slices of a key picture split it"
