#!/usr/bin/env bash
# Two releases of espeak-ng spell the same English word in other sounds, so a neural voice is told other numbers.
#
# Guess:   `espeak-ng --ipa -v en-us` and the espeak-ng that a voice's own package brings give the same sounds.
# Happens: espeak-ng 1.51 (Debian 12) writes "door" as `dˈoːɹ` and "the area" as `ðɪ ˈɛɹiə`; 1.52.0.1, which
#          piper-tts 1.8.0 brings, writes `dˈɔːɹ` and `ðɪʲ ˈɛɹiə`. All of these are numbers of a Piper voice, so
#          none is an error: the voice says another vowel, or a glide less.
# Means:   sounds that were recorded as expected bind the release of espeak-ng. Compare texts without such words,
#          and do not call a difference in them a fault of the code that spells.
#
# Needs Debian's espeak-ng 1.51, and piper-tts 1.8.0 of PyPI, which is asked without its ONNX Runtime.
set -euo pipefail

have=$(dpkg-query -W -f='${Version}' espeak-ng 2>/dev/null || true)
[[ $have == 1.51* ]] || { echo "needs the Debian package espeak-ng 1.51, found '${have:-none}'" >&2; exit 2; }
echo "version: espeak-ng $have"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m pip install -q --no-deps --root-user-action=ignore --target pip piper-tts==1.8.0
echo "version: piper-tts 1.8.0, espeak-ng $(strings pip/piper/espeakbridge*.so | grep -m 1 -E '^1\.5[0-9]')"

cat >try.py <<'PY'
import importlib.util, pathlib, subprocess

bridge = next(pathlib.Path("pip/piper").glob("espeakbridge*.so"))
spec = importlib.util.spec_from_file_location("espeakbridge", bridge)
espeak = importlib.util.module_from_spec(spec)
spec.loader.exec_module(espeak)
espeak.initialize(str(bridge.parent / "espeak-ng-data"))
espeak.set_voice("en-us")

def by_piper(text):
    return "".join(sounds for sounds, _, _ in espeak.get_phonemes(text))

def by_debian(text):
    told = subprocess.run(["espeak-ng", "-q", "--ipa", "-v", "en-us", text], capture_output=True, text=True, check=True)
    return told.stdout.strip()

for text, debian, piper in [
    ("leave now", "lˈiːv nˈaʊ", "lˈiːv nˈaʊ"),
    ("the door", "ðə dˈoːɹ", "ðə dˈɔːɹ"),
    ("leave the area", "lˈiːv ðɪ ˈɛɹiə", "lˈiːv ðɪʲ ˈɛɹiə"),
    ("free at all times", "fɹˈiː æɾ ˈɔːl tˈaɪmz", "fɹˈiːʲ æɾ ˈɔːl tˈaɪmz"),
]:
    told = (by_debian(text), by_piper(text))
    print(f"{text}: Debian {told[0]}, piper-tts {told[1]}")
    assert told == (debian, piper), "the behaviour changed"
PY
python3 try.py
echo "seen: one word, two spellings"
