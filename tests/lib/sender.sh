# shellcheck shell=bash
# sender.sh: systems that post signed webhooks one after another and repeat what was not accepted, and
# what must hold of the answers. What was accepted is a feed to feed.sh: feed_check looks for it.
#
#   sender_start RUN COUNT [BYTES]   COUNT senders at once to ingest.1; texts of BYTES that do not compress
#   sender_stop                      each has its last post accepted and ends
#   sender_answers [FROM]            lines "STATUS RETRY-AFTER SECONDS" of all answers, from that line on
#   memory_watch | memory_check MIB  the resident size of every service each second; must not have grown by
#                                    more, nor be above MEMORY_MAX_MIB
! declare -F sender_start >/dev/null || return 0 # it has been read
. "$(dirname "${BASH_SOURCE[0]}")/feed.sh"

sender_pids=()
SENDER_COUNTED=0

sender_body() { # RUN N I BYTES
  local text="My parcel arrived broken and nobody answers. I want my money back!"
  [ "$4" = 0 ] || text+=" $(head -c "$4" /dev/urandom | base64 -w0)"
  printf '{"platform":"webshop","external_id":"%s-%s-%s","account":"@shop","author":{"id":"%s-c%s-%s"},"text":"%s","created_at":"%s"}' \
    "$1" "$2" "$3" "$1" "$2" "$(($3 % 25))" "$text" "$(date -u +%FT%TZ)"
}

sender_loop() { # RUN N BYTES
  local run=$1 n=$2 i=0 id body at code
  while [ ! -e "$WORK/sender.stop" ]; do
    i=$((i + 1)) id=msg_$1_$2_$i body=$(sender_body "$1" "$2" "$i" "$3")
    until
      at=$(date +%s)
      # Nothing at all within 30 s is 000, an answer that no sender can make use of.
      code=$(curl -sS --max-time 30 -o /dev/null -w '%{http_code} %header{retry-after} %{time_total}' \
        -H 'Content-Type: application/json' -H "webhook-id: $id" -H "webhook-timestamp: $at" \
        -H "webhook-signature: $(printf '%s' "$body" | webhook_sign "$SENDER_SECRET" "$id" "$at")" \
        --data-binary "$body" "$SENDER_URL" 2>/dev/null) || true
      # "503 5 0.001", "200  0.010"
      awk '{ print $1, (NF == 3 ? $2 : "-"), $NF }' <<<"$code" >>"$WORK/answers"
      [[ $code == 200* ]]
    do sleep 0.3; done
    printf '%s\n' "$body" >>"$WORK/feed.$run.sender$n.jsonl"
  done
}

sender_start() { # RUN COUNT [BYTES]
  local n
  SENDER_SECRET=$(cat "$WORK/secrets/shop")
  SENDER_URL=$(stack_url ingest 1)/v1/accounts/@shop/posts
  rm -f "$WORK/sender.stop"
  touch "$WORK/answers"
  for ((n = 1; n <= $2; n++)); do
    sender_loop "$1" "$n" "${3:-0}" &
    sender_pids+=($!)
  done
}

sender_stop() {
  local accepted
  touch "$WORK/sender.stop"
  wait "${sender_pids[@]}" || fail "a sender ended with an error"
  sender_pids=()
  accepted=$(cat "$WORK"/feed.*.sender*.jsonl | wc -l)
  FEED_POSTS=$((FEED_POSTS + accepted - SENDER_COUNTED))
  SENDER_COUNTED=$accepted
}

answers() { wc -l <"$WORK/answers"; }
more_answers() { [ "$(answers)" -ge "$1" ]; }
sender_answers() { tail -n "+$((${1:-0} + 1))" "$WORK/answers"; }
# So many answers since FROM were of that status.
answered_with() { # STATUS COUNT FROM
  [ "$(sender_answers "$3" | grep -c "^$1 ")" -ge "$2" ]
}

# Who cannot be stored for is told so, and when to come back: nothing else, and nobody is kept waiting.
sender_check_answers() { # FROM SECONDS
  local odd
  odd=$(sender_answers "$1" | awk -v most="$2" '
    !($1 == 200 || ($1 == 503 || $1 == 429) && $2 ~ /^[0-9]+$/) || $3 > most')
  [ -z "$odd" ] || fail "answers that are neither 200 nor 503 with Retry-After, or took longer than $2 s: $(head -n 3 <<<"$odd" | paste -sd';')"
}

memory_watch() {
  local name
  : >"$WORK/memory"
  while sleep 1; do
    for name in "${!stack_pid[@]}"; do
      awk -v name="$name" '/^VmRSS/ { print name, $2 }' "/proc/${stack_pid[$name]}/status" 2>/dev/null || true
    done >>"$WORK/memory"
  done &
  MEMORY_WATCH=$!
}

# Against the mean of the first three seconds.
memory_check() { # MIB
  local grown
  kill "$MEMORY_WATCH"
  wait "$MEMORY_WATCH" 2>/dev/null || true
  grown=$(awk -v most="$1" -v limit="${MEMORY_MAX_MIB:-128}" '
    ++seen[$1] <= 3 { base[$1] += $2 / 3 }
    $2 > top[$1] { top[$1] = $2 }
    END { for (n in top) {
      printf "%s %.0f MiB at first, %.0f at most\n", n, base[n] / 1024, top[n] / 1024 > "/dev/stderr"
      if (top[n] - base[n] > most * 1024 || top[n] > limit * 1024) print n } }' "$WORK/memory")
  [ -z "$grown" ] || fail "memory grew by more than $1 MiB, or above ${MEMORY_MAX_MIB:-128}: $(paste -sd' ' <<<"$grown")"
}
