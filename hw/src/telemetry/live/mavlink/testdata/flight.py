"""Writes flight.tlog: thirty seconds of an ArduPilot-style link, as `pymavlink` encodes it.

    pip install pymavlink==2.4.50 && python3 flight.py flight.tlog

Each record is a big-endian count of microseconds, when the frame came, and the frame. What the vehicle truly does is in
`truth`, which `tests.rs` knows too. Beside it a link is what links are: frames come late by chance, a second vehicle
flies on it, a radio tells other things, a tunnel carries a frame of another flight, and a kind of vehicle is unknown.
"""

import math
import random
import struct
import sys

from pymavlink.dialects.v20 import common as mavlink

START_US = 7_000_000  # The autopilot's boot on the time line.
SECONDS = 30
UNIX_BOOT_US = 1_780_000_000_000_000


def truth(t):
    """Latitude, longitude, height; roll, pitch, yaw of the vehicle; pitch and yaw of the gimbal by the nose. Radians."""
    lat, lon = 30.25 + 4e-6 * t, 120.125 + 6e-6 * t + 2e-5 * math.sin(0.3 * t)
    height = 40 + 5 * math.sin(0.2 * t)
    roll, pitch = math.radians(8 * math.sin(0.7 * t)), math.radians(-6 + 3 * math.sin(0.5 * t))
    yaw = math.radians(170 + 4 * t)  # Goes through south, where angles turn over.
    return (lat, lon, height), (roll, pitch, yaw), (math.radians(-50 + 10 * math.sin(0.4 * t)), math.radians(15 * math.sin(0.6 * t)))


def main(path):
    random.seed(17)
    records = []
    links = {key: mavlink.MAVLink(None, srcSystem=key[0], srcComponent=key[1]) for key in [(1, 1), (1, 154), (1, 100), (2, 1), (1, 68)]}

    def send(t, key, message):
        late = 0.02 + random.expovariate(1 / 0.03)
        records.append((int(START_US + (t + min(late, 0.4)) * 1e6), bytes(message.pack(links[key]))))

    for i in range(SECONDS * 20):
        t = i / 20 + 0.003
        ms = int(t * 1000)
        t = ms / 1000
        (lat, lon, height), (roll, pitch, yaw), (tilt, pan) = truth(t)
        wrap = (yaw + math.pi) % (2 * math.pi) - math.pi
        if i % 2 == 0:
            send(t, (1, 1), mavlink.MAVLink_attitude_message(ms, roll, pitch, wrap, 0, 0, 0))
        if i % 5 == 1:
            cdeg = int(math.degrees(yaw) % 360 * 100)
            send(t, (1, 1), mavlink.MAVLink_global_position_int_message(
                ms, round(lat * 1e7), round(lon * 1e7), int((height + 21) * 1000), int(height * 1000), 0, 0, 0, cdeg))
            send(t, (2, 1), mavlink.MAVLink_global_position_int_message(ms, 110000000, 220000000, 1000, 1000, 0, 0, 0, 0))
        if i % 4 == 2:
            # The gimbal was switched on 3 s before the autopilot, and counts from there.
            (sy, cy), (sp, cp) = [(math.sin(a / 2), math.cos(a / 2)) for a in (pan, tilt)]
            q = [cy * cp, -sy * sp, cy * sp, sy * cp]
            flags = mavlink.GIMBAL_DEVICE_FLAGS_ROLL_LOCK | mavlink.GIMBAL_DEVICE_FLAGS_PITCH_LOCK
            flags |= mavlink.GIMBAL_DEVICE_FLAGS_YAW_IN_VEHICLE_FRAME
            send(t, (1, 154), mavlink.MAVLink_gimbal_device_attitude_status_message(
                0, 0, ms + 3000, flags, q, 0, 0, 0, 0, float("nan"), float("nan"), 0))
        if i % 20 == 3:
            kind = 99 if i % 40 == 3 else mavlink.MAV_TYPE_QUADROTOR
            send(t, (1, 1), mavlink.MAVLink_heartbeat_message(kind, 3, 81, 0, 4, 3))
            send(t, (1, 1), mavlink.MAVLink_system_time_message(UNIX_BOOT_US + ms * 1000, ms))
            hfov = 70.0 if t < 20 else 38.594  # Zoomed in twice.
            send(t, (1, 100), mavlink.MAVLink_camera_fov_status_message(
                ms, 0, 0, 0, -2147483648, 0, 0, [1, 0, 0, 0], hfov, 40.0))
            send(t, (1, 68), mavlink.MAVLink_radio_status_message(200, 190, 100, 30, 31, 0, 0))
            false = mavlink.MAVLink_global_position_int_message(ms, 510000000, 0, 9000, 9000, 0, 0, 0, 0).pack(links[(1, 1)])
            send(t, (1, 68), mavlink.MAVLink_tunnel_message(0, 0, 0, len(false), list(false) + [0] * (128 - len(false))))
    # Behind all others, so that what comes by chance stays as it was.
    for t in range(SECONDS):
        percent, landed = 90 - t, mavlink.MAV_LANDED_STATE_IN_AIR if t < 25 else mavlink.MAV_LANDED_STATE_ON_GROUND
        send(t + 0.5, (1, 1), mavlink.MAVLink_sys_status_message(0, 0, 0, 500, 15200, 1500, percent, 0, 0, 0, 0, 0, 0))
        send(t + 0.5, (1, 1), mavlink.MAVLink_extended_sys_state_message(0, landed))
    records.sort(key=lambda record: record[0])
    with open(path, "wb") as out:
        for at, frame in records:
            out.write(struct.pack(">Q", at) + frame)


if __name__ == "__main__":
    main(sys.argv[1])
