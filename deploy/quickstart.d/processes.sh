# shellcheck shell=bash
# processes.sh: the state folder, free ports, and processes that outlive the script that started
# them. A process is known by STATE/run/NAME.pid, which holds its id and its start time, so that
# another process that got the same id is never touched.

# Sets STATE. PostgreSQL does not run as root and cannot enter root's home, so root's state is in
# /var/tmp; everybody else's is where their programs keep state.
choose_state() {
  if [ -n "${EARSHOT_STATE:-}" ]; then
    STATE=$(realpath -m "$EARSHOT_STATE") # PostgreSQL starts in another folder
  elif [ "$(id -u)" = 0 ]; then
    STATE=/var/tmp/earshot-quickstart
  else
    STATE=${XDG_STATE_HOME:-$HOME/.local/state}/earshot-quickstart
  fi
  mkdir -p "$STATE"
  # In a folder that everybody may write to, somebody else may have been first.
  [ -O "$STATE" ] && [ ! -L "$STATE" ] || die "$STATE is not yours; give another folder in EARSHOT_STATE"
  chmod 711 "$STATE"
  mkdir -p "$STATE/run"
}

# Empties STATE but for run/ (whose processes have been stopped).
fresh_state() {
  local part
  for part in postgres log secrets roles keys care.yaml feed.jsonl env pgpass pg_service.conf replies.jsonl summary.json replay.json; do
    rm -rf "${STATE:?}/$part"
  done
  mkdir -p "$STATE/log"
  (umask 077 && mkdir -p "$STATE/secrets" "$STATE/roles" "$STATE/keys")
}

ports_taken=' '
# Sets PORT to a free port below the ephemeral range, PREFERRED where it is free.
pick_port() { # PREFERRED
  local tries=0
  PORT=$1
  while [[ $ports_taken == *" $PORT "* ]] ||
    grep -qi ":$(printf '%04X' "$PORT") 0*:0000 0A" /proc/net/tcp /proc/net/tcp6 2>/dev/null; do
    [ $((tries += 1)) -le 1000 ] || die "no free port found"
    PORT=$((10000 + RANDOM % 20000))
  done
  ports_taken+="$PORT "
}

# "ID START" of a live process; the start time (field 22) tells it from a later one with the same id.
# (The name in field 2 may hold blanks, so fields are counted behind its closing bracket.)
process_mark() { # PID
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -ra stat <<<"${stat##*) }"
  [ "${stat[0]}" != Z ] && printf '%s %s\n' "$1" "${stat[19]}"
}

is_running() { # NAME
  local pid start
  [ -f "$STATE/run/$1.pid" ] && read -r pid start <"$STATE/run/$1.pid" || return 1
  [ "$(process_mark "$pid")" = "$pid $start" ]
}

# A session of its own, no terminal: it stays when this script and its shell end.
launch() { # NAME COMMAND…
  local name=$1 pid
  shift
  setsid "$@" >>"$STATE/log/$name.log" 2>&1 </dev/null &
  pid=$!
  process_mark "$pid" >"$STATE/run/$name.pid" || die "$name ended at once: $(tail -n 3 "$STATE/log/$name.log")"
}

signal_process() { # NAME SIGNAL
  local pid start
  is_running "$1" || return 0
  read -r pid start <"$STATE/run/$1.pid"
  kill -s "$2" "$pid" 2>/dev/null || true
}

is_gone() { ! is_running "$1"; }

# TERM and wait; what has not drained in 40 s is killed.
stop_processes() { # NAME…
  local name
  for name; do signal_process "$name" TERM; done
  for name; do
    wait_for 40 is_gone "$name" || { say "$name does not stop; killed"; signal_process "$name" KILL; }
    rm -f "$STATE/run/$name.pid"
  done
}

wait_for() { # SECONDS COMMAND…
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

# From the last stage to the first, so that nothing is handed to one that is gone; then PostgreSQL.
stop_all() {
  stop_processes ingest classifier assignment responder receiver
  if is_running postgres; then
    signal_process postgres INT
    wait_for 60 is_gone postgres || signal_process postgres QUIT
  fi
  rm -f "$STATE/run/postgres.pid"
}
