#!/bin/sh
# Write as Markdown what a run of knowledge.yml found: sh summary.sh FOLDER ADDRESS_OF_THE_RUN
set -eu
folder=$1
run=$2

# A fence longer than any run of backticks in the text; nothing that stands in the knowledge gets out of it. Comments
# hold 65,536 characters, so each part is cut.
fenced() {
    printf '``````````text\n'
    head -c "$2" "$1" | sed 's/``````````/`/g'
    printf '\n``````````\n\n'
}

printf '## What this change of the knowledge means\n\n'

if [ -s "$folder/findings.txt" ]; then
    printf '### Findings\n\n'
    fenced "$folder/findings.txt" 12000
else
    printf 'No errors, no findings.\n\n'
fi

if [ -s "$folder/test.txt" ]; then
    printf '### Questions\n\n'
    if grep -q '^Compared with' "$folder/test.txt"; then
        sed -n '/^Compared with/,$p' "$folder/test.txt" > "$folder/moved.txt"
        fenced "$folder/moved.txt" 10000
    fi
    printf '<details><summary>All figures</summary>\n\n'
    fenced "$folder/test.txt" 10000
    printf '</details>\n\n'
fi

for text in "$folder"/pictures/*.txt; do
    [ -e "$text" ] || continue
    [ -n "${shown:-}" ] || printf '### Changed answers and letters\n\n'
    shown=$((${shown:-0} + 1))
    [ "$shown" -le 8 ] || continue
    printf '<details><summary>%s</summary>\n\n' "$(basename "$text" .txt)"
    fenced "$text" 3000
    printf '</details>\n\n'
done
[ "${shown:-0}" -le 8 ] || printf 'And %s more.\n\n' "$((shown - 8))"

printf 'Pictures of these and the whole report are among the [artefacts of the run](%s).\n' "$run"
