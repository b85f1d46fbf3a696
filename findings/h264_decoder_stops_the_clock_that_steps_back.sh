#!/usr/bin/env bash
# A camera's clock steps back by a second, and GStreamer's H.264 decoder gives the pictures after that one and the same time.
#
# Guess:   a decoded picture bears the time stamp of the access unit that it was made of, wherever that lies.
# Happens: the parser passes the stamps on as they are. The decoder gives every picture whose stamp lies before that of the one
#          before it the time of that one, until the stamps have caught up: of a step by one second at ten pictures a second
#          eleven pictures in a row lie at one instant. Without a word.
# Means:   speeds, dwell times and overlays that go by the time of decoded pictures stand still and then jump. Whoever maps a
#          camera's time to his own does so before the decoder, where the stamps are still those of the camera.
#
# Needs Debian's gstreamer1.0-libav, gstreamer1.0-plugins-ugly (1.22) and python3-gi. Opens no connection.
set -euo pipefail

need() { # need PACKAGE VERSION-PREFIX
  local have; have=$(dpkg-query -W -f='${Version}' "$1" 2>/dev/null || true)
  [[ $have == "$2"* ]] || { echo "needs the Debian package $1 $2, found '${have:-none}'" >&2; exit 2; }
  echo "version: $1 $have"
}
need gstreamer1.0-libav 1.22
need gstreamer1.0-plugins-ugly 1.22
need python3-gi 3.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/step.py" <<'PY'
import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst

Gst.init(None)
STEP_AT, STEP_MS = 15, 1000


def pulled(pipeline):
    sink = pipeline.get_by_name("sink")
    while (sample := sink.emit("pull-sample")) is not None:
        yield sample
    pipeline.set_state(Gst.State.NULL)


def encoded():
    """Thirty access units of a test picture, ten a second, and their caps."""
    pipeline = Gst.parse_launch(
        "videotestsrc num-buffers=30 ! video/x-raw,width=64,height=48,framerate=10/1 ! x264enc bframes=0 key-int-max=10"
        " tune=zerolatency ! h264parse ! video/x-h264,stream-format=byte-stream,alignment=au ! appsink name=sink sync=false"
    )
    pipeline.set_state(Gst.State.PLAYING)
    samples = list(pulled(pipeline))
    return [s.get_buffer().extract_dup(0, s.get_buffer().get_size()) for s in samples], samples[0].get_caps()


def times_behind(element, units, caps):
    """The times in ms that buffers have behind an element, where those before it step back."""
    pipeline = Gst.parse_launch(f"appsrc name=source format=time ! {element} ! appsink name=sink sync=false")
    source = pipeline.get_by_name("source")
    source.set_property("caps", caps)
    pipeline.set_state(Gst.State.PLAYING)
    for number, unit in enumerate(units):
        buffer = Gst.Buffer.new_wrapped(unit)
        at_ms = number * 100 - (STEP_MS if number >= STEP_AT else 0)
        buffer.pts = buffer.dts = at_ms * Gst.MSECOND
        source.emit("push-buffer", buffer)
    source.emit("end-of-stream")
    return [sample.get_buffer().pts // Gst.MSECOND for sample in pulled(pipeline)]


units, caps = encoded()
given = [number * 100 - (STEP_MS if number >= STEP_AT else 0) for number in range(len(units))]
parsed = times_behind("h264parse", units, caps)
decoded = times_behind("avdec_h264", units, caps)
print("given  ", given)
print("parsed ", parsed)
print("decoded", decoded)
assert parsed == given, "the parser changes stamps"
assert decoded == [max(given[: number + 1]) for number in range(len(given))], "the decoder behaves otherwise now"
assert decoded.count(1400) == 11
print("seen: 11 pictures in a row at 1400 ms")
PY
/usr/bin/python3 "$work/step.py"
