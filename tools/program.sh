# shellcheck shell=bash disable=SC2154
# How setup_pi.sh installs the program: on a PC from this folder, on a Raspberry Pi as a release. Sourced, not run.
# Uses run, as_root, say, stop and write_as_root of setup_pi.sh, and its variables.

install_program() {
    local extras="" mark
    if ! $encyclopedia && [[ -x $venv/bin/python ]] &&
        "$venv/bin/python" -c 'import libzim' >/dev/null 2>&1; then encyclopedia=true; fi # of an earlier setup
    if $encyclopedia; then extras=encyclopedia; fi
    if [[ $board == pi ]]; then extras=pi${extras:+,$extras}; fi
    mark=$(state_of_program "$extras")
    if [[ -e $venv/installed && $(<"$venv/installed") == "$mark" ]] && works "$venv"; then
        say "The program is here, and up to date."
        return
    fi
    say "pip brings tako and its libraries; this takes minutes."
    if [[ $board == pi ]]; then
        install_release "${here}[$extras]" "$mark"
    else
        if ! works "$venv"; then run "$python" -m venv --clear "$venv"; fi
        install_python run "$venv" --editable "${here}${extras:+[$extras]}"
        if ! $dry; then echo "$mark" >"$venv/installed"; fi
    fi
}

# works VENV: not if a power cut left it half made, or if it is of the Python of an older system
works() { [[ -x $1/bin/python ]] && "$1/bin/python" -m pip --version >/dev/null 2>&1; }

# install_release PROJECT MARK: beside the one that runs, as `tako update` does it (device/update.py has the layout);
# one that an earlier run did not finish is gone on with. The program is root's: updates run as root.
install_release() {
    local releases=$prefix/releases old="" last=0 number name
    as_root install -d -o root -g root -m 755 "$prefix" "$releases"
    if [[ -L $venv ]]; then old=$(basename "$(readlink "$venv")"); fi
    for name in "$releases"/*; do
        name=${name##*/}
        if [[ $name =~ ^[0-9]+$ && $name -gt $last ]]; then last=$name; fi
    done
    number=$((last + 1))
    if [[ $last -gt 0 && $last != "$old" && ! -e $releases/$last/installed ]]; then number=$last; fi
    local new=$releases/$number
    # the system's packages are seen, because picamera2 is bound to the system's libcamera
    if ! works "$new"; then as_root "$python" -m venv --clear --system-site-packages "$new"; fi
    install_python as_root "$new" "$1"
    write_as_root "$new/installed" 644 root root <<<"$2"
    if [[ -d $venv && ! -L $venv ]]; then as_root rm -rf "$venv"; fi # of tako 0.3, without releases
    if [[ -n $old && -d $releases/$old ]]; then as_root ln -sfn "releases/$old" "$prefix/previous"; fi
    as_root ln -sfn "releases/$number" "$prefix/.venv.new"
    as_root mv -T "$prefix/.venv.new" "$venv"
    as_root rm -f "$prefix/unproven" # of an update that was torn: this one is meant
    for name in "$releases"/*; do
        name=${name##*/}
        if [[ $name =~ ^[0-9]+$ && $name != "$number" && $name != "$old" ]]; then as_root rm -rf "$releases/$name"; fi
    done
}

# state_of_program EXTRAS: changes when what pip would install does
state_of_program() {
    {
        echo "$1"
        if [[ $board == pc ]]; then
            cat "$here/pyproject.toml"
        else
            (cd "$here" && find pyproject.toml actions agent device models training -type f ! -name '*.pyc' -print0 |
                LC_ALL=C sort -z | xargs -0 sha256sum)
        fi
    } | sha256sum
}

# install_python run|as_root VENV WHAT...: pip unpacks wheels in TMPDIR, for /tmp may be small and in memory
install_python() {
    local how=$1 into=$2 quiet=(--quiet)
    shift 2
    if [[ -t 1 ]]; then quiet=(); fi
    "$how" env TMPDIR="$root/var/tmp" "$into/bin/python" -m pip install "${quiet[@]}" --disable-pip-version-check \
        --root-user-action=ignore --upgrade "$@" ||
        stop "pip did not install tako. Is there a network? Then run this again."
}
