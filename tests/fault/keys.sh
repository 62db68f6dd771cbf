#!/usr/bin/env bash
# Keys are taken out and changed while everything runs: SIGHUP, nothing is restarted. An intruder that had
# a key until now, and holds posts, loses both at once and comes in no more, on the connection that it has
# or on a new one; a broken file changes nothing. Feeds go through all of it, and every invariant holds.
. "$(dirname "$0")/../lib/feed.sh"
need_program integ.ingest_sink

lines_of() { grep -c "$2" "$WORK/log/$1.1.log" || true; }
has_lines() { [ "$(lines_of "$1" "$2")" -ge "$3" ]; }
reload() { # [SERVICE…]: reads the files again; all of them by default
  local name before
  for name in "${@:-${STACK_SERVICES[@]}}"; do
    before=$(lines_of "$name" event=svc.reloaded)
    kill -s HUP "${stack_pid[$name.1]}"
    must_settle "$name has read its keys again" 10 has_lines "$name" event=svc.reloaded $((before + 1))
  done
}
new_key() { # FOLDER SERVICE: sets LINE, its line for the peers file; the secret is FOLDER/SERVICE.key
  quietly "$EARSHOT_BIN/earshotctl" keygen "$1"
  LINE=$(grep "^$2 " "$1/peers")
}
peers=$WORK/keys/peers
unlist() { # LINE
  grep -vxF -- "$1" "$peers" >"$WORK/peers.new"
  mv "$WORK/peers.new" "$peers"
}

pg_start
feed_stack ingest=1 classifier=1 assignment=1 responder=1
new_key "$WORK/intruder" classifier
stolen=$LINE
echo "$stolen" >>"$peers"
reload

say "an intruder with a key that is listed holds posts"
intrude() { # OUTPUT SECONDS
  EAR_BUS_KEY_FILE=$WORK/intruder/classifier.key EAR_BUS_PEERS_FILE=$peers setpriv --pdeathsig KILL \
    "$EARSHOT_BIN/integ.ingest_sink" "127.0.0.1:${stack_port[ingest.1.bus]}" hold "$2" >"$1" 2>"$1.log"
}
intrude "$WORK/caught" 300 &
sinks_are() { curl -s "$(stack_url ingest 1)/metrics" | grep -q "^earshot_bus_sinks $1\$"; }
must_settle "the intruder is connected" 20 sinks_are 2
feed_make before 200
feed_play before &
player=$!
caught() { [ -s "$WORK/caught" ]; }
must_settle "it has posts" 20 caught

say "its key is taken out"
unlist "$stolen"
reload
must_settle "it is thrown out" 10 has_lines ingest 'event=bus.peer_down .*not listed any more' 1
count=$(wc -l <"$WORK/caught")
wait "$player" || fail "the feed could not be played"
feed_check
feed_make after 100
feed_play after
feed_answer 3
feed_check
expect_eq "posts that the intruder has" "$count" "$(wc -l <"$WORK/caught")"
intrude "$WORK/again" 4
expect_eq "posts that it gets when it comes again" '' "$(cat "$WORK/again")"
refused_by_key() { curl -s "$(stack_url ingest 1)/metrics" | grep -q '^earshot_bus_refused_peers_total{reason="key"}'; }
must_settle "that is counted" 10 refused_by_key

say "the operator's key is another one: commands by the old one are not heard"
case=$(feed_open_cases 1)
new_key "$WORK/fresh" operator
unlist "$(grep '^operator ' "$peers")"
echo "$LINE" >>"$peers"
reload assignment
if ctl case resolve "$case" --reason tested --as ana >"$WORK/command.out" 2>&1; then fail "a command by a key that is not listed"; fi
expect_eq "its case" 1 "$(pg_query "SELECT state FROM \"case\" WHERE case_id = '$case'")"
cp "$WORK/fresh/operator.key" "$WORK/keys/operator.key"
quietly ctl case resolve "$case" --reason tested --as ana

say "files that are broken change nothing"
cp "$peers" "$WORK/peers.good"
for text in '' 'classifier no-key' '# nobody'; do
  echo "$text" >"$peers"
  for name in "${STACK_SERVICES[@]}"; do
    before=$(lines_of "$name" event=svc.reload_failed)
    kill -s HUP "${stack_pid[$name.1]}"
    must_settle "$name says so" 10 has_lines "$name" "event=svc.reload_failed .*why=\"EAR_BUS_PEERS_FILE: $peers" $((before + 1))
  done
done
feed_make broken 40
feed_play broken
feed_check
cp "$WORK/peers.good" "$peers"

say "every service changes its own key, one after the other, under a feed"
feed_make change 400
feed_play change &
player=$!
for name in "${STACK_SERVICES[@]}"; do
  old=$(grep "^$name " "$peers")
  new_key "$WORK/fresh.$name" "$name"
  echo "$LINE" >>"$peers"
  reload
  cp "$WORK/fresh.$name/$name.key" "$WORK/keys/$name.key"
  reload "$name"
  unlist "$old"
  reload
  for other in "${STACK_SERVICES[@]}"; do service_wait_ready "$other" 1; done
done
wait "$player" || fail "the feed could not be played"
feed_answer 3
feed_check
expect_eq "changes of own keys" 4 "$(cat "$WORK"/log/*.log | grep -c 'event=bus.keys_read .*own=changed')"
stack_stop
stack_logs_clean
