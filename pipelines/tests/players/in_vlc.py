"""Plays each file that is named with VLC's library, and prints for each how it ended and which pictures came, as JSON.

Each picture shows its number in bars, as tests/streams/matrix/scene.rs draws them. VLC shows one again that stands for long.
"""

import ctypes
import json
import sys
import time

import vlc

PATIENCE_S = 60
WIDTH, HEIGHT = 128, 96

# However slow this machine is, no picture is left out for coming late.
library = vlc.Instance("--no-audio", "--no-xlib", "--quiet", "--no-drop-late-frames", "--no-skip-frames")
picture = ctypes.create_string_buffer(WIDTH * HEIGHT * 4)
pictures = []


@vlc.CallbackDecorators.VideoLockCb
def lock(_, planes):
    planes[0] = ctypes.addressof(picture)
    return None


@vlc.CallbackDecorators.VideoDisplayCb
def show(_, __):
    bars = [picture.raw[(HEIGHT // 4 * WIDTH + (2 * bar + 1) * WIDTH // 16) * 4] > 128 for bar in range(1, 7)]
    number = sum(is_bright << bit for bit, is_bright in enumerate(bars))
    if not pictures or pictures[-1] != number:
        pictures.append(number)


for path in sys.argv[1:]:
    pictures.clear()
    player = library.media_player_new()
    player.set_media(library.media_new_path(path))
    player.video_set_callbacks(lock, None, show, None)
    player.video_set_format("RV32", WIDTH, HEIGHT, WIDTH * 4)
    player.play()
    player.set_rate(4)
    end = time.monotonic() + PATIENCE_S
    over = (vlc.State.Ended, vlc.State.Error)
    while player.get_state() not in over and time.monotonic() < end:
        time.sleep(0.02)
    state = str(player.get_state()).removeprefix("State.")
    print(json.dumps({"end": state, "ms": player.get_length(), "pictures": pictures}))
    player.stop()
