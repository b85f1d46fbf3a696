#!/bin/sh
# Installs Forewarn with all that it needs from the folder in which this script lies, without a network. As root:
#   tar xf forewarn_VERSION_ARCH_offline.tar && cd forewarn-VERSION-offline && ./install.sh
# It asks nothing and starts nothing. Of Debian's packages it takes those alone that the box lacks, or has older.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" = 0 ] || { echo "install.sh: run it as root" >&2; exit 1; }
(cd "$here" && sha256sum --check --quiet SHA256SUMS) || { echo "install.sh: copy the folder again" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial"
echo "deb [trusted=yes] file:$here/packages ./" >"$work/sources.list"
apt_here() {
    apt-get --quiet --yes -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=- \
        -o Dir::State::Lists="$work/lists" -o APT::Sandbox::User=root -o Acquire::Languages=none "$@"
}
apt_here update
DEBIAN_FRONTEND=noninteractive apt_here install --no-install-recommends forewarn

store=${FOREWARN_MODEL_DIR:-/var/lib/forewarn/models}
FOREWARN_MODEL_DIR=$store forewarn models fetch --from "$here/models.tar"
chown -R forewarn:forewarn "$store"
echo "next: systemctl enable --now forewarn, then the link that journalctl -u forewarn shows; or edit /etc/forewarn/site.toml"
