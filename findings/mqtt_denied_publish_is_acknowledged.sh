#!/usr/bin/env bash
# A publish that the broker's access list denies is acknowledged all the same, and dropped.
#
# Guess:   PUBACK means that the broker has taken the message; one that may not write to a topic gets none, or is cut off.
# Happens: mosquitto 2.0.11 answers a denied QoS 1 publish of MQTT 3.1.1 with the PUBACK of a taken one and drops the
#          message: that packet has no place for a reason. By MQTT 5 the same publish is answered with 0x87, not
#          authorized. Node's aedes 0.51 cuts the connection instead, so "acknowledged" means another thing by broker.
# Means:   with 3.1.1 an acknowledged report may have reached nobody. Speak MQTT 5 where the broker does, read the
#          reason of each PUBACK, and try a topic once with a subscription of one's own when a site is set up.
#
# Needs Debian's mosquitto and mosquitto-clients (2.0.11), node and npm. Speaks to 127.0.0.1 alone.
set -euo pipefail

need() { # need PACKAGE VERSION-PREFIX
  local have; have=$(dpkg-query -W -f='${Version}' "$1" 2>/dev/null || true)
  [[ $have == "$2"* ]] || { echo "needs the Debian package $1 $2, found '${have:-none}'" >&2; exit 2; }
  echo "version: $1 $have"
}
need mosquitto 2.0.11
need mosquitto-clients 2.0.11

work=$(mktemp -d)
children=()
trap '(( ${#children[@]} == 0 )) || kill "${children[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" aedes@0.51.3
echo "version: aedes 0.51.3"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
await() { for _ in $(seq 100); do (: >"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.1; done; exit 2; }
port=$(free_port)
printf 'listener %s 127.0.0.1\nallow_anonymous true\nacl_file %s/acl\n' "$port" "$work" >broker.conf
printf 'topic read #\ntopic readwrite open/#\n' >acl
# Started by root, the broker reads its files as a user of its own.
chmod 755 "$work"
"$(command -v mosquitto || echo /usr/sbin/mosquitto)" -c broker.conf >broker.log 2>&1 &
children+=($!)
cat >aedes.js <<'JS'
const aedes = require('aedes')();
aedes.authorizePublish = (client, packet, done) => done(packet.topic.startsWith('open/') ? null : new Error('denied'));
require('net').createServer(aedes.handle).listen(Number(process.argv[2]), '127.0.0.1');
JS
other=$(free_port)
node aedes.js "$other" &
children+=($!)
await "$port"
await "$other"

publish() { # publish PORT VERSION TOPIC: what the client saw
  timeout 10 mosquitto_pub -h 127.0.0.1 -p "$1" -V "$2" -q 1 -t "$3" -m alarm -d 2>&1 | grep -oE 'received (PUBACK|DISCONNECT).*|The connection was lost.*' | head -1 || true
}
mosquitto_sub -h 127.0.0.1 -p "$port" -t '#' -v >got.txt &
children+=($!)
for _ in $(seq 50); do publish "$port" mqttv311 open/ready >/dev/null; [[ -s got.txt ]] && break; sleep 0.1; done
old=$(publish "$port" mqttv311 site/alarm)
new=$(publish "$port" mqttv5 site/alarm)
cut=$(publish "$other" mqttv311 site/alarm)
publish "$port" mqttv311 open/last >/dev/null
for _ in $(seq 50); do grep -q open/last got.txt && break; sleep 0.1; done
printf 'mosquitto, 3.1.1: %s\nmosquitto, 5:     %s\naedes, 3.1.1:     %s\n' "$old" "$new" "${cut:-no acknowledgement}"
echo "arrived: $(sort -u got.txt | cut -d' ' -f1 | tr '\n' ' ')"
grep -q site/alarm got.txt && { echo "the access list is not the one that was meant" >&2; exit 1; }
[[ $old == *PUBACK*RC:0* ]] || { echo "the behaviour changed: 3.1.1" >&2; exit 1; }
[[ $new == *PUBACK*RC:135* ]] || { echo "the behaviour changed: 5" >&2; exit 1; }
[[ $cut != *PUBACK* ]] || { echo "the behaviour changed: aedes" >&2; exit 1; }
echo "seen: by MQTT 3.1.1 the denied publish was acknowledged and dropped"
