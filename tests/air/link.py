"""Two network namespaces joined by a link that is slow, late, lossy or away: what `tc netem` does, for kernels without it.

A tun device in either namespace is read here, and what is read comes out of the other one when the link lets it. Needs root.
"""

import ctypes
import fcntl
import heapq
import os
import random
import struct
import subprocess
import threading
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
LIBC = ctypes.CDLL(None, use_errno=True)
# The addresses of both ends.
NEAR, FAR = "10.77.0.1", "10.77.0.2"
# Of a site: the van that is parked in the demo's clip, all but the last line of its rule.
VAN = """[[camera.zone]]
id = "no-parking"
polygon = [[0.82, 0.07], [0.948, 0.07], [0.948, 0.2], [0.82, 0.195]]
[[camera.rule]]
violation = "illegal_parking"
zone = "no-parking"
"""


class Way:
    """One direction. What `kbit_s` cannot carry waits, up to `queue_bytes`; times in seconds, `loss` and `overtaken` from 0 to 1."""

    def __init__(self, seed):
        self.kbit_s, self.delay_s, self.jitter_s, self.loss, self.queue_bytes = None, 0.0, 0.0, 0.0, 64_000
        # The part of packets that come so much later than those behind them.
        self.overtaken, self.late_s = 0.0, 0.03
        self.is_away = False
        self.taken, self.lost, self.free_at, self.bytes = 0, 0, 0.0, 0
        self.heap, self.turn, self.random, self.latest = [], threading.Condition(), random.Random(seed), 0.0
        # Called with the instant at which a packet has left, and its bytes.
        self.left = lambda at, packet: None

    def take(self, packet):
        now = time.monotonic()
        self.taken += 1
        waits = max(0.0, self.free_at - now)
        if self.kbit_s and waits * self.kbit_s * 125 + len(packet) > self.queue_bytes:
            self.lost += 1
            return
        if self.kbit_s:
            self.free_at = now + waits + len(packet) / (self.kbit_s * 125)
            waits = self.free_at - now
        self.bytes += len(packet)
        self.left(now + waits, packet)
        if self.is_away or self.random.random() < self.loss:
            self.lost += 1
            return
        # What is held up holds up what comes behind it, as on the air: nothing else overtakes.
        self.latest = at = max(self.latest, now + waits + self.delay_s + self.random.random() * self.jitter_s)
        if self.random.random() < self.overtaken:
            at += self.random.random() * self.late_s
        with self.turn:
            heapq.heappush(self.heap, (at, self.taken, packet))
            self.turn.notify()

    def give(self, fd):
        while True:
            with self.turn:
                while not self.heap or self.heap[0][0] > time.monotonic():
                    self.turn.wait(self.heap[0][0] - time.monotonic() if self.heap else None)
                packet = heapq.heappop(self.heap)[2]
            os.write(fd, packet)


class Link:
    """The link, and the two namespaces at its ends: `near` and `far`."""

    def __init__(self, seed=0):
        self.up, self.down = Way(seed), Way(seed + 1)
        self.holders = [subprocess.Popen(["unshare", "-n", "sleep", "infinity"]) for _ in range(2)]
        own = os.open("/proc/self/ns/net", os.O_RDONLY)
        fds = [self._tun(holder.pid, *ends) for holder, ends in zip(self.holders, [(NEAR, FAR), (FAR, NEAR)])]
        LIBC.setns(own, CLONE_NEWNET)
        for way, inward, outward in ((self.up, fds[0], fds[1]), (self.down, fds[1], fds[0])):
            threading.Thread(target=self._read, args=(inward, way), daemon=True).start()
            threading.Thread(target=way.give, args=(outward,), daemon=True).start()

    @staticmethod
    def _tun(pid, ours, theirs):
        own = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{pid}/ns/net") == own:
            time.sleep(0.01)
        namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        if LIBC.setns(namespace, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        fd = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"air", IFF_TUN | IFF_NO_PI))
        for command in ("link set lo up", f"addr add {ours} peer {theirs} dev air", "link set air up mtu 1400"):
            subprocess.run(["ip", *command.split()], check=True)
        return fd

    @staticmethod
    def _read(fd, way):
        while True:
            way.take(os.read(fd, 2000))

    def both(self, **how):
        """Sets how both directions are."""
        for way in (self.up, self.down):
            for name, value in how.items():
                setattr(way, name, value)

    def start(self, end, command, **kwargs):
        """Starts a command at an end: 0 near, 1 far."""
        return subprocess.Popen(["nsenter", f"--net=/proc/{self.holders[end].pid}/ns/net", *command], **kwargs)

    def enter(self, end):
        """Moves the thread that calls into an end."""
        LIBC.setns(os.open(f"/proc/{self.holders[end].pid}/ns/net", os.O_RDONLY), CLONE_NEWNET)

    def close(self):
        for holder in self.holders:
            holder.kill()
            holder.wait()
