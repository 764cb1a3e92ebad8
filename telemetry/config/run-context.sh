#!/usr/bin/env bash
# Runs one context. What it says goes to standard output and, for the collector, into a file that is turned over when
# it is full, so that the two of them never take more than twice $LOG_BYTES.
set -euo pipefail
context=$1 folder=${MALLBOTS_LOGS:-/var/log/mallbots} most=${LOG_BYTES:-16777216}

keep() {
    local line file="$folder/$context.log" written=0
    while IFS= read -r line; do
        printf '%s\n' "$line"
        if ((written > most)); then
            mv "$file" "$folder/$context.earlier.log" && written=0
        fi
        printf '%s\n' "$line" >>"$file" && written=$((written + ${#line} + 1))
    done
}

rm -f "$folder/$context.log" "$folder/$context.earlier.log"
exec python -m "contexts.$context" > >(trap '' TERM INT; keep) 2>&1
