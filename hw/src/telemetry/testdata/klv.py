"""Packets of MISB ST 0601 by chance, and what PyPI `klvdata` reads in them: klv.bin and klv.csv beside this script.

    pip install klvdata==0.0.3 && python klv.py

No item is empty, has a tag above 127 or the value for "unknown", for of these klvdata 0.0.3 says what the standard does not.
"""

import pathlib
import random
import struct

import klvdata

HERE = pathlib.Path(__file__).parent
KEY = bytes.fromhex("060E2B34020B01010E01030101000000")
# Tag, how it is packed, from and to.
ITEMS = [(5, ">H", 0, 65535), (6, ">h", -32767, 32767), (7, ">h", -32767, 32767), (13, ">i", -(2**31) + 1, 2**31 - 1)]
ITEMS += [(14, ">i", -(2**31) + 1, 2**31 - 1), (15, ">H", 0, 65535), (16, ">H", 1, 65535), (18, ">I", 0, 2**32 - 1)]
ITEMS += [(19, ">i", -(2**31) + 1, 2**31 - 1), (20, ">I", 0, 2**32 - 1)]


def packet(rng, number):
    time_us = 1_700_000_000_000_000 + number * 40_000 + rng.randrange(1000)
    body = bytes([2, 8]) + struct.pack(">Q", time_us)
    for tag, form, low, high in ITEMS:
        value = struct.pack(form, rng.randint(low, high))
        body += bytes([tag, len(value)]) + value
    body += bytes([1, 2])
    head = KEY + bytes([len(body) + 2]) + body
    total = sum(byte << (8 * (1 - i % 2)) for i, byte in enumerate(head)) & 0xFFFF
    return time_us, head + struct.pack(">H", total)


def main():
    rng = random.Random(601)
    packed = [packet(rng, number) for number in range(100)]
    data = b"".join(bytes_ for _, bytes_ in packed)
    (HERE / "klv.bin").write_bytes(data)
    rows = ["time_us," + ",".join(str(tag) for tag, *_ in ITEMS)]
    for (time_us, _), read in zip(packed, klvdata.StreamParser(data), strict=True):
        told = {int.from_bytes(item.key, "big"): item.value.value for item in read.items.values() if hasattr(item, "value")}
        rows.append(f"{time_us}," + ",".join(repr(float(told[tag])) for tag, *_ in ITEMS))
    (HERE / "klv.csv").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
