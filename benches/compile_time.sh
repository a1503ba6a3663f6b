#!/usr/bin/env bash
# What a dependency costs whoever adds it: crates, and CPU seconds of a cold `cargo build`.
#
# Every row is a fresh crate with one dependency and a target folder of its own. CPU seconds are of
# the user and the system together, so that other work on the machine and its number of cores
# hardly count. Rows can be chosen by name: `benches/compile_time.sh reqwest 'goodput, default'`.
set -euo pipefail
goodput=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset RUSTFLAGS
rows=("$@")

row() {
    local name=$1 dependency=$2 fresh="$work/fresh"
    if ((${#rows[@]})) && ! printf '%s\n' "${rows[@]}" | grep -qxF "$name"; then return; fi
    rm -rf "$fresh"
    cargo new --quiet --vcs none --lib "$fresh"
    echo "$dependency" >>"$fresh/Cargo.toml"
    local manifest=(--manifest-path "$fresh/Cargo.toml") crates times TIMEFORMAT='%U %S'
    cargo fetch --quiet "${manifest[@]}"
    # The fresh crate itself is no part of the cost.
    crates=$(cargo tree "${manifest[@]}" -e normal,build --prefix none --no-dedupe | sort -u | tail -n +2 | wc -l)
    times=$({ time cargo build "${manifest[@]}" --quiet --offline --target-dir "$fresh/target" >&2; } 2>&1 | tail -1)
    printf '| %s | %d | %.0f |\n' "$name" "$crates" "$(awk '{ print $1 + $2 }' <<<"$times")"
}

ours() {
    row "goodput, $1" "goodput = { path = \"$goodput\", default-features = false, features = [$2] }"
}

printf '| dependency | crates | CPU seconds |\n|---|---|---|\n'
row 'criterion' 'criterion = "0.8"'
row 'reqwest' 'reqwest = "0.13"'
row 'reqwest, no features' 'reqwest = { version = "0.13", default-features = false }'
row 'goodput, default' "goodput = { path = \"$goodput\" }"
ours 'no features' ''
ours 'tokenizers' '"tokenizers"'
ours 'tls' '"tls"'
ours 'wiremock' '"wiremock"'
ours 'junit' '"junit"'
ours 'html' '"html"'
ours 'insta' '"insta"'
ours 'csv' '"csv"'
ours 'parquet' '"parquet"'
ours 'media' '"media"'
ours 'hf' '"hf"'
ours 'cli' '"cli"'
ours 'all' '"tokenizers", "tls", "wiremock", "insta", "hf", "csv", "parquet", "cli"'
