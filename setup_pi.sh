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
problems=()

packages=(python3-venv espeak-ng libportaudio2 libatomic1 alsa-utils)
# Raspberry Pi OS has these; another system may not: what that means
declare -A pi_packages=([python3-picamera2]="no camera" [python3-lgpio]="pip brings it")
groups=(audio video render gpio)

usage() {
    cat <<'END'
Usage: ./setup_pi.sh [options]

Sets up tako: Debian's packages, a Python environment, the models, the settings, and a last look (tako doctor).

On a Raspberry Pi tako becomes a service that starts with the board and runs as the user "tako":
    program   /opt/tako           command   /usr/local/bin/tako
    settings  /etc/tako/tako.toml models and history   /var/lib/tako
On a PC it stays in this folder and in your home:
    program   .venv               command   ~/.local/bin/tako
    settings  ~/.config/tako/tako.toml     models and history   ~/.local/share/tako

Options:
    --board pi|pc   set up as this, whatever the machine is
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

parse() {
    while [[ $# -gt 0 ]]; do
        case $1 in
            --board)
                [[ ${2:-} == pi || ${2:-} == pc ]] || { usage >&2 && exit 2; }
                board=$2
                shift
                ;;
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
}

find_board() {
    if [[ -z $board ]]; then
        board=pc
        if tr -d '\0' 2>/dev/null <"$root/proc/device-tree/model" | grep -q "Raspberry Pi"; then board=pi; fi
    fi
    case $(uname -m) in
        aarch64 | x86_64) ;;
        *) stop "tako needs a 64-bit system; this one is $(uname -m). On a Pi, install the 64-bit Raspberry Pi OS." ;;
    esac
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
    if ! $dry && [[ $(id -u) -ne 0 ]] && ! command -v sudo >/dev/null; then
        stop "packages are missing, and there is no sudo. As root: $line"
    fi
    say "Installing ${missing[*]}."
    if ! { as_root apt-get update -q &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"; }; then
        stop "apt-get did not install them. By hand: sudo $line"
    fi
}

make_user() {
    id tako >/dev/null 2>&1 ||
        as_root useradd --system --user-group --home-dir /var/lib/tako --no-create-home --shell /usr/sbin/nologin tako
    local group there=()
    for group in "${groups[@]}"; do
        if getent group "$group" >/dev/null; then there+=("$group"); fi
    done
    if [[ ${#there[@]} -gt 0 ]]; then
        as_root usermod --append --groups "$(IFS=, && echo "${there[*]}")" tako
    fi
    # whoever sets it up may use its settings and history
    if [[ $(id -u) -ne 0 ]] && ! id -nG | tr ' ' '\n' | grep -qx tako; then
        as_root usermod --append --groups tako "$(id -un)"
        say "You are in the group tako from your next login on."
    fi
    as_root install -d -o tako -g tako -m 2770 "$home"
}

install_program() {
    if [[ $board == pi ]]; then
        as_root install -d -o "$(id -u)" -g "$(id -g)" -m 755 "$prefix"
        # the system's packages are seen, because picamera2 is bound to the system's libcamera
        [[ -x $venv/bin/python ]] || run "$python" -m venv --system-site-packages "$venv"
        install_python "${here}[pi]"
    else
        [[ -x $venv/bin/python ]] || run "$python" -m venv "$venv"
        install_python --editable "$here"
    fi
}

# pip unpacks wheels in TMPDIR: /tmp may be small and in memory
install_python() {
    run env TMPDIR="$root/var/tmp" "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade "$@" ||
        stop "pip did not install tako. Is there a network?"
}

install_command() {
    if [[ $board == pi ]]; then
        write_as_root "$link" 755 root root <<END
#!/bin/sh
# Written by setup_pi.sh: tako with the service's settings, models and history.
umask 0007
: "\${TAKO_HOME:=/var/lib/tako}" "\${TAKO_CONFIG:=/etc/tako/tako.toml}"
export TAKO_HOME TAKO_CONFIG
exec /opt/tako/venv/bin/tako "\$@"
END
    else
        run mkdir -p "$(dirname "$link")"
        run ln -sfn "$venv/bin/tako" "$link"
    fi
}

# write_as_root PATH MODE OWNER GROUP <content
write_as_root() {
    if $dry; then
        say "+ write $1 (mode $2, $3:$4)"
        cat >/dev/null
        return
    fi
    local text
    text=$(mktemp)
    cat >"$text"
    as_root install -D -m "$2" -o "$3" -g "$4" "$text" "$1"
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
    else
        run install -D -m 600 "$here/systemd/tako.toml" "$settings"
    fi
}

# as_owner COMMAND...: tako's command line, as the one whom the models and the history belong to
as_owner() {
    if [[ $board == pi ]]; then
        # from /, because the service's user may not look into the folder we are in
        as_root env --chdir=/ setpriv --reuid tako --regid tako --init-groups env HOME=/var/lib/tako \
            "TAKO_HOME=$home" "TAKO_CONFIG=$settings" "TMPDIR=$root/var/tmp" sh -c 'umask 0007 && exec "$@"' \
            tako "$venv/bin/tako" "$@"
    else
        run "$venv/bin/tako" "$@"
    fi
}

install_models() {
    as_owner models fetch || problems+=("some models are missing: tako models fetch")
    as_owner models build || problems+=("the text model is not built: tako models build")
}

install_service() {
    local unit=$root/etc/systemd/system/tako.service
    write_as_root "$unit" 644 root root <"$here/systemd/tako.service"
    if [[ -d $root/run/systemd/system ]]; then
        as_root systemctl daemon-reload
        as_root systemctl enable --quiet tako.service
        as_root systemctl restart tako.service
        say "tako runs. Its words: journalctl -u tako -f"
    else
        say "systemd does not run here: the service is installed, but not started."
    fi
}

remove() {
    if [[ $board == pi ]]; then
        if [[ -d $root/run/systemd/system && -e $root/etc/systemd/system/tako.service ]]; then
            as_root systemctl disable --quiet --now tako.service
        fi
        as_root rm -f "$root/etc/systemd/system/tako.service" "$link"
        if [[ -d $root/run/systemd/system ]]; then as_root systemctl daemon-reload; fi
        as_root rm -rf "$prefix"
        if $purge; then
            as_root rm -rf "$home" "$(dirname "$settings")"
            if id tako >/dev/null 2>&1; then as_root userdel tako; fi
        fi
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

main() {
    parse "$@"
    find_board
    if $uninstall; then
        remove
        return
    fi
    say "Setting up tako on a $([[ $board == pi ]] && echo "Raspberry Pi" || echo PC)."
    install_packages
    "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' ||
        stop "tako needs Python 3.11 to 3.13; this is $("$python" --version)."
    if [[ $board == pi ]]; then make_user; fi
    install_program
    install_command
    install_settings
    if $models; then install_models; fi
    if [[ $board == pi ]] && $service; then install_service; fi
    as_owner doctor || problems+=("tako doctor has found something: see above")
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
