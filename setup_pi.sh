#!/usr/bin/env bash
# Sets up tako on a Raspberry Pi, where it lives as a service, or on a PC, where it lives in this folder.
# May be run again at any time: it does what is missing. ./setup_pi.sh --help says more.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${TAKO_ROOT:-} # put before every path of the system: for tests and for building an SD card's image

board=""
dry=false
models=true
service=true
uninstall=false
purge=false
simulate=false
i2s=false
modem=false
encyclopedia=false
problems=()
steps=0

packages=(python3-venv espeak-ng libportaudio2 libatomic1 alsa-utils tzdata ca-certificates)
# Raspberry Pi OS has these; another system may not: what that means
declare -A pi_packages=([python3-picamera2]="no camera" [python3-lgpio]="pip brings it")
groups=(audio video render gpio)
space=2000 # megabytes: libraries 600, models 500, Debian's packages, and room to unpack them
more=1000  # for a further release

# shellcheck source=tools/board.sh
source "$here/tools/board.sh"
# shellcheck source=tools/program.sh
source "$here/tools/program.sh"

usage() {
    cat <<'END'
Usage: ./setup_pi.sh [options]

Sets up tako: Debian's packages, a Python environment, the settings, the sound cards, the models, the service, and a
last look (tako doctor). It asks nothing. When it breaks off, run it again: it goes on where it stopped.

On a Raspberry Pi tako becomes a service that starts with the board and runs as the user "tako":
    program   /opt/tako           command   /usr/local/bin/tako
    settings  /etc/tako/tako.toml models and history   /var/lib/tako
On a PC it stays in this folder and in your home:
    program   .venv               command   ~/.local/bin/tako
    settings  ~/.config/tako/tako.toml     models and history   ~/.local/share/tako

Options:
    --board pi|pc   set up as this, whatever the machine is
    --simulate      on a PC: the Enter key is the button, the terminal the light, there is no camera; takes a first turn
    --i2s           on a Pi: switch on the I2S microphone and amplifier of docs/wiring.md
    --modem         on a Pi: be able to send texts through a GSM modem (python3-gammu, group dialout)
    --encyclopedia  be able to read ZIM files, an encyclopedia without network (libzim, GPL)
    --no-models     leave the models for later (tako models fetch, tako models build)
    --no-service    on a Pi: do not install the service
    --dry-run       print what would be done, and do nothing
    --uninstall     remove what this script installed; settings, models and history stay
    --purge         with --uninstall: remove them, too
    --help          this text

Only what needs it is done with sudo. Exit status: 0 done, 1 something is missing (it says what), 2 wrong usage.
END
}

say() { printf '%s\n' "$*"; }

step() {
    steps=$((steps + 1))
    say "[$steps] $*"
}

stop() {
    printf 'setup_pi.sh: %s\n' "$*" >&2
    exit 1
}

# run COMMAND...: as the one who called the script; printed instead with --dry-run
run() {
    if $dry; then
        printf '+'
        printf ' %q' "$@"
        printf '\n'
    else
        "$@"
    fi
}

# as_root COMMAND...: with sudo unless we are root already
as_root() {
    if [[ $(id -u) -eq 0 ]]; then
        run "$@"
    elif $dry || command -v sudo >/dev/null; then
        run sudo "$@"
    else
        stop "this needs root, and there is no sudo. As root: $*"
    fi
}

# look COMMAND...: that changes nothing, so with --dry-run, too, but then without sudo
look() { if $dry; then "$@" 2>/dev/null; else as_root "$@"; fi; }

parse() {
    while [[ $# -gt 0 ]]; do
        case $1 in
            --board)
                [[ ${2:-} == pi || ${2:-} == pc ]] || { usage >&2 && exit 2; }
                board=$2
                shift
                ;;
            --simulate) simulate=true ;;
            --i2s) i2s=true ;;
            --modem) modem=true ;;
            --encyclopedia) encyclopedia=true ;;
            --no-models) models=false ;;
            --no-service) service=false ;;
            --dry-run) dry=true ;;
            --uninstall) uninstall=true ;;
            --purge) purge=true ;;
            --help | -h) usage && exit 0 ;;
            *) usage >&2 && exit 2 ;;
        esac
        shift
    done
    if $purge && ! $uninstall; then usage >&2 && exit 2; fi
    if $simulate; then
        if [[ $board == pi ]] || $uninstall; then usage >&2 && exit 2; fi
        board=pc
    fi
}

find_board() {
    if [[ -z $board ]]; then
        board=pc
        if tr -d '\0' 2>/dev/null <"$root/proc/device-tree/model" | grep -q "Raspberry Pi"; then board=pi; fi
    fi
    if [[ $board == pc ]] && { $i2s || $modem; }; then stop "--i2s and --modem are for a Raspberry Pi."; fi
    if [[ $board == pi ]]; then
        # the system's own, not one of a person's that comes first on the PATH: the service's user may not run that one,
        # and picamera2 belongs to this one
        python=$root/usr/bin/python3
        prefix=$root/opt/tako
        venv=$prefix/venv
        link=$root/usr/local/bin/tako
        settings=$root/etc/tako/tako.toml
        home=$root/var/lib/tako
    else
        python=python3
        venv=$here/.venv
        link=$HOME/.local/bin/tako
        settings=$HOME/.config/tako/tako.toml
        home=${TAKO_HOME:-$HOME/.local/share/tako}
    fi
}

installed() { [[ $(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null) == ii* ]]; }

install_packages() {
    command -v apt-get >/dev/null || stop "there is no apt-get here. Install by hand what Debian calls: ${packages[*]}"
    local wanted=("${packages[@]}") missing=() package
    if [[ $board == pi ]]; then
        if $modem; then pi_packages[python3-gammu]="no texts through a modem"; fi
        for package in "${!pi_packages[@]}"; do
            if installed "$package" || apt-cache show "$package" >/dev/null 2>&1; then
                wanted+=("$package")
            else
                say "$package is not to be had on this system: ${pi_packages[$package]}."
            fi
        done
    fi
    for package in "${wanted[@]}"; do
        installed "$package" || missing+=("$package")
    done
    if [[ ${#missing[@]} -eq 0 ]]; then
        say "Debian's packages are here."
        return
    fi
    local line="apt-get install -y --no-install-recommends ${missing[*]}"
    local wait=DPkg::Lock::Timeout=600 # a board that starts for the first time updates itself
    if ! $dry && [[ $(id -u) -ne 0 ]] && ! command -v sudo >/dev/null; then
        stop "packages are missing, and there is no sudo. As root: $line"
    fi
    say "Installing ${missing[*]}."
    # what an earlier run was torn from is finished first
    if ! { as_root env DEBIAN_FRONTEND=noninteractive dpkg --configure -a && as_root apt-get update -q -o "$wait" &&
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -q --no-install-recommends -o "$wait" "${missing[@]}" </dev/null; }; then
        stop "apt-get did not install them. By hand: sudo $line"
    fi
}

# A modem in the settings is as good as --modem.
find_modem() {
    [[ -d $(dirname "$settings") ]] || return 0 # of an earlier setup
    if look grep -sqE '^[[:space:]]*via[[:space:]]*=[[:space:]]*"modem"' "$settings"; then modem=true; fi
}

make_user() {
    local person=${SUDO_USER:-$(id -un)}
    id tako >/dev/null 2>&1 ||
        as_root useradd --system --user-group --home-dir /var/lib/tako --no-create-home --shell /usr/sbin/nologin tako
    local group there=()
    if $modem; then groups+=(dialout); fi
    for group in "${groups[@]}"; do
        if getent group "$group" >/dev/null; then there+=("$group"); fi
    done
    if [[ ${#there[@]} -gt 0 ]]; then
        as_root usermod --append --groups "$(IFS=, && echo "${there[*]}")" tako
    fi
    # whoever sets it up may use its settings and history
    if [[ $person != root ]] && ! id -nG "$person" | tr ' ' '\n' | grep -qx tako; then
        as_root usermod --append --groups tako "$person"
        say "You are in the group tako from your next login on."
    fi
    as_root install -d -o tako -g tako -m 2770 "$home"
}

install_command() {
    if [[ $board == pi ]]; then
        write_as_root "$link" 755 root root <<END
#!/bin/sh
# Written by setup_pi.sh: tako with the service's settings, models and history.
umask 0007
: "\${TAKO_HOME:=/var/lib/tako}" "\${TAKO_CONFIG:=/etc/tako/tako.toml}" "\${TAKO_CONTROL:=/run/tako/control}"
export TAKO_HOME TAKO_CONFIG TAKO_CONTROL
exec /opt/tako/venv/bin/tako "\$@"
END
    else
        run mkdir -p "$(dirname "$link")"
        run ln -sfn "$venv/bin/tako" "$link"
    fi
}

# write_as_root PATH MODE OWNER GROUP <content: a power cut leaves the old file or the new one
write_as_root() {
    if $dry; then
        say "+ write $1 (mode $2, $3:$4)"
        cat >/dev/null
        return
    fi
    local text
    text=$(mktemp)
    cat >"$text"
    as_root install -D -m "$2" -o "$3" -g "$4" "$text" "$1.new"
    as_root mv -f "$1.new" "$1"
    rm -f "$text"
}

install_settings() {
    if [[ $board == pi ]]; then
        as_root install -d -o root -g tako -m 750 "$(dirname "$settings")"
        if ! $dry && as_root test -e "$settings"; then
            say "The settings stay as they are: $settings"
        else
            write_as_root "$settings" 640 root tako <"$here/systemd/tako.toml"
        fi
    elif [[ -e $settings ]]; then
        say "The settings stay as they are: $settings"
        if $simulate; then say "tako run needs button.kind = \"key\" and camera.kind = \"none\" in them."; fi
    else
        run install -D -m 600 "$here/systemd/tako.toml" "$settings"
        if $simulate && ! $dry; then
            printf '\n%s\n' "# A PC without button and camera: the Enter key is the button (setup_pi.sh --simulate)." \
                "[button]" 'kind = "key"' "" "[camera]" 'kind = "none"' >>"$settings"
        fi
    fi
}

# as_owner PROGRAM...: of tako's own (tako, python), as the one whom the models and the history belong to
as_owner() {
    local program=$venv/bin/$1
    shift
    if [[ $board == pi ]]; then
        # from /, because the service's user may not look into the folder we are in
        as_root env --chdir=/ setpriv --reuid tako --regid tako --init-groups env HOME=/var/lib/tako \
            "TAKO_HOME=$home" "TAKO_CONFIG=$settings" "TMPDIR=$root/var/tmp" sh -c 'umask 0007 && exec "$@"' \
            tako "$program" "$@"
    else
        run "$program" "$@"
    fi
}

install_models() {
    local status="from device.text_model import status_of_text_model as s; raise SystemExit(s().state != 'built')"
    as_owner tako models fetch || problems+=("some models are missing: tako models fetch")
    # it takes minutes on a small board, so not once more when it is of this release already
    if ! $dry && as_owner python -c "$status" 2>/dev/null; then
        say "The text model is built."
    else
        as_owner tako models build || problems+=("the text model is not built: tako models build")
    fi
}

# units: the names of those that tako brings
units() {
    local file
    for file in "$here"/systemd/*.{service,timer,socket,path}; do
        if [[ -e $file ]]; then basename "$file"; fi
    done
}

install_service() {
    local unit
    while read -r unit; do
        write_as_root "$root/etc/systemd/system/$unit" 644 root root <"$here/systemd/$unit"
    done < <(units)
    if [[ -d $root/run/systemd/system ]]; then
        as_root systemctl daemon-reload
        # not the timer: that is for who wants it
        as_root systemctl enable --quiet tako.service tako-update-finish.service
        as_root systemctl restart tako.service
        say "tako runs. Its words: journalctl -u tako -f"
    else
        say "systemd does not run here: the service is installed, but not started."
    fi
}

remove() {
    if [[ $board == pi ]]; then
        local unit
        while read -r unit; do
            if [[ -d $root/run/systemd/system && -e $root/etc/systemd/system/$unit ]]; then
                as_root systemctl disable --quiet --now "$unit"
            fi
            as_root rm -f "$root/etc/systemd/system/$unit"
        done < <(units)
        as_root rm -f "$link"
        if [[ -d $root/run/systemd/system ]]; then as_root systemctl daemon-reload; fi
        as_root rm -rf "$prefix"
        if $purge; then
            as_root rm -rf "$home" "$(dirname "$settings")"
            if id tako >/dev/null 2>&1; then as_root userdel tako; fi
        fi
        remove_from_board
    else
        if [[ -L $link ]]; then run rm -f "$link"; fi
        run rm -rf "$venv"
        if $purge; then
            # TAKO_HOME may be any folder of the person's: only what tako made in it goes
            run rm -rf "$home"/{models,partial,drop,history} "$(dirname "$settings")"
            if [[ -d $home ]]; then run rmdir --ignore-fail-on-non-empty "$home"; fi
        fi
    fi
    if $purge; then say "tako is gone, and all it kept."; else say "tako is gone. Kept: $settings and $home"; fi
    say "Debian's packages stay: others may use them."
}

# A turn in the simulated gadget, of a sentence that does nothing.
simulate_turn() {
    say "In the simulated gadget, hello tako:"
    if $dry; then
        say "+ tako simulate"
    else
        "$venv/bin/tako" simulate <<<"hello tako" || problems+=("the simulated gadget does not work: tako simulate")
    fi
}

main() {
    parse "$@"
    find_board
    if $uninstall; then
        remove
        return
    fi
    say "Setting up tako on a $([[ $board == pi ]] && echo "Raspberry Pi" || echo PC)."
    check_system
    check_space "$([[ -d $venv ]] && echo "$more" || echo "$space")" "$(dirname "$venv")"
    step "Debian's packages"
    if [[ $board == pi ]]; then find_modem; fi
    install_packages
    "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' ||
        stop "tako needs Python 3.11 to 3.13; this is $("$python" --version)."
    if [[ $board == pi ]]; then
        step "The user tako and its groups"
        make_user
    fi
    step "The program"
    install_program
    install_command
    step "The settings"
    install_settings
    if [[ $board == pi ]]; then
        step "Sound"
        if $i2s; then add_i2s; fi
        check_sound
    fi
    if $models; then
        step "The models"
        install_models
    fi
    if [[ $board == pi ]] && $service; then
        step "The service"
        install_service
    fi
    step "A last look"
    as_owner tako doctor || problems+=("tako doctor has found something: see above")
    if $simulate && $models; then simulate_turn; fi
    if [[ ${#problems[@]} -gt 0 ]]; then
        printf 'setup_pi.sh: %s\n' "${problems[@]}" >&2
        exit 1
    fi
    if $dry; then
        say "That is what would be done; nothing was."
        return
    fi
    say "Done. Try: $link ask \"text mom i'll be ten minutes late\""
}

main "$@"
