#!/usr/bin/env bash
# The real Bluesky network: a mention becomes a case, the answer stands in the thread exactly once,
# through kill -9 of both ends, lost answers and an outage of the platform.
. "$(dirname "$0")/../lib/bluesky.sh"
need_command jq curl
need_peer bsky faultproxy

bluesky_start
fault_proxy "127.0.0.1:${BSKY_BASE_URL##*:}"
pg_start
bluesky_care "$WORK/care.yaml" "$PROXY_URL"
stack_prepare "$WORK/care.yaml"
ENV_ingest=(EAR_INGEST_LEASE=5s)
stack_start ingest=1 classifier=1 assignment=1 responder=1
quietly ctl agent present ana --as ana
for name in alice bob brand; do bluesky_login "$name"; done

posts_in_case_are() { [ "$(pg_query "SELECT posts FROM \"case\" WHERE case_id = '$CASE'")" = "$1" ]; }

# How often the brand answered below URI, with TEXT.
answers() { # URI TEXT
  bluesky_thread alice "$1" | jq --arg did "$BSKY_BRAND_DID" --arg text "$2" '[.. | objects
    | select(.author?.did? == $did and ((.record?.text? // "") | startswith($text))) | .uri] | unique | length'
}
answered_once() { [ "$(answers "$1" "$2")" = 1 ]; }

say "alice mentions the brand"
bluesky_post alice "@brand.test my parcel arrived broken and nobody answers the phone. I want my money back!"
asked=$POST_URI asked_ref=$POST_REF
must_settle "the case" 60 cases_are 1
only_case
expect_eq "heard on" bluesky "$(pg_query 'SELECT platform FROM "case"')"

say "ana answers; alice sees it in her thread, once"
reply "$CASE" "I am sorry, Alice. Your money is on its way back."
must_settle "the answer in the thread" 60 answered_once "$asked" "I am sorry, Alice"
must_settle "its outcome" 60 stack_settled
expect_eq "visible replies" 1 "$(pg_query 'SELECT count(*) FROM reply WHERE visible_at IS NOT NULL')"

say "alice answers in the thread: the same case"
bluesky_post alice "Thank you @brand.test but when will it be here?" "$asked_ref" "$asked_ref"
must_settle "it joined" 60 posts_in_case_are 2

say "ingest and responder killed; what is said meanwhile is heard, what is sent is sent once"
service_kill ingest 1
service_kill responder 1
bluesky_post alice "@brand.test still waiting, this is outrageous" "$asked_ref" "$asked_ref"
reply "$CASE" "It will be with you on Monday."
service_start ingest 1
service_start responder 1
service_wait_ready ingest 1
service_wait_ready responder 1
must_settle "the post said meanwhile" 60 posts_in_case_are 3
must_settle "the second answer" 60 answered_once "$asked" "It will be with you"

say "the platform posts the reply, its answer is lost: still once"
fault lost 100
reply "$CASE" "We have sent you a voucher as well."
must_settle "it is in the thread" 90 answered_once "$asked" "We have sent you a voucher"
fault lost 0
must_settle "its outcome is known" 240 stack_settled
expect_eq "in the thread" 1 "$(answers "$asked" "We have sent you a voucher")"
expect_eq "none is unknown or failed" 0 "$(pg_query 'SELECT count(*) FROM reply WHERE visible_at IS NULL')"

say "an outage of the platform: everything said in it is heard afterwards, once"
fault err 100
for number in 1 2 3; do bluesky_post bob "@brand.test my refund number $number is missing, please help"; done
bluesky_post alice "@brand.test are you still there?" "$asked_ref" "$asked_ref"
fault err 0
must_settle "alice's post" 120 posts_in_case_are 4
must_settle "bob's case" 120 cases_are 2
bobs_posts_are() { [ "$(pg_query "SELECT posts FROM \"case\" WHERE case_id <> '$CASE'")" = "$1" ]; }
must_settle "all three of bob's" 120 bobs_posts_are 3
expect_eq "posts of customers" 7 "$(pg_query 'SELECT count(*) FROM post WHERE NOT own')"

stack_stop
stack_logs_clean
