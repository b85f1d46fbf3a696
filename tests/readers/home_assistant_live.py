"""A whole Home Assistant on a broker, by hand: what it finds of an agent there, and that it speaks over a loudspeaker of it.

    python3.12 -m venv ha && ha/bin/pip install homeassistant==2024.11.3 paho-mqtt==1.6.1
    ha/bin/python tests/readers/home_assistant_live.py PORT FOLDER ENTITY=TEXT ...

PORT is that of the broker on this box, FOLDER where Home Assistant may write. Each ENTITY is sent its text (notify.…) or is pressed
(button.…). Prints, as JSON lines, the entities of the agent's device with their states, and what each wish came to."""

import asyncio
import json
import sys
from pathlib import Path

from homeassistant import bootstrap
from homeassistant.const import __version__
from homeassistant.helpers import entity_registry
from homeassistant.runner import RuntimeConfig

# What belongs to the page in the browser is not asked for.
bootstrap.DEFAULT_INTEGRATIONS, bootstrap.CRITICAL_INTEGRATIONS = {"homeassistant"}, set()

PORT, FOLDER, WISHES = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
ENTRY = {
    "created_at": "2024-11-30T00:00:00+00:00", "modified_at": "2024-11-30T00:00:00+00:00", "discovery_keys": {},
    "data": {"broker": "127.0.0.1", "port": PORT}, "options": {}, "disabled_by": None, "domain": "mqtt", "entry_id": "broker",
    "version": 1, "minor_version": 2, "pref_disable_new_entities": False, "pref_disable_polling": False, "source": "user",
    "title": "broker", "unique_id": None,
}


def prepare():
    (FOLDER / ".storage").mkdir(parents=True, exist_ok=True)
    (FOLDER / "configuration.yaml").write_text("http:\n  server_host: 127.0.0.1\n  server_port: 18123\n")
    entries = {"version": 1, "minor_version": 4, "key": "core.config_entries", "data": {"entries": [ENTRY]}}
    (FOLDER / ".storage/core.config_entries").write_text(json.dumps(entries))


async def until(hass, holds):
    """Waits until something holds of the states."""
    changed = asyncio.Event()
    stop = hass.bus.async_listen("state_changed", lambda _: changed.set())
    async with asyncio.timeout(60):
        while not holds():
            await changed.wait()
            changed.clear()
    stop()


async def main():
    prepare()
    hass = await bootstrap.async_setup_hass(RuntimeConfig(config_dir=str(FOLDER), skip_pip=True))
    await hass.async_start()

    def found():
        return {e.entity_id: e for e in entity_registry.async_get(hass).entities.values() if e.platform == "mqtt"}

    def known():
        states = [hass.states.get(entity) for entity in found()]
        return states and all(one is not None and one.state != "unavailable" for one in states)

    await until(hass, known)
    for entity in found():
        print(json.dumps({"version": __version__, "entity": entity, "state": hass.states.get(entity).state}), flush=True)
    latest = next((entity for entity in found() if entity.endswith("last_spoken")), None)
    for entity, text in (wish.split("=", 1) for wish in WISHES):
        before = hass.states.get(latest).attributes.get("at")
        service, data = ("press", {}) if entity.startswith("button.") else ("send_message", {"message": text})
        await hass.services.async_call(entity.split(".")[0], service, {"entity_id": entity, **data}, blocking=True)
        await until(hass, lambda: hass.states.get(latest).attributes.get("at") != before)
        told = hass.states.get(latest)
        print(json.dumps({"asked": entity, "outcome": told.state, "told": dict(told.attributes)}, default=str), flush=True)
    await hass.async_stop()


asyncio.run(main())
