#!/usr/bin/env bash
# H.264 of which slices were lost looks different for each number of threads that libavcodec decodes it with.
#
# Guess:   decoding is exact to the bit by its standard, and libavcodec's regression tests run on many threads, so a replay
#          that must give the same result every time may decode on as many threads as there are.
# Happens: what is whole comes out the same on 1, 2 and 4 threads. Where a network lost one slice in twenty, each number of
#          threads gives other pictures, by frame threads and by slice threads alike, and none fewer or more: what is
#          missing is filled from what happens to be decoded by then. Nothing tells.
# Means:   whoever must decide the same twice decodes on one thread, or on as many as before; recordings of cameras lack
#          what their networks lost. Speed is to be had elsewhere: by looking while the next pictures decode.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
ffmpeg -version | sed -n 's/^ffmpeg version \([^ ]*\).*/version: ffmpeg \1/p'

ffmpeg -v error -f lavfi -i testsrc2=size=640x360:rate=10:duration=20 -vf noise=alls=12:allf=t \
  -c:v libx264 -preset veryfast -bf 0 -g 20 -b:v 500k -threads 1 -x264-params slices=4 -f h264 whole.h264
python3 - <<'PY'
import random
dice, units = random.Random(4), open("whole.h264", "rb").read().split(b"\0\0\1")[1:]
is_lost = lambda unit: unit[0] & 31 == 1 and dice.random() < 0.05
kept = [unit for unit in units if not is_lost(unit)]
open("lossy.h264", "wb").write(b"".join(b"\0\0\1" + unit for unit in kept))
print(f"{len(units) - len(kept)} of {len(units)} units are lost, none of them of a key picture")
PY

# How many pictures come out, and what is in all of them.
decoded() {
  ffmpeg -v quiet -threads "$2" -thread_type "$3" -i "$1.h264" -f framemd5 - | grep -v '^#' | awk '{print $NF}' >frames
  echo "$(wc -l <frames) pictures, $(md5sum <frames | cut -c1-12)"
}
declare -A seen
for clip in whole lossy; do
  for how in "1 frame" "2 frame" "4 frame" "2 slice"; do
    # shellcheck disable=SC2086
    seen[$clip $how]=$(decoded $clip $how)
    echo "$clip, ${how% *} thread(s) by ${how#* }: ${seen[$clip $how]}"
  done
done

for how in "2 frame" "4 frame" "2 slice"; do
  [ "${seen[whole $how]}" = "${seen[whole 1 frame]}" ] || { echo "the behaviour changed: whole pictures differ"; exit 1; }
done
differ=$(for how in "1 frame" "2 frame" "4 frame"; do echo "${seen[lossy $how]}"; done | sort -u | wc -l)
[ "$differ" = 3 ] || { echo "the behaviour changed: pictures after a loss are alike on several threads"; exit 1; }
echo "seen: whole pictures are the same on any number of threads, those after a loss differ on each"
