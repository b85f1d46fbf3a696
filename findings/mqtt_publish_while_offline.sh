#!/usr/bin/env bash
# What becomes of a publish while the broker is away differs by client, and the return code misleads.
#
# Guess:   QoS 0 is dropped while there is no connection, QoS 1 is queued; an error from `publish` means
#          that the message was not taken, so the caller keeps it and publishes it again.
# Happens: paho answers rc 4, "not currently connected", for QoS 0, 1 AND 2, yet it keeps the messages of QoS 1
#          and 2 and sends them at the next connect: the caller who tries again sends twice, at QoS 2 as
#          well. mqtt.js keeps a QoS 0 message and sends it whenever the broker comes back.
# Means:   a "siren on" that a home-automation script (mqtt.js) published at QoS 0 may come in hours
#          later as if it were fresh: commands need an expiry or a time of their own, and we refuse old
#          ones. Alarms from peers on paho come twice: drop repeats by the event's id, never by the QoS.
#
# Needs Debian's mosquitto (2.0.11), node and npm. Speaks to 127.0.0.1 alone.
set -euo pipefail

need() { # need PACKAGE VERSION-PREFIX
  local have
  have=$(dpkg-query -W -f='${Version}' "$1" 2>/dev/null || true)
  [[ $have == "$2"* ]] || { echo "needs the Debian package $1 $2, found '${have:-none}'" >&2; exit 2; }
  echo "version: $1 $have"
}
need mosquitto 2.0.11

work=$(mktemp -d)
broker=
trap '[[ -z $broker ]] || kill "$broker" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m pip install -q --no-deps --root-user-action=ignore --target pip paho-mqtt==2.2.0
npm install --silent --no-audit --no-fund --prefix "$work" mqtt@5.16.0
echo "version: paho-mqtt 2.2.0, mqtt.js 5.16.0"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port)
printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$port" >broker.conf
"$(command -v mosquitto || echo /usr/sbin/mosquitto)" -c broker.conf >broker.log 2>&1 &
broker=$!
for _ in $(seq 50); do (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done

cat >paho.py <<'PY'
import sys, time
sys.path.insert(0, "pip")
import paho.mqtt.client as mqtt
port, got = int(sys.argv[1]), []
watcher = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
watcher.on_message = lambda client, data, m: got.append(m.payload.decode())
subscribed = []
watcher.on_subscribe = lambda *a: subscribed.append(True)
watcher.connect("127.0.0.1", port)
watcher.subscribe("site/#", 2)
watcher.loop_start()
while not subscribed:
    time.sleep(0.05)

sender = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="sender")
codes = []
for qos in (0, 1, 2):
    info = sender.publish("site/alarm", f"qos{qos}", qos=qos)
    codes.append(int(info.rc))
    if info.rc != mqtt.MQTT_ERR_SUCCESS:  # what a careful caller does
        sender.publish("site/alarm", f"qos{qos}", qos=qos)
sender.connect("127.0.0.1", port)
sender.loop_start()
time.sleep(2.5)
print("paho, offline: rc", codes, mqtt.error_string(codes[1]), "; arrived after the connect:", sorted(got))
assert codes == [4, 4, 4], "the behaviour changed: other codes"
assert sorted(got) == ["qos1", "qos1", "qos2", "qos2"], "the behaviour changed"
PY
cat >mqttjs.js <<'JS'
const mqtt = require('mqtt'), net = require('net');
const [broker, later] = process.argv.slice(2).map(Number);
const wait = ms => new Promise(done => setTimeout(done, ms));
(async () => {
  const got = [];
  const watcher = await mqtt.connectAsync({ host: '127.0.0.1', port: broker, protocolVersion: 4 });
  watcher.on('message', (topic, payload) => got.push(String(payload)));
  await watcher.subscribeAsync('site/#', { qos: 1 });
  // Nothing listens on the port `later` yet: the broker is away for this client.
  const sender = mqtt.connect({ host: '127.0.0.1', port: later, protocolVersion: 4, reconnectPeriod: 300 });
  sender.on('error', () => {});
  sender.publish('site/siren', 'siren on', { qos: 0 });
  await wait(1500);
  const before = got.length;
  net.createServer(a => { const b = net.connect(broker, '127.0.0.1'); a.pipe(b).pipe(a); a.on('error', () => {}); b.on('error', () => {}); })
    .listen(later, '127.0.0.1');
  await wait(2500);
  console.log('mqtt.js, QoS 0, offline: arrived before the broker came back:', before, '; afterwards:', JSON.stringify(got));
  if (before !== 0 || got.join() !== 'siren on') { console.error('the behaviour changed'); process.exit(1); }
  process.exit(0);
})();
JS
python3 paho.py "$port"
node mqttjs.js "$port" "$(free_port)"
echo "seen: refused messages arrive twice, and a QoS 0 command waits for the broker"
