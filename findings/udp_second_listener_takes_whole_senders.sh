#!/usr/bin/env bash
# A second udpsrc on a port that is in use starts without a word, and takes some senders from the first.
#
# Guess:   udpsrc sets reuse, so both start, and the latest to listen gets all datagrams, as of two sockets with
#          SO_REUSEADDR.
# Happens: GLib sets SO_REUSEPORT beside SO_REUSEADDR, and the kernel gives each sender to one of the two, by a
#          hash of addresses and ports: of sixteen senders some are heard by the first alone and others by the
#          second alone, each whole. Neither says a word.
# Means:   two programs at one port look well with the sender that was tried, and lose the camera when it comes
#          with another port. A probe beside a running agent takes its video, or does not. Set reuse=false for
#          addresses that are no group, and ask the port before: udpsrc tells one that is taken as a setting.
#
# Needs Debian's gstreamer1.0-tools, -plugins-base, -good (1.22.0) and python3.
set -euo pipefail

need() { # need PACKAGE VERSION-PREFIX
  local have; have=$(dpkg-query -W -f='${Version}' "$1" 2>/dev/null || true)
  [[ ${have#*:} == "$2"* ]] || { echo "needs the Debian package $1 $2, found '${have:-none}'" >&2; exit 2; }
  echo "version: $1 $have"
}
need gstreamer1.0-tools 1.22.0
for plugins in base good; do need "gstreamer1.0-plugins-$plugins" 1.22.0; done

work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
port=$(python3 -c 'import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
for name in first second; do
  gst-launch-1.0 -q udpsrc address=127.0.0.1 port="$port" ! filesink buffer-mode=2 location="$name" 2>"$name.err" &
done
python3 - "$port" <<'PY'
"""Sends from sixteen ports, and says who heard whom."""
import socket, sys, time
from pathlib import Path

port, names = int(sys.argv[1]), "abcdefghijklmnop"
senders = {name: socket.socket(type=socket.SOCK_DGRAM) for name in names}
heard = lambda: [path.read_text() if path.exists() else "" for path in (Path("first"), Path("second"))]

def send():
    for name, sender in senders.items():
        sender.sendto(name.encode(), ("127.0.0.1", port))

for _ in range(100):
    send()
    time.sleep(0.2)
    if all(heard()):
        break
time.sleep(1)
before = heard()
for _ in range(10):
    send()
time.sleep(1)
told = [{name: now[len(was):].count(name) for name in names if name in now[len(was):]} for was, now in zip(before, heard())]
print("the first hears ", told[0])
print("the second hears", told[1])
if not (told[0] and told[1]) or set(told[0]) & set(told[1]) or set(told[0].values()) | set(told[1].values()) != {10}:
    sys.exit("the behaviour changed")
PY
[[ ! -s first.err && ! -s second.err ]] || { cat first.err second.err; echo "the behaviour changed: one of them says so" >&2; exit 1; }
echo "seen: both listen at one port, and each sender is heard by one of them alone"
