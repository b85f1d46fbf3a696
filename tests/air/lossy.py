"""How soon a camera that comes over a bad link is watched, and watched again after a black-out.

    cargo build -p forewarn && sudo python3 lossy.py --forewarn ../../target/debug/forewarn --clip clip.ts

`clip.ts` is sent as it is, so its key pictures count: the table of docs/video.md has one each 2 s. By WHIP, by aiortc, and by RTSP, by
GStreamer's server, it is sent once, and must be longer than a minute. For the last two cases it is coded
anew in pieces of 8 s, of other sizes or rates, three times over where it is sent once. The sender is on the way for some
seconds before the link is there. Times are from the link's coming until the first picture went through the detector. The demo's van is
parked from the first picture to the last, so each *complied* or *lost* is false; no outage here lasts as long as `lost_after_s`,
after which nobody knows any more, and says so.
"""

import argparse
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request

import link

METRICS = 9464
SITE = """
[site]
id = "air"
[storage]
dir = "{dir}/{way}"
min_free_gib = 0.0
[metrics]
listen = "127.0.0.1:9464"
[[camera]]
id = "drone"
url = "{url}"
{more}analysis_fps = 2.0
{van}with = {{ stationary_s = 1, confirm.for_s = 0.3, observe.for_s = 600, observe.lost_after_s = 300 }}
"""
URLS = {
    "udp": f"udp://{link.NEAR}:5000",
    "srt": f"srt://{link.NEAR}:9000?mode=listener",
    "srt, latency=1000": f"srt://{link.NEAR}:9000?mode=listener&latency=1000",
    "rtmp": f"rtmp://{link.NEAR}:1935/live/hill3?mode=listener",
    "whip": f"whip://{link.NEAR}:8889/hill3",
    "rtsp": f"rtsp://{link.FAR}:8554/drone",
    "rtsp over udp": f"rtsp://{link.FAR}:8554/drone",
}
MORE = {"whip": 'password_file = "token"\n', "rtsp over udp": 'transport = "udp"\n'}
TO = {
    "udp": (f"udp://{link.NEAR}:5000?pkt_size=1316", "mpegts"),
    "srt": (f"srt://{link.NEAR}:9000?mode=caller&pkt_size=1316", "mpegts"),
    "rtmp": (f"rtmp://{link.NEAR}:1935/live/hill3", "flv"),
}
TOKEN = "s3cret"
HERE = pathlib.Path(__file__).resolve().parent
WHIP = HERE.parents[1] / "pipelines/tests/publishers/whip.py"
CASES = {
    "clean": {},
    "1 % lost": {"loss": 0.01},
    "5 % lost": {"loss": 0.05},
    "10 % lost": {"loss": 0.10},
    "50 ms jitter": {"jitter_s": 0.05},
    "200 ms jitter": {"jitter_s": 0.2},
    "500 ms jitter": {"jitter_s": 0.5},
    "1 % overtaken": {"overtaken": 0.01},
    "10 % overtaken": {"overtaken": 0.10},
    "other rates": {"pieces": [(768, "1200k"), (768, "300k"), (768, "3000k")]},
    "other sizes": {"pieces": [(768, "1200k"), (576, "500k"), (1152, "3000k")]},
}
STILL = {"loss": 0.0, "jitter_s": 0.0, "delay_s": 0.02, "kbit_s": None, "overtaken": 0.0}
PIECE_S = 8
# What nobody who is parked all the time does.
ENDS = ("complied", "lost")
# A picture that is not analysed by then never is.
PATIENCE_S = 30.0


class Counts(threading.Thread):
    """What the agent tells of itself, asked within its namespace."""

    def __init__(self, joined):
        super().__init__(daemon=True)
        self.joined, self.seen, self.body = joined, 0, ""
        self.start()

    def run(self):
        self.joined.enter(0)
        while True:
            try:
                self.body = urllib.request.urlopen(f"http://127.0.0.1:{METRICS}/metrics", timeout=2).read().decode()
                self.seen = self.sum("forewarn_frames_analysed_total")
            except OSError:
                self.seen = 0
            time.sleep(0.02)

    def sum(self, name, label=""):
        lines = re.findall(rf"^{name}{{([^}}]*)}} (\S+)$", self.body, re.M)
        return sum(float(value) for labels, value in lines if label in labels)

    def wait_for_next(self):
        """How long it takes until another picture is analysed."""
        before, begun = self.seen, time.monotonic()
        while self.seen <= before:
            if time.monotonic() > begun + PATIENCE_S:
                return None
            time.sleep(0.01)
        return time.monotonic() - begun


def changing(clip, pieces, folder):
    """The clip in pieces that are as wide and as heavy as told, one behind the other in one stream whose time goes on."""
    whole = pathlib.Path(folder, f"{'-'.join(f'{width}x{rate}' for width, rate in pieces)}.ts")
    with open(whole, "wb") as out:
        for number, (width, rate) in enumerate(pieces):
            command = ["ffmpeg", "-v", "error", "-ss", str(number * PIECE_S), "-t", str(PIECE_S), "-i", clip, "-an"]
            command += ["-vf", f"scale={width}:-2", "-c:v", "libx264", "-preset", "veryfast", "-g", "20", "-b:v", rate]
            command += ["-output_ts_offset", str(number * PIECE_S)]
            out.write(subprocess.run([*command, "-f", "mpegts", "-"], check=True, capture_output=True).stdout)
    return whole


def sender(clip, joined, way):
    if way == "whip":
        command = ["/usr/bin/python3", str(WHIP), URLS[way].replace("whip:", "http:"), TOKEN, str(clip)]
    elif way.startswith("rtsp"):
        command = ["/usr/bin/python3", str(HERE / "rtsp.py"), link.FAR, "8554", str(clip)]
    else:
        to, form = TO.get(way, TO["srt"])
        command = ["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", str(clip), "-c", "copy", "-f", form, to]
    # Who is not answered, or not heard any more, gives up; drones call again.
    command = ["sh", "-c", 'while :; do "$@"; sleep 0.2; done', "sender", *command]
    null = subprocess.DEVNULL
    # A publisher by WHIP goes on for as long as its input is open.
    return joined.start(1, command, stderr=null, stdout=null, stdin=subprocess.PIPE, process_group=0)


def try_way(args, way, folder):
    turns = 1 if way in (*TO, "srt, latency=1000") else 3
    clips = {case: changing(args.clip, CASES[case]["pieces"] * turns, folder) if "pieces" in CASES[case] else args.clip for case in args.cases}
    joined = link.Link(seed=args.seed)
    joined.both(**STILL)
    name = f"way-{list(URLS).index(way)}"
    site = pathlib.Path(folder, f"{name}.toml")
    pathlib.Path(folder, "token").write_text(TOKEN)
    site.write_text(SITE.format(more=MORE.get(way, ""), van=link.VAN, dir=folder, way=name, url=URLS[way]))
    log = open(pathlib.Path(folder, f"{name}.log"), "w")
    agent = joined.start(0, [args.forewarn, "run", "--config", str(site)], stdout=log, stderr=log)
    counts = Counts(joined)
    try:
        while not counts.body:
            if agent.poll() is not None:
                raise SystemExit(pathlib.Path(log.name).read_text())
            time.sleep(0.1)
        false = 0
        for case in args.cases:
            how = dict(CASES[case])
            pieces, clip = how.pop("pieces", None), clips[case]
            watch_s = args.watch_s + len(pieces or []) * PIECE_S
            joined.both(is_away=True, **{**STILL, **how})
            sent = sender(clip, joined, way)
            time.sleep(2.7)
            joined.both(is_away=False)
            first = counts.wait_for_next()
            watched = counts.seen
            time.sleep(watch_s)
            rate = (counts.seen - watched) / watch_s
            joined.both(is_away=True)
            time.sleep(5.0)
            joined.both(is_away=False)
            again = counts.wait_for_next()
            os.killpg(sent.pid, signal.SIGKILL)
            sent.wait()
            # Until the next one the camera is away, and that is known; who left without a word by WHIP keeps others out until then.
            time.sleep(16.0 if way == "whip" else 3.0)
            before, false = false, sum(counts.sum("forewarn_incident_transitions_total", f'state="{state}"') for state in ENDS)
            shown = ["–" if s is None else f"{s:.1f} s" for s in (first, again)]
            print(f"| {way} | {case} | {shown[0]} | {rate:.1f} | {shown[1]} | {false - before:.0f} |", flush=True)
    finally:
        agent.kill()
        agent.wait()
        joined.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forewarn", required=True)
    parser.add_argument("--clip", required=True)
    parser.add_argument("--ways", choices=URLS, nargs="+", default=list(URLS))
    parser.add_argument("--cases", choices=CASES, nargs="+", default=list(CASES))
    parser.add_argument("--watch-s", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="a folder for logs and data")
    args = parser.parse_args()
    print("| over | link | first picture | analysed, of 2 a second | after 5 s of nothing | false ends |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for way in args.ways:
            try_way(args, way, args.keep or folder)


if __name__ == "__main__":
    main()
