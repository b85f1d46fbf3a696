#!/usr/bin/env bash
# After a key picture that was lost, H.264 players show nothing up to the next one, and say nothing; of H.265 they show damage.
#
# Guess:   the pictures after it refer to others than they should, so a decoder shows them damaged and complains, in both codings.
# Happens: ffmpeg 5.1 leaves out every H.264 picture up to the next key picture without a word at the level of errors; the file
#          holds 29 pictures and 21 are shown. VLC and Chromium, which decode by the same library, do so too; neither
#          `-flags +output_corrupt` nor `-flags2 +showall` brings them. Of H.265 all 29 are shown, damaged, with one complaint.
# Means:   a clean decode proves nothing about a clip: count what is shown against what is in the file. What was lost
#          on the way takes the pictures behind it along, though all of them are in the file.
#
# Needs Debian's ffmpeg (5.1).
set -euo pipefail

have=$(dpkg-query -W -f='${Version}' ffmpeg 2>/dev/null || true)
[[ ${have#*:} == 5.1* ]] || { echo "needs the Debian package ffmpeg 5.1, found '${have:-none}'" >&2; exit 2; }
echo "version: ffmpeg $have"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

shown() { # shown CODING [FLAGS]: how many pictures of the film without its second key picture are decoded
  ffmpeg -v error ${2:+-flags "$2"} -i "$1.mkv" -f framecrc - 2>"$1.said" | grep -vc '^#'
}
params=keyint=10:min-keyint=10:scenecut=0:bframes=0
for coding in x264 x265; do
  ffmpeg -v error -f lavfi -i testsrc2=size=128x96:rate=25 -frames:v 30 -c:v "lib$coding" \
    "-$coding-params" "$params$([[ $coding == x264 ]] || echo :log-level=none)" whole.mkv
  # The eleventh picture, a key picture, is lost.
  ffmpeg -v error -i whole.mkv -c copy -bsf:v 'noise=drop=eq(n\,10)' "$coding.mkv"
  rm whole.mkv
  echo "$coding: 29 in the file, $(shown $coding) shown, $(wc -l <$coding.said) complaints, $(shown $coding +output_corrupt) with output_corrupt"
done

[[ $(shown x264) == 21 && ! -s x264.said && $(shown x264 +output_corrupt) == 21 ]] || { echo "the behaviour changed"; exit 1; }
[[ $(shown x265) == 29 && -s x265.said ]] || { echo "the behaviour changed"; exit 1; }
echo "seen: eight H.264 pictures behind a lost one are not shown, and nothing is said"
