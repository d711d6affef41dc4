#!/usr/bin/env bash
# Records the leaky shop while it is visited, and shows what a recording of it answers.
# Usage: examples/demo.sh DIRECTORY_OF_GTRACE_COMMANDS GO [ADDRESS]
set -euo pipefail
cd "$(dirname "$0")/.."

commands="$1"
go="$2"
address="${3:-127.0.0.1:18080}"
trace=demo/trace.parquet
sudo=()
[[ "$(id -u)" == 0 ]] || sudo=(sudo)

echo "· building examples/leaky with $("$go" env GOVERSION)"
mkdir -p demo
build() { (cd examples/leaky && GOTOOLCHAIN=local GOFLAGS=-buildvcs=false "$go" build -o "$OLDPWD/demo/$1" "$2"); }
build leaky .
build load ./load

echo "· recording it for 15 seconds, while demo/load visits it"
"${sudo[@]}" "$commands/gtrace-rec" --force --out "$trace" -- demo/leaky -addr "$address" &
recorder=$!
trap 'kill -TERM $recorder 2>/dev/null || true' EXIT
until (: <"/dev/tcp/${address/://}") 2>/dev/null; do
    [[ -d "/proc/$recorder" ]] || exit 1 # it has said why
    sleep 0.1
done
demo/load -addr "$address" -duration 15s
kill -TERM "$recorder" # which passes it on to the shop
wait "$recorder"
trap - EXIT

echo
echo "\$ gtrace-analyze leaks $trace"
"$commands/gtrace-analyze" leaks "$trace"
"$commands/gtrace-analyze" timeline "$trace" --out demo/timeline.png
"$commands/gtrace-analyze" park "$trace" --plot demo/park.png >/dev/null

cat <<EOT

The recording lies in $trace, pictures in demo/timeline.png and demo/park.png. Try next:

    $commands/gtrace-analyze summary $trace
    $commands/gtrace-analyze park $trace
    $commands/gtrace-analyze sql $trace
EOT
