# shellcheck shell=bash
# cpu.sh: CPU time of processes, from /proc, kernel time in their context included. Source after
# common.sh.
#
#   cpu_threads PID…   milliseconds of all threads that live, with nanoseconds' precision
#   cpu_tree PID…      the same with all processes below
#   cpu_server PID     of a server that forks: its tree, and what its ended children used
#   cpu_all            one JSON object: each service, and postgres

cpu_threads() {
  local pid files=()
  for pid; do files+=(/proc/"$pid"/task/*/schedstat); done
  # A process that ends between the two lines has no file any more: it counts as nothing.
  { cat "${files[@]}" 2>/dev/null || true; } | awk '{ sum += $1 } END { printf "%.3f\n", sum / 1e6 }'
}

cpu_tree() {
  local pid
  # A process without children is no error here.
  # shellcheck disable=SC2046
  cpu_threads "$@" $(for pid; do descendants "$pid" 2>/dev/null; done)
}

cpu_server() {
  local ended
  ended=$(awk '{ sub(/^.*\) /, ""); print ($14 + $15) * 10 }' "/proc/$1/stat")
  # shellcheck disable=SC2046
  awk -v a="$(cpu_threads "$1" $(pgrep -P "$1" || true))" -v b="$ended" 'BEGIN { printf "%.3f\n", a + b }'
}

cpu_all() {
  local name args=() filter=
  for name in "${STACK_SERVICES[@]}"; do
    args+=(--argjson "$name" "$(cpu_threads "${stack_pid[$name.1]}")")
    filter+="$name: \$$name, "
  done
  jq -nc "${args[@]}" --argjson postgres "$(cpu_server "$PG_PID")" "{$filter postgres: \$postgres}"
}
