#!/usr/bin/env bash
# Boots a Debian 12 with systemd in a container, with tako as its service, and sees whether it lives as it should: ready,
# a press and a request through the control socket, killed, frozen, updated. tests/system/boot_inside.sh is what runs in
# there; its words are the transcript.
#
#   sudo tests/system/boot.sh [TRANSCRIPT]        some minutes; the first time some more, for Debian and the libraries
#
# TAKO_BOOT: the folder that is worked in and kept for the next time, by default /var/tmp/tako-boot
# TAKO_HOME: where the built models are, by default ~/.local/share/tako
# DEBIAN:    a mirror, by default the one debootstrap knows; pip uses what it is set up to use
# PYTHON:    a Python 3.11 with pip, by default the project's own; it fetches the wheels
# Exit status: 0 all is well, 1 something is not, 77 skipped (it says why).

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$here/../.." && pwd)
work=${TAKO_BOOT:-/var/tmp/tako-boot}
home=${TAKO_HOME:-$HOME/.local/share/tako}
python=${PYTHON:-$project/.venv/bin/python}
transcript=${1:-$work/boot.transcript.txt}
root=$work/root

skip() {
    printf 'skipped: %s\n' "$*"
    exit 77
}

[[ $(id -u) -eq 0 ]] || skip "a container needs root"
for tool in debootstrap systemd-nspawn; do
    command -v "$tool" >/dev/null || skip "$tool is not installed (apt-get install debootstrap systemd-container)"
done
[[ -e $home/models/text/manifest.json ]] || skip "the text model is not built in $home (tako models build)"
compgen -G "$home/models/whisper-*" >/dev/null || skip "no whisper model is in $home (tako models fetch)"
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || skip "$python is no Python 3.11"

mkdir -p "$work"
if [[ ! -e $work/debian.done ]]; then
    echo "Debian 12, once."
    debootstrap --variant=minbase \
        --include=systemd-sysv,dbus,python3-venv,ca-certificates,espeak-ng,libportaudio2,libasound2-plugins,libatomic1 \
        bookworm "$root" ${DEBIAN:+"$DEBIAN"} >"$work/debian.log" 2>&1 ||
        skip "debootstrap found no Debian: see $work/debian.log"
    touch "$work/debian.done"
fi

echo "The wheels of tako and its libraries."
"$python" -m pip wheel --quiet --disable-pip-version-check --wheel-dir "$work/wheels" --find-links "$work/wheels" \
    "${project}[pi]" 2>"$work/wheels.log" || skip "pip found no libraries: see $work/wheels.log"
"$python" "$here/boot_releases.py" "$work/wheels" "$work/releases"

# inside COMMAND...: in the container, before it is booted
inside() { systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --bind-ro="$work/wheels:/mnt" "$@"; }

echo "tako in the container, as setup_pi.sh puts it on a board."
inside sh -euc '
    id tako >/dev/null 2>&1 || useradd --system --user-group --home-dir /var/lib/tako --shell /usr/sbin/nologin tako
    groupadd --system --force gpio
    groupadd --system --force render # a minimal Debian has none, like some boards
    usermod --append --groups audio,video,render,gpio tako
    rm -rf /opt/tako /var/lib/tako /etc/tako /etc/credstore /root/transcript /var/log/journal
    install -d /opt/tako/releases
    install -d -o tako -g tako -m 2770 /var/lib/tako
    install -d -o root -g tako -m 750 /etc/tako
    install -d -m 700 /etc/credstore
    python3 -m venv --system-site-packages /opt/tako/releases/1
    /opt/tako/releases/1/bin/python -m pip install --quiet --no-index --find-links /mnt "tako[pi]"
    ln -s releases/1 /opt/tako/venv
    ln -sf /opt/tako/venv/bin/tako /usr/local/bin/tako
'
install -m 644 "$project"/systemd/*.service "$project"/systemd/*.timer "$root/etc/systemd/system/"
install -m 644 "$here/boot.toml" "$root/etc/tako/tako.toml"
install -m 755 "$here/boot_inside.sh" "$root/root/"
install -m 600 /dev/stdin "$root/etc/credstore/tako.email" <<<"a secret of the credential store"
cp -r --reflink=auto "$work/releases" "$root/opt/tako/sources"
# a container has neither pins nor a sound card: gpiozero's own mock pins, and ALSA's own reading of a file
install -D -m 644 /dev/stdin "$root/etc/systemd/system/tako.service.d/container.conf" <<'END'
[Service]
Environment=GPIOZERO_PIN_FACTORY=mock GPIOZERO_MOCK_PIN_CLASS=mockpwmpin
END
"$python" - "$project/tests/data/en_request.wav" "$root/opt/tako/request.raw" <<'END'
import sys
import wave
with wave.open(sys.argv[1]) as wav, open(sys.argv[2], "wb") as raw:
    assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (16000, 1, 2)
    raw.write(wav.readframes(wav.getnframes()) + bytes(2 * 16000 * 4))  # and four seconds of silence
END
cat >"$root/etc/asound.conf" <<'END'
pcm.!default { type asym capture.pcm "spoken" playback.pcm "null" }
pcm.spoken { type file slave.pcm "null" file "/dev/null" infile "/opt/tako/request.raw" format "raw" }
END
install -m 644 /dev/stdin "$root/etc/systemd/system/boot-test.service" <<'END'
[Unit]
Description=what tests/system/boot.sh looks at
After=tako.service systemd-user-sessions.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'exec /root/boot_inside.sh >/root/transcript 2>&1'
ExecStopPost=systemctl poweroff
TimeoutStartSec=30min
[Install]
WantedBy=multi-user.target
END
inside systemctl --quiet enable tako.service tako-update-finish.service boot-test.service
binds=(--bind-ro="$work/wheels:/mnt")
for model in "$home"/models/text "$home"/models/whisper-*; do # each may be a link
    binds+=(--bind-ro="$(realpath "$model"):/var/lib/tako/models/${model##*/}")
done

echo "Boots."
timeout 2400 systemd-nspawn --quiet --directory="$root" --boot --register=no --keep-unit --console=pipe "${binds[@]}" \
    </dev/null >"$work/console.log" 2>&1 || true
# the same words each time, but for what is measured; no path of this machine
sed -e "s#$work#WORK#g; s#$project#PROJECT#g; s#$home#HOME#g" "$root/root/transcript" >"$transcript"
cat "$transcript"
tail -n 1 "$transcript" | grep -qx "All is well."
