#!/usr/bin/env bash
# A file or folder that the command line names and that is missing, is of the wrong kind, lies below
# what is none or may not be read is one kind of mistake, whatever command it is given to: exit code 3,
# and a message with its name.
. "$(dirname "$0")/../lib/ctl.sh"
need_program earshotctl
ctl_database
MODEL=$EARSHOT_BIN/../share/earshot/earshot.model
[ -f "$MODEL" ] || fail "no model at $MODEL"
cat >"$WORK/care.yaml" <<'YAML'
firm: Northern Line Parcels
teams: [{ id: care, name: Customer care, default: true }]
YAML
printf 'intent\ttext\ncomplaint\tmy parcel is late\n' >"$WORK/gold.tsv"
P=00000000-0000-8000-8000-000000000001
pg_query "
SELECT ensure_month(now());
INSERT INTO post (post_id, customer_id, platform, external_id, account_id, created_at, received_at, stored_at, self_ref,
                  visibility, entry, own, automated, language_hint, body)
VALUES ('$P', '$P', 'feed', 'x', '@n', now(), now(), now(), '$P', 0, 1, false, false, '', 'late again')"
exits 0 relabel "$P" --head intent --label complaint

wrong() { # PATH ARGUMENT…, with a % for the path
  local path=$1
  shift
  EAR_INGEST_REPLAY_TOKEN=t exits 3 "${@//%/$path}" </dev/null
  says "$path"
}
# What is read, then what is written.
reads=('apply %' 'secrets %' "secrets $WORK/care.yaml --dir %" 'replay %' 'classify --model %' 'evaluate % x' "evaluate $MODEL %"
  "evaluate $MODEL $WORK/gold.tsv --against %" "evaluate $MODEL $WORK/gold.tsv --notes %" 'evaluate --contamination %'
  "train % -o $WORK/m" "train $WORK/gold.tsv -o $WORK/m --validation %" "train $WORK -o $WORK/m --recipe %"
  "train $WORK/gold.tsv -o $WORK/m --lexicons %")
writes=('keygen %' 'export-labels %' "train $WORK/train.tsv -o %/m")
for i in $(seq 40); do printf '%s\t%s %s\n' complaint 'late again' "$i" praise 'thank you' "$i"; done | sed '1i intent\ttext' >"$WORK/train.tsv"
: >"$WORK/file"
for command in "${reads[@]}"; do
  read -ra words <<<"$command"
  wrong "$WORK/nowhere" "${words[@]}"
  wrong "$WORK/file/below" "${words[@]}"
done
for command in "${writes[@]}"; do
  read -ra words <<<"$command"
  wrong "$WORK/nowhere/below" "${words[@]}"
  wrong "$WORK/file" "${words[@]}"
done
# A folder in the place of a file.
mkdir "$WORK/folder"
for command in 'apply %' 'secrets %' 'replay %' 'classify --model %' 'evaluate % x' "evaluate $MODEL $WORK/gold.tsv --notes %" \
  "train $WORK -o $WORK/m --recipe %" "train $WORK/gold.tsv -o $WORK/m --validation %"; do
  read -ra words <<<"$command"
  wrong "$WORK/folder" "${words[@]}"
done
# One that may not be read; nothing is kept from root.
if [ "$(id -u)" != 0 ]; then
  : >"$WORK/secret"
  chmod 0 "$WORK/secret"
  for command in "${reads[@]}"; do
    read -ra words <<<"$command"
    wrong "$WORK/secret" "${words[@]}"
  done
fi
status=0
"$EARSHOT_BIN/earshotctl" migrate --role-secrets "$WORK/nowhere" 2>"$WORK/err" || status=$?
expect_eq 'passwords that are nowhere' 3 "$status"
says "$WORK/nowhere/earshot_ingest"
EAR_MODEL=$WORK/nowhere exits 3 classify </dev/null
says "$WORK/nowhere"
# Standard input and output are files, too.
exits 3 case reply 019fa000-0000-7000-8000-00000000ffff - --as ana <"$WORK/folder"
exits 3 classify --text <"$WORK/folder"
EAR_INGEST_REPLAY_TOKEN=t exits 3 replay <"$WORK/folder"
for command in completion 'agent list' --help --version --print-config 'help case list' 'help case'; do
  read -ra words <<<"$command"
  status=0
  ctl "${words[@]}" >/dev/full 2>"$WORK/err" || status=$?
  expect_eq "$command on a full disk" 3 "$status"
  # Whoever closes them is not to have them taken for the next socket.
  status=0
  ctl "${words[@]}" >&- 2>"$WORK/err" || status=$?
  expect_eq "$command without a standard output" 3 "$status"
  says 'standard output cannot be written'
  ctl "${words[@]}" <&- 2>&- >"$WORK/out" || fail "$command without standard input and error"
done
EAR_INGEST_REPLAY_TOKEN=t exits 3 replay <&-
says 'reading the feed: Bad file descriptor'
head -c 300000 /dev/zero | tr '\0' x | exits 3 case note 019fa000-0000-7000-8000-00000000ffff - --as ana
says 'the text is larger than 256 KiB'
head -c 2000000 /dev/zero | tr '\0' x >"$WORK/long"
exits 3 apply "$WORK/long"
says 'is larger than the 1048576 bytes it may have'
# What is said back is short, and no terminal obeys it; what is no text goes nowhere.
exits 2 case show $'Zo\u00eb\e[31m\nx'
says "'Zoë.[31m x' is no case"
exits 2 case show $'\e\xff'
says "'.?' is no case"
exits 2 case show "$(head -c 100000 /dev/zero | tr '\0' x)"
[ "$(wc -c <"$WORK/err")" -lt 2000 ] || fail "a long word is said back as $(wc -c <"$WORK/err") bytes"
for option in "--team="$'\xff' "--agent="$'a\xe2\x80' "--account="$'\xc0\x80'; do
  exits 2 case list "$option"
  says "what ${option%%=*} says is not UTF-8"
done
# Who types it is told that it is waited for; a pipe is not.
for command in 'classify --text' 'secrets -' 'case note 019fa000-0000-7000-8000-00000000ffff - --as ana'; do
  script -qec "'$EARSHOT_BIN/earshotctl' $command" "$WORK/typed" </dev/null >"$WORK/out" || true
  grep -q 'reading standard input; end it by Ctrl-D' "$WORK/out" || { cat "$WORK/out" >&2; fail "$command waits in silence"; }
done
exits 0 classify --text <<<'late again'
[ ! -s "$WORK/err" ] || fail "in a pipe it says: $(cat "$WORK/err")"
# What the environment names is the environment's mistake.
EAR_PG_PASSWORD_FILE=$WORK/nowhere EAR_PG_PASSWORD='' exits 2 case list
