#!/usr/bin/env bash
# Installs a package of Forewarn in a bare Debian, uses it there as a service of that Debian's own systemd, upgrades it with
# an incident open, removes and purges it, and prints how each step went. `cargo xtask dist --try` calls it:
#   try.sh PACKAGE NEWER_PACKAGE FOLDER_OF_MODELS WORK_FOLDER
# It takes root, mmdebstrap, systemd-nspawn, curl and python3. Debian comes from where this machine has its own from.
set -euo pipefail

package=$(realpath "$1") newer=$(realpath "$2") models=$(realpath "$3")
mkdir -p "$4"
work=$(realpath "$4")
root=$work/root
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
metrics=19464 console=19465 rtsp=18554
failures=0

# --- a Debian ---------------------------------------------------------------------------------------------------------------

stop() {
    if [ -n "${leader:-}" ]; then kill -RTMIN+4 "$leader" 2>/dev/null || true; wait "$nspawn" 2>/dev/null || true; fi
    leader=
}
trap stop EXIT

bootstrap() {
    if [ ! -e "$work/base.tar" ]; then
        local mirrors
        mirrors=$(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | sort -u)
        mmdebstrap --quiet --mode=root --variant=minbase --include=systemd,systemd-sysv,dbus "$suite" "$work/new.tar" - \
            <<<"$mirrors"
        mv "$work/new.tar" "$work/base.tar"
    fi
    rm -rf "$root"
    mkdir -p "$root" "$work/archives/partial"
    tar --extract --file "$work/base.tar" --directory "$root"
    # Nothing here need outlive a loss of power.
    echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/try"
    cp "$package" "$newer" "$root/opt/"
    cp "$models"/*.mp4 "$root/opt/clip.mp4"
}

boot() {
    systemd-nspawn --quiet --directory "$root" --register=no --keep-unit --private-users=no --console=pipe \
        --bind="$work/archives:/var/cache/apt/archives" --boot </dev/null >"$work/boot.log" 2>&1 &
    nspawn=$!
    for _ in $(seq 600); do
        leader=$(pgrep -x systemd --parent "$nspawn" || true)
        if [ -n "$leader" ] && within systemctl is-system-running 2>/dev/null | grep -Eq 'running|degraded'; then return; fi
        sleep 0.1
    done
    return 1
}

# Runs a command in the Debian.
within() {
    nsenter --target "$leader" --all -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/opt LANG=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive FOREWARN_MODEL_DIR=/var/lib/forewarn/models "$@"
}

# --- steps ------------------------------------------------------------------------------------------------------------------

step() {
    local name=$1 begun=$EPOCHREALTIME outcome=ok
    shift
    # Beside, and not as a condition, where `set -e` would not hold: a step fails at its first command that does.
    (set -e; "$@") >"$work/step.log" 2>&1 &
    if ! wait $!; then outcome=FAILED; fi
    printf '%-6s %7.1f s  %s\n' "$outcome" "$(echo "$EPOCHREALTIME $begun" | awk '{print $1 - $2}')" "$name"
    sed -n 's/^> /                      /p' "$work/step.log"
    if [ $outcome = FAILED ]; then
        failures=$((failures + 1))
        tail -n 25 "$work/step.log" | sed 's/^/    | /'
    fi
}

# Is content where a command fails; a mere `!` stops nothing.
fails() {
    if "$@"; then
        echo "should have failed: $*"
        return 1
    fi
}

# Looks again and again until a command is content.
until_so() {
    for _ in $(seq 600); do
        if "$@"; then return; fi
        sleep 0.2
    done
    echo "waited in vain: $*"
    return 1
}

# The open incident, by its bundle of evidence; the one van of the clip makes one, and another only if the first was forgotten.
open_incident() {
    curl --silent --max-time 5 --output "$work/metrics.txt" "http://127.0.0.1:$metrics/metrics" &&
        grep -Eq '^forewarn_incidents_open.* [1-9]' "$work/metrics.txt" &&
        (cd "$root/var/lib/forewarn/evidence" && ls -d */gate-illegal_parking-*)
}
shown() { within systemctl show forewarn.service --property "$1" --value; }
is_active() { [ "$(shown ActiveState)" = active ]; }

install_it() {
    within apt-get update -qq
    within apt-get install -y -q --no-install-recommends "/opt/$(basename "$package")"
    echo "> $(within dpkg-query -W -f '${Package} ${Version}, ' forewarn)$(within dpkg-query -W -f '.\n' | wc -l) packages in all"
    [ -z "$(within ldd /usr/bin/forewarn | grep 'not found')" ]
    within forewarn --version | sed 's/^/> /'
}

check_first() {
    within forewarn check /etc/forewarn/site.toml
    [ "$(within stat -c '%U:%G %a' /etc/forewarn)" = "root:forewarn 2770" ]
    [ "$(within stat -c '%U:%G %a' /etc/forewarn/site.toml)" = "forewarn:forewarn 640" ]
    [ "$(within stat -c '%U %a' /etc/forewarn/credentials)" = "root 700" ]
    [ "$(within stat -c '%U %a' /var/lib/forewarn)" = "forewarn 750" ]
}

# Asks the console as the page does.
ask() {
    curl --silent --show-error --max-time 60 --cookie "$work/cookies" --cookie-jar "$work/cookies" \
        --header 'content-type: application/json' --header "x-forewarn-csrf: $csrf" --data "$2" "http://127.0.0.1:$console/api/v1/$1"
}
of_answer() { python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])"; }

setup_link() {
    within journalctl --unit forewarn.service --no-pager --output cat | grep -o "http://127.0.0.1:$console/#setup=[^ ;]*" | tail -n 1
}
lacks_models() { [[ $(curl --silent --max-time 10 "http://127.0.0.1:$metrics/healthz") == *'forewarn models fetch'* ]]; }

# No model is there, and no site file: the service makes one, serves the console, and the first camera gets into the file.
first_start() {
    local link camera base
    rm "$root/etc/forewarn/site.toml"
    within systemctl start forewarn.service
    [ "$(within stat -c '%U:%G %a' /etc/forewarn/site.toml)" = "forewarn:forewarn 600" ]
    within systemctl stop forewarn.service
    sed -i "s/:9464/:$metrics/; s/:9465/:$console/" "$root/etc/forewarn/site.toml"
    within systemctl start forewarn.service
    echo "> $(shown StatusText)"
    echo "> ready after $((($(shown ActiveEnterTimestampMonotonic) - $(shown InactiveExitTimestampMonotonic)) / 1000)) ms"
    until_so setup_link >/dev/null
    link=$(setup_link)
    [[ $(curl --silent --fail --compressed --max-time 10 "http://127.0.0.1:$console/") == *'<html'* ]]
    until_so lacks_models
    rm -f "$work/cookies"
    csrf=none
    csrf=$(ask setup "{\"token\": \"${link#*=}\", \"name\": \"ann\", \"password\": \"three wise words\"}" | of_answer csrf)
    camera='{"changes": [{"add_camera": {"id": "yard", "url": "rtsp://127.0.0.1:9/none", "user": "u", "password": "seven-herons"}}]'
    base=$(ask site/changes "$camera}" | of_answer base)
    [ "$(ask site/changes "$camera, \"base\": \"$base\"}" | of_answer is_saved)" = True ]
    grep -q '^password_file = "yard.secret"' "$root/etc/forewarn/site.toml"
    [ "$(cat "$root/etc/forewarn/yard.secret")" = seven-herons ]
    until_so is_active
    # Nobody but root exchanges the passwords that systemd hands over.
    fails within systemd-run --quiet --wait --property=User=forewarn --property=ReadOnlyPaths=/etc/forewarn/credentials \
        mv /etc/forewarn/credentials /etc/forewarn/others
    echo "> the first account and the first camera are made in the console; the site file has it, by $(within stat -c %U:%G /etc/forewarn/site.toml)"
    within systemctl stop forewarn.service
}

place_models() {
    cp "$models"/*.onnx "$models"/lib* "$root/var/lib/forewarn/models/"
    within chown -R forewarn:forewarn /var/lib/forewarn/models
    within forewarn models list | grep -m1 nanodet-g-416 | sed 's/^/> /'
}

manual() {
    test -s "$root/usr/share/man/man1/forewarn-run.1.gz"
    within bash -c 'source /usr/share/bash-completion/completions/forewarn && complete -p forewarn'
}

describe_site() {
    install -m 600 /dev/stdin "$root/etc/forewarn/credentials/gate" <<<"let-me-see"
    cat >"$root/etc/forewarn/site.toml" <<END
[site]
id = "try"
language = "en"
[storage]
dir = "/var/lib/forewarn"
min_free_gib = 0.0
[metrics]
listen = "127.0.0.1:$metrics"
[[speaker]]
id = "horn"
kind = "local"
sink = "wav"
wav_dir = "/var/lib/forewarn/announcements"
[[camera]]
id = "gate"
url = "rtsp://127.0.0.1:$rtsp/camera"
user = "guard"
password_file = "/run/credentials/forewarn.service/site_gate"
speakers = ["horn"]
[[camera.zone]]
id = "no-parking"
polygon = [[630, 40], [728, 40], [728, 116], [630, 112]]
[[camera.rule]]
violation = "illegal_parking"
zone = "no-parking"
with = { stationary_s = 1, confirm.for_s = 0.3, warning.times = 1, warning.timeout_s = 8, warning.cool_down_s = 0.2, observe.for_s = 0.5, observe.lost_after_s = 600 }
END
    sed '/^user = /d; /^password_file = /d; s/^dir = .*/dir = "replayed"/' "$root/etc/forewarn/site.toml" >"$root/opt/replay.toml"
}

replay() {
    within forewarn replay --config /opt/replay.toml --camera gate=/opt/clip.mp4 --out /opt/out
    echo "> $(wc -l <"$root/opt/out/incidents.jsonl") incidents"
    grep -q escalated "$root/opt/out/incidents.jsonl"
}

detect() {
    local photo
    photo=$(cd "$root" && find opt/out/evidence -name '*.jpg' | sort | head -n 1)
    within forewarn detect "/$photo" | sed 's/^/> /' | head -n 4
    within forewarn detect "/$photo" | grep -q '[a-z]'
}

say() { within forewarn say 'Please move on' --speaker horn --config /opt/replay.toml | sed 's/^/> /' | head -n 3; }

start() {
    within systemd-run --quiet --unit camera forewarn sim camera /opt/clip.mp4 --port $rtsp --loop --user guard \
        --password-file /etc/forewarn/credentials/gate
    within systemctl start forewarn.service
    echo "> $(shown StatusText)"
    echo "> ready after $((($(shown ActiveEnterTimestampMonotonic) - $(shown InactiveExitTimestampMonotonic)) / 1000)) ms"
    echo "> $(within systemd-analyze security --no-pager forewarn.service | tail -n 1)"
    until_so open_incident | sed 's/^/> open: /'
}

reload() {
    within systemctl reload forewarn.service
    until_so is_active
    cp "$root/etc/forewarn/site.toml" "$work/site.toml"
    sed -i 's/^polygon/polygoon/' "$root/etc/forewarn/site.toml"
    fails within systemctl reload forewarn.service
    cat "$work/site.toml" >"$root/etc/forewarn/site.toml"
    until_so is_active
    echo "> a file with mistakes is refused, and the agent goes on"
}

frozen() {
    [ "$(shown NRestarts)" = 0 ]
    open_incident >"$work/before"
    # Stops the one thread as a debugger does, and waits for its end.
    python3 - "$(find_process)" <<'END'
import ctypes, os, sys
process = sys.argv[1]
threads = [t for t in os.listdir(f"/proc/{process}/task") if open(f"/proc/{process}/task/{t}/comm").read().strip() == "incidents"]
libc = ctypes.CDLL(None, use_errno=True)
SEIZE, INTERRUPT, WALL = 0x4206, 0x4207, 0x40000000
for request in (SEIZE, INTERRUPT):
    assert libc.ptrace(request, int(threads[0]), None, None) == 0, os.strerror(ctypes.get_errno())
status = ctypes.c_int()
while libc.waitpid(int(threads[0]), ctypes.byref(status), WALL) > 0 and (status.value & 0x7f) == 0x7f:
    pass
END
    until_so started_again
    until_so is_active
    echo "> $(within journalctl --unit forewarn.service --no-pager --output cat | grep -m1 -i 'watchdog timeout')"
    until_so same_incident
    echo "> started again, with the same incident open"
}

# The agent's number as this machine counts.
find_process() {
    local inner
    inner=$(shown MainPID)
    for status in /proc/[0-9]*/status; do
        if grep -Eq "^NSpid:.*[[:space:]]$inner\$" "$status" 2>/dev/null && grep -q '^Name:.*forewarn' "$status"; then
            status=${status#/proc/}
            echo "${status%/status}"
            return
        fi
    done
}

started_again() { [ "$(shown NRestarts)" = 1 ]; }
same_incident() { [ "$(open_incident)" = "$(cat "$work/before")" ]; }

upgrade() {
    local was
    open_incident >"$work/before"
    was=$(shown MainPID)
    within apt-get install -y -q --allow-downgrades "/opt/$(basename "$1")"
    until_so is_active
    [ "$(shown MainPID)" != "$was" ]
    until_so same_incident
    grep -q let-me-see "$root/etc/forewarn/credentials/gate"
    grep -q '^id = "try"' "$root/etc/forewarn/site.toml"
    echo "> $(within dpkg-query -W -f '${Version}' forewarn): site file and password kept, $(open_incident) still open"
}

again() {
    local scripts=/var/lib/dpkg/info/forewarn
    within chmod 0644 /etc/forewarn/site.toml
    within chmod g-w /etc/forewarn
    within $scripts.postinst configure 0.0.9
    within $scripts.postinst configure 0.0.9
    [ "$(within stat -c %a /etc/forewarn/site.toml /etc/forewarn | xargs)" = "644 2750" ]
    within chmod 0640 /etc/forewarn/site.toml
    until_so is_active
}

remove() {
    within systemctl enable forewarn.service
    within apt-get remove -y -q forewarn
    fails is_active
    [ ! -e "$root/usr/bin/forewarn" ]
    test -e "$root/etc/forewarn/site.toml"
    echo "> left: $(find "$root/var/lib/forewarn/evidence" -name manifest.json | wc -l) bundles of evidence, the site file"
}

purge() {
    within apt-get purge -y -q forewarn
    [ ! -e "$root/etc/forewarn" ]
    test -s "$root/var/lib/forewarn/outbox.sqlite"
    echo "> left: $(find "$root/var/lib/forewarn/evidence" -name manifest.json | wc -l) bundles of evidence"
}

purge_all() {
    within apt-get install -y -q --no-install-recommends "/opt/$(basename "$package")"
    touch "$root/etc/forewarn/purge-evidence"
    within apt-get purge -y -q forewarn
    [ ! -e "$root/var/lib/forewarn" ]
    [ ! -e "$root/etc/forewarn" ]
    fails within getent passwd forewarn
}

step 'a bare Debian' bootstrap
boot || { echo "the Debian does not boot; see $work/boot.log"; exit 1; }
step 'apt installs it with all that it needs' install_it
step 'the first site file passes `forewarn check`' check_first
step 'a first start without models serves the set-up page' first_start
step 'manual pages and completions are there' manual
step 'models are put in their place' place_models
describe_site
step 'replay of the clip' replay
step 'detect on a photo' detect
step 'say' say
step 'the service starts: notify, credentials, sandbox' start
step 'reload' reload
mkdir -p "$root/etc/systemd/system/forewarn.service.d"
printf '[Service]\nWatchdogSec=8s\n' >"$root/etc/systemd/system/forewarn.service.d/try.conf"
within systemctl daemon-reload
within systemctl restart forewarn.service
step 'a frozen incident loop is started again' frozen
step 'upgrade with an incident open' upgrade "$newer"
step 'downgrade with an incident open' upgrade "$package"
step 'the scripts run once more' again
step 'remove' remove
step 'purge leaves the evidence' purge
step 'purge takes the evidence where a file says so' purge_all
echo "$failures failed"
[ "$failures" = 0 ]
