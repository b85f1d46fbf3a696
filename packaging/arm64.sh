#!/usr/bin/env bash
# What `cargo xtask dist --target arm64` does in two Debians of its own, which it makes below a work folder. As root:
#   arm64.sh prepare WORK SYSTEM_PACKAGES...      makes the Debians: one that compiles, and one of the processor that is built for
#   arm64.sh build   WORK SOURCES OUT CARGO...    runs cargo for that processor; the program lies below OUT
#   arm64.sh libraries WORK PROGRAM               names the packages of the libraries that the program is linked with
#   arm64.sh try     WORK PACKAGE MODELS          installs the package there and uses it: check, detect, replay of five seconds
# The compiler is Debian's of a later release, the first that has the standard library for both processors in a version that these
# sources take; headers and libraries are those of this machine's release, so that the program runs there. Both come from where this
# machine has its own packages from.
set -euo pipefail

deed=$1 work=$2
shift 2
compiler_of=forky triple=aarch64-unknown-linux-gnu gnu=aarch64-linux-gnu
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
tool=$work/tool system=$work/system

# Debians that nobody reads the manuals of.
debian() {
    local folder=$1 name=$2
    shift 2
    [ ! -e "$folder" ] || return 0
    rm -rf "$folder.new"
    # The clock of a machine that builds may be ahead of a mirror that rests.
    mmdebstrap --quiet --mode=root --variant=minbase --aptopt='APT::Install-Recommends "false"' \
        --aptopt='Acquire::Check-Valid-Until "false"' --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' "$@" "$name" "$folder.new" \
        "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $name main"
    mv "$folder.new" "$folder"
}

# The kernel hands programs of the other processor to the emulator, also where it is not seen, as in a Debian of its own.
emulate() {
    local kinds=/proc/sys/fs/binfmt_misc magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
    local mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
    [ -e $kinds/register ] || mount -t binfmt_misc binfmt_misc $kinds
    [ -e $kinds/qemu-aarch64 ] || printf '%s' ":qemu-aarch64:M::$magic:$mask:/usr/bin/qemu-aarch64-static:F" >$kinds/register
}

prepare() {
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | awk -v of="$suite" '$2 == of { print $1; exit }')
    [ -n "$mirror" ] || { echo "arm64.sh: this machine has no packages of $suite" >&2; exit 1; }
    mkdir -p "$work"
    emulate
    debian "$tool" $compiler_of --architectures=amd64,arm64 \
        --include=rustc,cargo,libstd-rust-dev:arm64,gcc,libc6-dev,gcc-$gnu,lld,pkgconf,ca-certificates
    # Its headers would come before those of the release that is built for.
    chroot "$tool" dpkg --purge --force-depends libc6-dev-arm64-cross >/dev/null 2>&1
    debian "$system" "$suite" --architectures=arm64 --include="$(IFS=,; echo "$*")"
    # From the root on they would lead the linker to libraries of the Debian that compiles.
    find "$system/usr/lib/$gnu" -maxdepth 1 -type l -lname '/*' | while read -r link; do
        ln -sfrn "$system$(readlink "$link")" "$link"
    done
}

# What is mounted is seen by this command alone.
build() {
    local sources=$1 out=$2
    shift 2
    mkdir -p "$out" "$tool"/{sources,out,cargo,system}
    exec unshare --mount sh -euc '
        tool=$1 sources=$2 out=$3 system=$4 cargo=$5; shift 5
        mount --bind "$sources" "$tool/sources"; mount --bind "$out" "$tool/out"
        mount --bind "$system" "$tool/system"; mount --bind "$cargo" "$tool/cargo"
        exec chroot "$tool" /usr/bin/env -C /sources "$@"' sh \
        "$tool" "$sources" "$out" "$system" "${CARGO_HOME:-$HOME/.cargo}" \
        -u RUSTC -u CARGO -u RUSTUP_HOME -u RUSTUP_TOOLCHAIN PATH=/usr/bin:/bin CARGO_HOME=/cargo CARGO_TARGET_DIR=/out \
        CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=$gnu-gcc CC_aarch64_unknown_linux_gnu=$gnu-gcc \
        CFLAGS_aarch64_unknown_linux_gnu="--sysroot=/system ${CFLAGS:-}" PKG_CONFIG_ALLOW_CROSS=1 PKG_CONFIG_SYSROOT_DIR=/system \
        PKG_CONFIG_LIBDIR=/system/usr/lib/$gnu/pkgconfig:/system/usr/share/pkgconfig \
        cargo "$@" --target $triple
}

within() {
    emulate
    chroot "$system" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        FOREWARN_MODEL_DIR=/var/lib/forewarn/models "$@"
}

libraries() {
    local folder=/opt/libraries
    mkdir -p "$system$folder/debian"
    printf 'Source: forewarn\n\nPackage: forewarn\nArchitecture: any\n' >"$system$folder/debian/control"
    cp "$1" "$system$folder/program"
    within env -C $folder dpkg-shlibdeps -O --warnings=0 program
    rm -rf "${system:?}$folder"
}

# The library that models run on, of the wheel that models/assets.toml pins.
runtime() {
    local assets
    assets=$(dirname "$0")/../models/assets.toml
    python3 - "$assets" "$work/wheels" "$1" <<'END'
import hashlib, pathlib, subprocess, sys, tomllib, zipfile
pin = tomllib.loads(pathlib.Path(sys.argv[1]).read_text())["runtime"]["aarch64"]
wanted = ["--platform", pin["platform"], "--python-version", pin["python"], f"{pin['package']}=={pin['version']}"]
subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", sys.argv[2], *wanted], check=True)
wheel = next(pathlib.Path(sys.argv[2]).glob(f"{pin['package']}-{pin['version']}-*aarch64.whl"))
library = zipfile.ZipFile(wheel).read(pin["path"])
assert hashlib.sha256(library).hexdigest() == pin["sha256"], "the library is not the one that models/assets.toml pins"
(pathlib.Path(sys.argv[3]) / pathlib.Path(pin["path"]).name).write_bytes(library)
END
}

try() {
    local package=$1 models=$2
    cp "$package" "$system/opt/"
    within apt-get update -qq
    within apt-get install -y -q --no-install-recommends --reinstall "/opt/$(basename "$package")" >"$work/install.log"
    cp "$models"/*.onnx "$system/var/lib/forewarn/models/"
    runtime "$system/var/lib/forewarn/models"
    rm -rf "$system"/opt/{clip.mp4,out,replayed}
    ffmpeg -nostdin -loglevel error -y -i "$models/vtest-h264.mp4" -t 5 -c copy "$system/opt/clip.mp4"
    cp "$(dirname "$0")/try-site.toml" "$system/opt/site.toml"
    within forewarn --version
    within forewarn check /opt/site.toml
    within forewarn check /etc/forewarn/site.toml
    within env -C /opt forewarn replay --config site.toml --camera gate=clip.mp4 --out out
    grep -q confirmed "$system/opt/out/incidents.jsonl"
    local photo
    photo=$(cd "$system/opt" && find out -name '*.jpg' | sort | head -n 1)
    within env -C /opt forewarn detect "$photo" | tee "$work/detect.log"
    grep -q '[a-z]' "$work/detect.log"
}

"$deed" "$@"
