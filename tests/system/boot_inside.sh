#!/bin/bash
# What boot.sh looks at, in the container, as root. Ends with "All is well." or with what is not.

set -uo pipefail
export LC_ALL=C.UTF-8 TAKO_HOME=/var/lib/tako TAKO_CONFIG=/etc/tako/tako.toml TAKO_CONTROL=/run/tako/control
failed=0

title() { printf '\n== %s\n' "$*"; }
show() { systemctl show --property="$1" --value tako.service; }
check() { # check WORDS COMMAND...
    local words=$1
    shift
    if "$@"; then echo "ok    $words"; else
        echo "FAIL  $words"
        failed=1
    fi
}
until_true() { # until_true SECONDS COMMAND...
    local end=$((SECONDS + $1))
    shift
    while ! "$@"; do
        if ((SECONDS > end)); then return 1; fi
        sleep 0.2
    done
}
active() { [[ $(show ActiveState) == active ]]; }
other_than() { active && [[ $(show MainPID) != "$1" ]]; }
journal() { journalctl --unit tako.service --output cat --no-pager --quiet; }
state='from pathlib import Path; from device.control import ask; print(ask(Path("/run/tako/control"), {"do": "state"})["state"])'
ready() { [[ $(/opt/tako/venv/bin/python -P -c "$state" 2>/dev/null) == ready ]]; }
told() { journal | grep -qE -- "$1"; }

title "it reaches ready, by its own word"
check "tako.service is active" until_true 120 active
started=$(($(show ActiveEnterTimestampMonotonic) - $(show ExecMainStartTimestampMonotonic)))
echo "      it says: $(show StatusText); ready $((started / 1000)) ms after its start"
check "systemd is told by the service itself" test "$(show Type)" = notify
check "it runs as the user tako" test "$(stat -c %U "/proc/$(show MainPID)")" = tako
check "in gpio, audio and video" bash -c "id -nG tako | grep -q gpio && id -nG tako | grep -q audio && id -nG tako | grep -q video"
check "its words are in the journal" until_true 10 told '^device.cli.service: ready$'
check "its secret is where only it can read it" test "$(stat -c %a:%U /run/credentials/tako.service/email)" = 400:tako
echo "      $(systemd-analyze security tako.service --no-pager | tail -n 1)"

title "the control socket"
check "it is for the group tako" test "$(stat -c %a:%U:%G /run/tako/control)" = 660:tako:tako
check "it tells how it stands" ready
check "nobody else may use it" bash -c '! setpriv --reuid nobody --regid nogroup --clear-groups tako press 2>/root/refused'
sed 's/^/      /' /root/refused

title "a press: it listens to the microphone, understands, asks (and hears the same words again: no clear yes)"
tako press --wait --json >/root/turn.json
python3 - <<'END' | tee /root/turn
import json
turn = json.load(open("/root/turn.json"))
print("      heard   ", turn["transcript"]["text"], f"({turn['transcript']['engine']})")
for call in (turn["decision"] or {"calls": []})["calls"]:
    print("      decided ", call["name"], call["args"])
print("      says    ", turn["spoken"])
END
check "it heard the request" grep -qi "email anna" /root/turn
check "it decided to send an email" grep -q "send_email" /root/turn
check "nothing was sent without a yes" bash -c '! grep -qi "I sent" /root/turn'

title "a request in writing"
tako say --wait what is the best pizza in rome >/root/said 2>/dev/null
sed 's/^/      /' /root/said
check "it is answered" test -s /root/said

title "killed: it comes back"
pid=$(show MainPID)
kill -KILL "$pid"
check "it runs again, as another process" until_true 60 other_than "$pid"
check "and answers" until_true 10 tako press
echo "      restarts so far: $(show NRestarts)"

title "frozen (SIGSTOP): the watchdog sees that the loop gives no sign of life"
check "the turn of that press comes to its end" until_true 120 ready
pid=$(show MainPID)
begun=$SECONDS
kill -STOP "$pid"
check "it runs again, as another process" until_true 120 other_than "$pid"
echo "      after $((SECONDS - begun)) s, of which WatchdogSec is $(show WatchdogUSec)"
check "the journal says why" bash -c "journalctl --unit tako.service --no-pager | grep -q 'Watchdog timeout'"

title "a new release that dies at its start: the old one runs again"
export PIP_NO_INDEX=1 PIP_FIND_LINKS=/mnt
before=$(readlink /opt/tako/venv)
tako update /opt/tako/sources/bad 2>&1 | sed 's/^/      /'
check "the link leads to the old release" test "$(readlink /opt/tako/venv)" = "$before"
check "and it runs" until_true 60 active
check "nothing is unproven" test ! -e /opt/tako/unproven

title "a new release that works, brought by tako-update.service"
printf '%s\n' TAKO_UPDATE_FROM=/opt/tako/sources/good PIP_NO_INDEX=1 PIP_FIND_LINKS=/mnt >/etc/tako/update.env
systemctl start tako-update.service
journalctl --unit tako-update.service --output cat --no-pager --quiet --identifier tako | sed 's/^/      /'
version='from pathlib import Path; from device.control import ask; print(ask(Path("/run/tako/control"), {"do": "state"})["version"])'
check "it answers" test "$(/opt/tako/venv/bin/python -P -c "$version")" = 9.0.0
tako update --back 2>&1 | sed 's/^/      /'
check "and back again" test "$(readlink /opt/tako/venv)" = "$before"

title "after a power cut in the midst of an update"
printf '{"from": "%s", "to": "99"}' "${before##*/}" >/opt/tako/unproven
systemctl start tako-update-finish.service
check "the release before is seen to be the one that runs" test ! -e /opt/tako/unproven
check "and it runs" until_true 60 active

title "switched off: it ends by itself"
systemctl stop tako.service
check "without force" test "$(show Result)" = success
check "and the socket is gone" test ! -e /run/tako

title "the journal, without times"
journal | grep -vE '^(Traceback|  )' | tail -n 60 | cut -c -150 | sed 's/^/      /'
echo
if ((failed)); then echo "Something is not well."; else echo "All is well."; fi
