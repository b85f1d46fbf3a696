// What ioBroker's adapter for Frigate makes of messages: its own code for topics, states, zones and notifications, without the
// rest of ioBroker. Messages come as JSON on the standard input, `[{topic, payload}]`, payloads in base64. It says the states that
// they left, what it warned of, and of which events it would have told people, with the values that it read.
// Arguments: where the packages lie.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const lib = join(process.argv[2], 'node_modules/iobroker.frigate/build/lib')
const load = (name) => import(pathToFileURL(join(lib, name)).href)
const { handleMqttMessage } = await load('messageHandler.js')
const { ZoneAggregator } = await load('zoneAggregator.js')
const Json2iob = (await load('json2iob.js')).default

const states = {}
const warnings = []
const set = async (id, value) => void (states[id] = value?.val ?? value)
const nothing = async () => {}
const log = { debug() {}, info() {}, warn: (text) => warnings.push(text), error: (text) => warnings.push(text) }
const adapter = {
  namespace: 'frigate.0',
  config: { mqttTopicPrefix: 'frigate' },
  log,
  setStateAsync: set,
  setState: set,
  extendObject: nothing,
  extendObjectAsync: nothing,
  setObjectNotExistsAsync: nothing,
  getObjectAsync: nothing,
  getStateAsync: nothing,
  getObjectViewAsync: async () => ({ rows: [] }),
}
const zones = new ZoneAggregator({ adapter })
await zones.initZones({ cameras: { gate: { zones: { fire_lane: {} } } } })
const during = []
const ctx = {
  adapter,
  json2iob: new Json2iob(adapter),
  tmpDir: '/nowhere',
  firstStart: false,
  onEvent: async (data) => {
    await zones.processEvent(data)
    during.push({ type: data.type, active: states['fire_lane.active'], names: states['fire_lane.sub_labels'], car: states['fire_lane.car_active'] })
  },
  debouncedFetchEventHistory() {},
  onTrackedObjectUpdate: nothing,
  onFirstStats: nothing,
  sendNotification: nothing,
}
let text = ''
for await (const piece of process.stdin) text += piece
for (const { topic, payload } of JSON.parse(text)) await handleMqttMessage(ctx, topic, Buffer.from(payload, 'base64'))
console.log(JSON.stringify({ states, warnings, during }))
