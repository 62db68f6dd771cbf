# shellcheck shell=bash
# care.sh: the firm of the tests.
#
#   care_firm CAPACITY     the head of a care.yaml: one team, agent ana; accounts follow
! declare -F care_firm >/dev/null || return 0 # it has been read
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

care_firm() {
  cat <<YAML
firm: Northern Line Parcels
teams:
  - { id: care, name: Customer care, default: true }
agents:
  - { id: ana, name: Ana Prieto, team: care, capacity: $1, sign_off: "^Ana" }
YAML
}
