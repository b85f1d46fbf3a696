#!/usr/bin/env bash
# A GB/T 28181 session description loses its SSRC in general SDP parsers.
#
# Guess:   `y=` (the SSRC that the platform assigns) and `f=` (the wished media) stand at the end of the
#          SDP of each INVITE. A general parser keeps unknown lines aside, as sdp-transform does with
#          unknown attributes in `invalid`, or it refuses all: RFC 8866, section 5, tells a parser
#          to ignore a description with an unknown line type.
# Happens: sdp-transform (npm and PyPI) and GStreamer's GstSDP all answer "fine", and both lines are gone: no
#          entry in `invalid`, no error, nothing in the text that is written back.
# Means:   write and read `y=` and `f=` by own code around the library, and look for `y=` in the raw
#          text. A peer that is built on such a parser answers without `y=` or with an SSRC of its own,
#          so a stream is matched by its port as well, never by SSRC alone.
#
# Needs Debian's python3-gi and gir1.2-gst-plugins-base-1.0 (GStreamer 1.22.0), node and npm.
set -euo pipefail

need() { # need PACKAGE VERSION-PREFIX
  local have
  have=$(dpkg-query -W -f='${Version}' "$1" 2>/dev/null || true)
  [[ $have == "$2"* ]] || { echo "needs the Debian package $1 $2, found '${have:-none}'" >&2; exit 2; }
  echo "version: $1 $have"
}
need python3-gi 3.42
need gir1.2-gst-plugins-base-1.0 1.22.0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m pip install -q --no-deps --root-user-action=ignore --target pip sdp-transform==1.1.0
npm install --silent --no-audit --no-fund --prefix "$work" sdp-transform@3.0.0
echo "version: sdp-transform 3.0.0 (npm), 1.1.0 (PyPI)"

# An answer as a camera gives it to a platform; identifiers and the address are made up.
printf '%s\r\n' v=0 'o=34020000001320000001 0 0 IN IP4 192.0.2.9' s=Play 'c=IN IP4 192.0.2.9' 't=0 0' \
  'm=video 30000 RTP/AVP 96 98' a=recvonly 'a=rtpmap:96 PS/90000' 'a=rtpmap:98 H264/90000' \
  y=0200000001 f=v/2/5/25/1/4000a/1/8/1 >gb.sdp

cat >npm.js <<'JS'
const sdp = require('sdp-transform');
const parsed = sdp.parse(require('fs').readFileSync('gb.sdp', 'utf8'));
const known = JSON.stringify(parsed);
console.log(JSON.stringify({
  media: parsed.media.length,
  invalid: (parsed.invalid || []).length + (parsed.media[0].invalid || []).length,
  model_has_ssrc: known.includes('0200000001') || known.includes('200000001'),
  text_has_y: /^y=/m.test(sdp.write(parsed)), text_has_f: /^f=/m.test(sdp.write(parsed)) }));
JS
cat >pypi.py <<'PY'
import json, re, sys
sys.path.insert(0, "pip")
import sdp_transform as sdp
parsed = sdp.parse(open("gb.sdp", newline="").read())
text = sdp.write(parsed)
print(json.dumps({
    "media": len(parsed["media"]),
    "invalid": len(parsed.get("invalid", [])) + len(parsed["media"][0].get("invalid", [])),
    "model_has_ssrc": "200000001" in repr(parsed).replace("34020000001320000001", ""),
    "text_has_y": bool(re.search("^y=", text, re.M)), "text_has_f": bool(re.search("^f=", text, re.M))}))
PY
cat >gst.py <<'PY'
import json, re
import gi
gi.require_version("GstSdp", "1.0")
from gi.repository import GstSdp
_, message = GstSdp.SDPMessage.new()
result = GstSdp.sdp_message_parse_buffer(open("gb.sdp", "rb").read(), message)
text = message.as_text()
print(json.dumps({
    "media": message.medias_len(), "invalid": int(result != GstSdp.SDPResult.OK),
    "model_has_ssrc": "0200000001" in text,
    "text_has_y": bool(re.search("^y=", text, re.M)), "text_has_f": bool(re.search("^f=", text, re.M))}))
PY
node npm.js | sed 's/^/npm sdp-transform:  /' >seen
python3 pypi.py | sed 's/^/PyPI sdp-transform: /' >>seen
/usr/bin/python3 gst.py | sed 's/^/GStreamer GstSDP:   /' >>seen
cat seen

python3 - <<'PY'
import json
want = {"media": 1, "invalid": 0, "model_has_ssrc": False, "text_has_y": False, "text_has_f": False}
lines = open("seen").read().splitlines()
assert len(lines) == 3, lines
for line in lines:
    seen = json.loads(line[line.index("{"):])
    assert seen == want, f"the behaviour changed: {line}"
PY
echo "seen: three parsers take the description, and y= and f= are gone without a word"
