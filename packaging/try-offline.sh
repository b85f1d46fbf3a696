#!/usr/bin/env bash
# Installs an offline bundle of Forewarn in a bare Debian that has no network, and uses it there: check, replay of five seconds,
# detect, say. `cargo xtask dist --offline --try` calls it, as root:
#   try-offline.sh BUNDLE FOLDER_OF_MODELS WORK_FOLDER
# The Debian comes from where this machine has its own from; of the models only the clip is taken.
set -euo pipefail

bundle=$(realpath "$1") models=$(realpath "$2")
mkdir -p "$3"
work=$(realpath "$3")
root=$work/root-offline
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")

if [ ! -e "$work/minbase.tar" ]; then
    mirrors=$(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | sort -u)
    mmdebstrap --quiet --mode=root --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' "$suite" "$work/new.tar" - <<<"$mirrors"
    mv "$work/new.tar" "$work/minbase.tar"
fi
rm -rf "$root"
mkdir -p "$root"
tar --extract --file "$work/minbase.tar" --directory "$root"
# Nothing here need outlive a loss of power, and what was fetched for the Debian itself is no help.
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/try"
rm -rf "$root"/var/lib/apt/lists/* "$root/etc/apt/sources.list" "$root"/etc/apt/sources.list.d/*
tar --extract --file "$bundle" --directory "$root/opt"
ffmpeg -nostdin -loglevel error -y -i "$models/vtest-h264.mp4" -t 5 -c copy "$root/opt/clip.mp4"
cp "$(dirname "$0")/try-site.toml" "$root/opt/site.toml"

# Runs a command in the Debian, in a network of its own in which nobody else is.
within() {
    unshare --net chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        FOREWARN_MODEL_DIR=/var/lib/forewarn/models "$@"
}

begun=$EPOCHSECONDS
within sh -c 'cd /opt/forewarn-*-offline && ./install.sh' >"$work/offline.log" 2>&1 || { tail -n 25 "$work/offline.log"; exit 1; }
echo "installed without a network in $((EPOCHSECONDS - begun)) s: $(within dpkg-query -W -f '.\n' | wc -l) packages in all"
within forewarn --version
within forewarn check /etc/forewarn/site.toml
within env -C /opt forewarn replay --config site.toml --camera gate=clip.mp4 --out out
grep -q confirmed "$root/opt/out/incidents.jsonl"
photo=$(cd "$root/opt" && find out -name '*.jpg' | sort | head -n 1)
within env -C /opt forewarn detect "$photo" | tee "$work/offline-detect.log"
grep -q '[a-z]' "$work/offline-detect.log"
within env -C /opt forewarn say 'Please move on' --speaker horn --config site.toml
