#!/usr/bin/env bash
# Sets up tako in a Debian arm64 root, as on a Raspberry Pi: setup_pi.sh twice, doctor, a few turns, fast tests, and
# away again. On a PC the programs of the root run in qemu, which is slow: an hour or so.
#
#   tests/system/arm64.sh [bookworm|trixie]     writes tests/system/arm64.transcript.txt (trixie: arm64-trixie...)
#
# Needs root, network, and: apt install debootstrap qemu-user-static binfmt-support. Exit status: 0 all is well, 1 not,
# 77 it cannot run here (and says why). It changes nothing outside of its folder:
#   TAKO_ARM64         where the roots are kept (/var/tmp/tako-arm64): SUITE.tar is made once, SUITE anew each time;
#                      wheels in its folder "wheels" are taken instead of fetched (PIP_NO_INDEX=1: no others)
#   TAKO_ARM64_DROP    a folder of files for `tako models fetch`, taken instead of fetched
#   TAKO_ARM64_MODELS  a folder of models that are there already ("text": built on a PC, since building takes an hour
#                      in qemu; without it, it is built)
# The network of this machine goes along: its certificates, and PIP_* and *_proxy of its environment.

set -euo pipefail

suite=${1:-bookworm}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$here/../.." && pwd)
cache=${TAKO_ARM64:-/var/tmp/tako-arm64}
root=$cache/$suite
transcript=$here/arm64$([[ $suite == bookworm ]] || echo "-$suite").transcript.txt
bundle=/etc/ssl/certs/ca-certificates.crt
failed=()

skip() {
    printf 'skipped: %s\n' "$*"
    exit 77
}

check() {
    [[ $suite == bookworm || $suite == trixie ]] || skip "there is no Raspberry Pi OS $suite for tako"
    [[ $(id -u) -eq 0 ]] || skip "a root of another architecture needs root"
    command -v debootstrap >/dev/null || skip "debootstrap is not installed"
    if [[ $(uname -m) != aarch64 ]]; then
        command -v qemu-aarch64-static >/dev/null || skip "qemu-user-static is not installed"
        if [[ ! -e /proc/sys/fs/binfmt_misc/register ]]; then
            mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc 2>/dev/null ||
                skip "the kernel has no binfmt_misc"
        fi
        if [[ ! -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ]]; then
            update-binfmts --enable qemu-aarch64 2>/dev/null ||
                cat /usr/lib/binfmt.d/qemu-aarch64.conf >/proc/sys/fs/binfmt_misc/register 2>/dev/null ||
                skip "qemu-aarch64 cannot be made known to the kernel: systemctl restart systemd-binfmt"
        fi
    fi
}

# make_base: a minimal Debian, kept as a tar
make_base() {
    local made=$cache/$suite.new
    mkdir -p "$cache"
    [[ ! -e $cache/$suite.tar ]] || return 0
    echo "Making a Debian $suite for arm64; this is slow."
    rm -rf "$made"
    debootstrap --arch=arm64 --variant=minbase --include=ca-certificates,python3,python3-venv --foreign \
        "$suite" "$made" ${DEBIAN:+"$DEBIAN"} >"$cache/$suite.log" 2>&1
    chroot "$made" /debootstrap/debootstrap --second-stage >>"$cache/$suite.log" 2>&1
    tar -C "$made" -cf "$cache/$suite.tar.part" .
    mv "$cache/$suite.tar.part" "$cache/$suite.tar"
    rm -rf "$made"
}

make_root() {
    rm -rf "$root"
    mkdir -p "$root"
    tar -C "$root" -xf "$cache/$suite.tar"
    # /proc, but not /sys: with another machine's /sys onnxruntime does not start
    mount -t proc proc "$root/proc"
    mount -t devpts devpts "$root/dev/pts"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    cp "$bundle" "$root$bundle"
    mkdir -p "$root/home/ann/tako"
    (cd "$repo" && git ls-files -co --exclude-standard -z |
        while IFS= read -r -d '' file; do [[ ! -f $file ]] || printf '%s\0' "$file"; done |
        tar --null -T - -cf -) | tar -C "$root/home/ann/tako" --no-same-owner -xf -
    mkdir -p "$root/var/lib/tako/drop" "$root/var/lib/tako/models"
    if [[ -n ${TAKO_ARM64_DROP:-} ]]; then cp "$TAKO_ARM64_DROP"/* "$root/var/lib/tako/drop/"; fi
    if [[ -n ${TAKO_ARM64_MODELS:-} ]]; then cp -rL "$TAKO_ARM64_MODELS"/* "$root/var/lib/tako/models/"; fi
    chmod -R a+rwX "$root/var/lib/tako" # there is no user tako yet
    if [[ -d $cache/wheels ]]; then cp -rL "$cache/wheels" "$root/var/cache/wheels"; fi
}

# inside COMMAND...: in the root, with what the network needs
inside() {
    local pass=() name
    for name in $(compgen -e | grep -E '^PIP_(CERT|INDEX_URL|NO_INDEX|DEFAULT_TIMEOUT|RETRIES)$|_proxy$|_PROXY$'); do
        pass+=("$name=${!name}")
    done
    if [[ -d $root/var/cache/wheels ]]; then pass+=(PIP_FIND_LINKS=/var/cache/wheels); fi
    chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        LANG=C.UTF-8 TERM=dumb COLUMNS=110 REQUESTS_CA_BUNDLE="$bundle" SSL_CERT_FILE="$bundle" "${pass[@]}" "$@"
}

# show COMMAND: a line of shell in the root, its output and seconds into the transcript
show() {
    local begin=$SECONDS rc=0
    printf '\nroot@pi:/home/ann/tako# %s\n' "$1"
    inside sh -c "cd /home/ann/tako && $1" </dev/null 2>&1 || rc=$?
    printf '(exit status %d, %d s)\n' "$rc" "$((SECONDS - begin))"
    if [[ $rc -ne ${2:-0} ]]; then failed+=("$1: exit status $rc, not ${2:-0}"); fi
}

# plain: without apt's chatter, and without this machine's folders and mirrors
plain() {
    sed -u -E -e 's/\x1b\[[0-9;?]*[a-zA-Z]//g' -e 's/\r+$//' -e 's/.*\r//' -e "s|$cache|TAKO_ARM64|g" -e "s|$repo|tako|g" \
        -e 's#https?://[a-zA-Z0-9.:-]+/(simple|root|packages)[^ ]*#https://INDEX/...#g' | awk '
        /^(The following|The recommended|Recommended packages|Suggested packages)/ { list = 1; next }
        list && /^  / { next }
        { list = 0 }
        /^(Get:|Hit:|Ign:|Fetched |Reading |Building |Selecting |\(Reading |Preparing |Unpacking )/ { next }
        /^(Processing |Adding |Setting up [^ ]+ \(|update-alternatives|[0-9]+ (added|upgraded))/ { next }
        /^(Need to get|After this|perl: warning|invoke-rc|Created symlink|Current default)/ { next }
        /^(debconf|Updating |Running hooks|done\.|Local time|Universal|Run .dpkg|Extracting)/ { next }
        { print; fflush() }'
}

live() {
    local python=/opt/tako/venv/bin/python
    echo "tako in a Debian $suite root for arm64, by tests/system/arm64.sh"
    echo "On a PC, in qemu: the seconds say nothing of a board. /proc is the PC's; no sound card, no camera, no GPIO;"
    echo "no /sys, which onnxruntime's cpuinfo complains about."
    show "uname -m; . /etc/os-release; echo \$PRETTY_NAME"
    # without microphone and speaker it ends with 1 and says so; what needs neither works
    show "./setup_pi.sh --board pi --encyclopedia --modem" 1
    show "./setup_pi.sh --board pi" 1
    show "id tako; ls -l /usr/local/bin/tako /opt/tako; ls /etc/systemd/system; ls -ld /var/lib/tako /etc/tako/*"
    show "$python -c 'import gammu, libzim, lgpio, gpiozero, vosk, faster_whisper, onnxruntime, ddgs'"
    show "du -sm /opt/tako/venv/ /var/lib/tako/models/*; tako models list"
    show "tako ask 'which bin does a banana peel go in'"
    show "tako ask '旧电池应该扔哪个垃圾桶'"
    show "tako ask --yes 'add milk to my shopping list'"
    # it is heard, seen and understood; without a mail account it ends with a sentence and 6
    show "tako turn --wav tests/data/en_request.wav --image tests/data/photo.jpg --out /tmp/answer.wav --yes" 6
    show "ls -l /tmp/answer.wav"
    show "tako doctor" # microphone and speaker are no more than a warning on what is no Raspberry Pi
    show "$python -m pip install -q --root-user-action=ignore pytest hypothesis"
    show "$python -m pytest -q -p no:cacheprovider -m 'not slow' tests/agent >/tmp/pytest.log 2>&1; \
rc=\$?; tail -n 12 /tmp/pytest.log; exit \$rc"
    show "./setup_pi.sh --board pi --uninstall --purge"
    show "ls -d /opt/tako /var/lib/tako /etc/tako /usr/local/bin/tako /etc/systemd/system/tako*; id tako" 1
    printf '\n'
    if [[ ${#failed[@]} -eq 0 ]]; then
        echo "All is as it should be."
    else
        printf 'NOT as it should be: %s\n' "${failed[@]}"
    fi
}

main() {
    check
    # mounts of its own, gone with it
    if [[ ${TAKO_ARM64_OWN:-} != yes ]]; then
        TAKO_ARM64_OWN=yes exec unshare --mount --propagation private -- "$0" "$suite"
    fi
    make_base
    make_root
    live 2>&1 | plain | tee "$transcript.new"
    cat -s "$transcript.new" >"$transcript"
    rm "$transcript.new"
    grep -qx "All is as it should be." "$transcript"
}

main
