"""Home Assistant's own reading of what an agent publishes. Reads from standard input what was published by topic, payloads in base64,
and the topic of the device's configuration; prints what each entity came to, as JSON. Home Assistant is read out of its wheel, as
it was downloaded."""

import asyncio
import base64
import glob
import json
import sys

sys.path.insert(0, glob.glob(f"{sys.argv[1]}/wheels/homeassistant-*.whl")[0])

import voluptuous  # noqa: E402
from homeassistant.components.mqtt import binary_sensor, button, event, image, sensor  # noqa: E402
from homeassistant.const import __version__  # noqa: E402
from homeassistant.core import HomeAssistant  # noqa: E402

PLATFORMS = {module.__name__.rsplit(".")[-1]: module for module in (binary_sensor, button, event, image, sensor)}
# What a device says once for all of its components, as Home Assistant shares it out from 2024.11 on.
SHARED = ("device", "origin", "availability_topic", "qos", "encoding", "state_topic", "command_topic")


def state(hass, platform, config, payload):
    if platform == "image":
        return len(payload)
    text = payload.decode()
    if platform == "binary_sensor":
        return {config["payload_on"]: True, config["payload_off"]: False}[text]
    if platform == "event":
        told = json.loads(text)
        assert told["event_type"] in config["event_types"], told
        return told["event_type"]
    template = config["value_template"]
    template.hass = hass
    return template.async_render_with_possible_json_value(text)


async def read(said):
    hass = HomeAssistant("/nowhere")
    published = {
        topic: [base64.b64decode(one) for one in all] for topic, all in said["published"].items()
    }
    device = json.loads(published[said["config"]][-1])
    told = {"version": __version__, "entities": {}, "refused": {}, "unknown": {}}
    for name, keys in device["components"].items():
        platform = keys["platform"]
        if platform not in PLATFORMS:
            told["unknown"][name] = platform
            continue
        whole = {key: device[key] for key in SHARED if key in device}
        whole.update({key: value for key, value in keys.items() if key != "platform"})
        try:
            config = PLATFORMS[platform].DISCOVERY_SCHEMA(whole)
        except voluptuous.Invalid as error:
            told["refused"][name] = str(error)
            continue
        words = {config["payload_available"]: True, config["payload_not_available"]: False}
        available = [words[one.decode()] for one in published[config["availability_topic"]]]
        topic = config.get("state_topic") or config.get("image_topic")
        states = [state(hass, platform, config, payload) for payload in published.get(topic, [])]
        attributes = [json.loads(one) for one in published.get(config.get("json_attributes_topic"), [])]
        assert all(isinstance(one, dict) for one in attributes)
        told["entities"][name] = {
            "platform": platform,
            "unique_id": config["unique_id"],
            "device": sorted(config["device"]["identifiers"]),
            "available": available,
            "states": states,
            "asks": [config.get("command_topic"), config.get("payload_press")],
            "attributes": len(attributes),
        }
    return told


print(json.dumps(asyncio.run(read(json.load(sys.stdin)))))
