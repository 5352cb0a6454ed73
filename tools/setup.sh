#!/usr/bin/env bash
# What `make setup` does: Debian's packages, a virtual environment in .venv, tako in it with everything to develop it.
# Quick when nothing is missing. For living on a board there is setup_pi.sh.
#
#   tools/setup.sh EXTRAS [PACKAGE...]     EXTRAS: of pyproject.toml, "dev" or "dev,train"; PACKAGE: Debian's, besides

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

extras=$1
shift
packages=(espeak-ng libportaudio2 libatomic1 "$@") # libatomic1: vosk on arm64

stop() {
    printf 'make setup: %s\n' "$*" >&2
    exit 1
}

find_python() {
    local name
    for name in python3 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
}

installed() { [[ $(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null) == ii* ]]; }

install_packages() {
    local missing=() package
    python=$(find_python)
    if [[ -z $python ]] || ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then packages+=(python3-venv); fi
    if ! command -v dpkg-query >/dev/null; then
        command -v espeak-ng >/dev/null || stop "there is no apt here. Install by hand what Debian calls: ${packages[*]}"
        return
    fi
    for package in "${packages[@]}"; do
        installed "$package" || missing+=("$package")
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    local root=() line="apt-get install -y --no-install-recommends ${missing[*]}"
    if [[ $(id -u) -ne 0 ]]; then
        command -v sudo >/dev/null || stop "packages are missing, and there is no sudo. As root: $line"
        root=(sudo)
        line="sudo $line"
    fi
    echo "Installing ${missing[*]}."
    if ! { "${root[@]}" apt-get update -q </dev/null &&
        "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" </dev/null; }; then
        stop "apt-get did not install them. By hand: $line"
    fi
    python=$(find_python)
}

install_program() {
    local stamp=.venv/installed-$extras
    if [[ $stamp -nt pyproject.toml && -x .venv/bin/tako ]]; then return; fi
    [[ -n $python ]] || stop "tako needs Python 3.11 to 3.13; this is $(python3 --version 2>&1 || echo none)."
    [[ -x .venv/bin/python ]] || "$python" -m venv .venv
    echo "Installing tako and its libraries into .venv; this takes a minute or two."
    # pip unpacks in TMPDIR: /tmp may be small and in memory
    TMPDIR=${TMPDIR:-/var/tmp} .venv/bin/python -m pip install -qq --disable-pip-version-check --editable ".[$extras]" ||
        stop "pip did not install tako. Is there a network?"
    touch "$stamp"
}

install_packages
install_program
