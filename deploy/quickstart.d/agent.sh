# shellcheck shell=bash
# agent.sh: plays the feed and the people: agents come to work, answer some cases by earshotctl and
# settle what they have answered.

answers_at_most=12

present_agents() {
  local agent
  query 'SELECT agent_id FROM agent WHERE active ORDER BY agent_id' | while read -r agent; do
    quietly ctl agent present "$agent" --as "$agent" </dev/null
  done
}

# The sample is a day of the past. It is played as the 24 hours that end now, so that deadlines mean
# something; a line whose time cannot be read stays as it is.
play_as_today() { # sets feed
  jq -rRn '
    def at: try (fromjson | .created_at | fromdate) catch null;
    [inputs] as $lines | ((now | floor) - ($lines | map(at) | max)) as $shift |
    $lines[] | . as $line |
    if at then fromjson | .created_at |= (fromdate + $shift | todate) | tojson else $line end' "$feed" >"$STATE/feed.jsonl"
  feed=$STATE/feed.jsonl
  say '    its times are moved so that the last post was written now'
}

# Malformed lines are named by earshotctl on standard error: shown, not fatal. The sample has two.
play_feed() {
  ctl replay "$feed" --json >"$STATE/replay.json" 2>"$STATE/log/replay.log" ||
    { tail -n 5 "$STATE/log/replay.log" >&2; die 'the feed could not be played'; }
  if [ -s "$STATE/log/replay.log" ]; then
    sed -n '1,5s/^earshotctl:/   /p' "$STATE/log/replay.log" >&2
    [ "$(wc -l <"$STATE/log/replay.log")" -le 5 ] || say "    … more in $STATE/log/replay.log"
    [ -n "$own_feed" ] || say '    (the sample has such lines on purpose: they are named, and stop nothing)'
  fi
}

pending() {
  query 'SELECT (SELECT count(*) FROM intake) + (SELECT count(*) FROM reply_due)
              + (SELECT count(*) FROM sending) + (SELECT count(*) FROM outcome_due)'
}

# Until nothing is on its way. Gives up when nothing has moved for two minutes.
await_settled() { # WHAT
  local left='' triaged='' now since=$SECONDS
  while left=$(pending) && [ "$left" != 0 ]; do
    now="$left $(query 'SELECT count(*) FROM triage')"
    [ "$now" = "$triaged" ] || since=$SECONDS
    triaged=$now
    [ $((SECONDS - since)) -lt 120 ] || die "$1: nothing has moved for two minutes; see $STATE/log"
    [ ! -t 2 ] || printf '\r    %s decided ' "${now#* }" >&2
    sleep 0.2
  done
  [ ! -t 2 ] || printf '\r%30s\r' '' >&2
}

answer_in() { # LANGUAGE
  case $1 in
    de) echo 'Danke für Ihre Nachricht. Ich kümmere mich selbst darum und melde mich heute noch bei Ihnen.' ;;
    es) echo 'Gracias por escribirnos. Me ocupo personalmente y le respondo hoy mismo.' ;;
    fr) echo "Merci pour votre message. Je m'en occupe et je reviens vers vous aujourd'hui." ;;
    it) echo 'Grazie per averci scritto. Me ne occupo io e le rispondo oggi stesso.' ;;
    nl) echo 'Bedankt voor uw bericht. Ik zoek het uit en kom er vandaag bij u op terug.' ;;
    pt) echo 'Obrigado pela sua mensagem. Vou tratar do assunto e respondo ainda hoje.' ;;
    *) echo 'Thank you for telling us. I am looking into it myself and will come back to you today.' ;;
  esac
}

# The most urgent cases that an agent has, of accounts that answer by webhook.
cases_to_answer() {
  query "SELECT c.case_id, c.agent_id, c.language FROM \"case\" c JOIN account a USING (account_id)
          WHERE c.agent_id IS NOT NULL AND c.state = 1 AND a.settings->>'connector' = 'webhook'
          ORDER BY c.respond_by, c.case_id LIMIT $answers_at_most"
}

# Every second answered case is settled by it; the others wait for the customer.
answer_cases() {
  local case agent language number=0
  while IFS='|' read -r case agent language; do
    quietly ctl case reply "$case" "$(answer_in "$language")" --as "$agent" </dev/null
    number=$((number + 1))
    [ $((number % 2)) = 1 ] || quietly ctl case resolve "$case" --as "$agent" --code answered </dev/null
  done < <(cases_to_answer)
  say "    $number replies written"
}
