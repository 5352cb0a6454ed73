# shellcheck shell=bash disable=SC2154
# What setup_pi.sh knows of a Raspberry Pi itself: its system, its sound cards, its I2S overlay. Sourced, not run.
# Uses as_root, look, say, stop and write_as_root of setup_pi.sh, and its variables board, dry, home, root and problems.

i2s_overlay="dtoverlay=googlevoicehat-soundcard" # an I2S microphone and a MAX98357A on the same three wires
i2s_mark="# Added by setup_pi.sh --i2s"
sound_mark="# Written by setup_pi.sh: the sound cards that tako hears and speaks with. Without this line it is yours."

# check_system: the releases that tako is made for; a 32-bit system may well run a 64-bit kernel
check_system() {
    local name="" arch
    case $(uname -m) in
        aarch64 | x86_64) ;;
        *) stop "tako needs a 64-bit system; this one is $(uname -m). On a Pi, install the 64-bit Raspberry Pi OS." ;;
    esac
    if command -v dpkg >/dev/null; then
        arch=$(dpkg --print-architecture)
        [[ $arch == arm64 || $arch == amd64 ]] ||
            stop "the kernel is 64-bit, but the system is $arch. Install the 64-bit Raspberry Pi OS."
    fi
    [[ $board == pi ]] || return 0
    if [[ -r $root/etc/os-release ]]; then
        name=$(sed -n 's/^VERSION_CODENAME=//p' "$root/etc/os-release")
    fi
    case $name in
        bookworm | trixie) ;;
        stretch | buster | bullseye) stop "this is Raspberry Pi OS $name; tako needs bookworm or trixie." ;;
        *) say "tako is made for Raspberry Pi OS bookworm and trixie; this is ${name:-another system}. Trying." ;;
    esac
}

# check_space MEGABYTES FOLDER: FOLDER need not exist yet
check_space() {
    local folder=$2 free
    until [[ -d $folder ]]; do folder=$(dirname "$folder"); done
    free=$(($(df -Pk "$folder" | awk 'NR == 2 {print $4}') / 1024))
    [[ $free -ge $1 ]] || stop "there are $free MB free for $2, and tako needs $1. Make room, or take a larger card."
}

# sound_cards capture|playback: "DEVICE CARD NAME" for each that can, CARD being ALSA's short name. What was plugged in
# comes first, then the board's own jack, then HDMI, which is silent without a screen.
sound_cards() {
    local cards=$root/proc/asound/cards pcm=$root/proc/asound/pcm
    [[ -r $cards && -r $pcm ]] || return 0
    awk -v what="$1" '
        FNR == NR {
            if (match($0, /^ *[0-9]+ \[/)) {
                number = $1 + 0
                id = $0; sub(/^[^[]*\[/, "", id); sub(/ *\].*/, "", id)
                name = $0; sub(/^.* - /, "", name)
                ids[number] = id; names[number] = name
            }
            next
        }
        $0 ~ ": " what " " {
            split($1, where, /[-:]/)
            number = where[1] + 0
            if (!(number in ids) || (number in told)) next
            told[number] = 1
            rank = 0
            if (tolower(ids[number] names[number]) ~ /bcm2835|headphones/) rank = 1
            if (tolower(ids[number] names[number]) ~ /hdmi/) rank = 2
            found[rank] = found[rank] (where[2] + 0) " " ids[number] " " names[number] "\n"
        }
        END { printf "%s%s%s", found[0], found[1], found[2] }' "$cards" "$pcm"
}

card_name() {
    local _ name=none
    [[ -z $1 ]] || read -r _ _ name <<<"$1"
    echo "$name"
}

# check_sound: says which cards are taken, makes them ALSA's default, and tries whether the microphone records
check_sound() {
    local in out device card file=$root/etc/asound.conf
    in=$(sound_cards capture | sed -n 1p)
    out=$(sound_cards playback | sed -n 1p)
    if [[ -z $in ]]; then
        problems+=("there is no microphone: plug in a USB one, or wire an I2S one and run ./setup_pi.sh --i2s")
    fi
    if [[ -z $out ]]; then
        problems+=("there is no speaker: plug in a USB one, or wire an I2S amplifier and run ./setup_pi.sh --i2s")
    fi
    [[ -n $in$out ]] || return 0
    say "Microphone: $(card_name "$in"). Speaker: $(card_name "$out")."
    # a desktop has a sound server of its own, which the service's user has no session with
    if [[ -e $root/etc/alsa/conf.d/99-pipewire-default.conf || -e $root/etc/alsa/conf.d/99-pulse.conf ]]; then
        file=$home/.asoundrc
    fi
    if look test -e "$file" && ! look grep -qxF "$sound_mark" "$file"; then
        say "ALSA's default cards stay as they are: $file"
    else
        { say "$sound_mark" && alsa_defaults "$in" "$out"; } | write_as_root "$file" 644 root root
    fi
    if [[ -n $in ]] && ! $dry; then
        read -r device card _ <<<"$in"
        as_root setpriv --reuid tako --regid tako --init-groups timeout 20 \
            arecord -q -D "plughw:CARD=$card,DEV=$device" -f S16_LE -r 16000 -c 1 -d 1 -t raw /dev/null 2>/dev/null ||
            problems+=("the microphone $card does not record: pull it out and plug it in again, then: arecord -l")
    fi
}

# alsa_defaults INPUT OUTPUT: with plug every rate will do, with dmix and dsnoop several may use a card at once
alsa_defaults() {
    local device card _
    say "pcm.!default {"
    say "    type asym"
    if [[ -n $2 ]]; then
        read -r device card _ <<<"$2"
        say "    playback.pcm { type plug slave.pcm \"dmix:CARD=$card,DEV=$device\" }"
    fi
    if [[ -n $1 ]]; then
        read -r device card _ <<<"$1"
        say "    capture.pcm { type plug slave.pcm \"dsnoop:CARD=$card,DEV=$device\" }"
    fi
    say "}"
    say "ctl.!default { type hw card $card }"
}

# add_i2s: the overlay takes effect when the board starts
add_i2s() {
    local config=$root/boot/firmware/config.txt
    [[ -e $config ]] || stop "there is no $config: --i2s is for Raspberry Pi OS bookworm or newer."
    if grep -qxF "$i2s_overlay" "$config"; then
        say "I2S sound is on in $config."
        return
    fi
    { cat "$config" && printf '\n[all]\n%s\n%s\n' "$i2s_mark" "$i2s_overlay"; } |
        write_as_root "$config" 755 root root
    problems+=("I2S sound starts with the board: sudo reboot, then run ./setup_pi.sh again")
}

# remove_from_board: what add_i2s and check_sound wrote
remove_from_board() {
    local config=$root/boot/firmware/config.txt file
    if [[ -e $config ]] && grep -qxF "$i2s_mark" "$config"; then
        sed "/^$i2s_mark\$/,+1d" "$config" | write_as_root "$config" 755 root root
    fi
    for file in "$root/etc/asound.conf" "$home/.asoundrc"; do
        if look grep -sqxF "$sound_mark" "$file"; then as_root rm -f "$file"; fi
    done
}
