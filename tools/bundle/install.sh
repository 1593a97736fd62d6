#!/bin/sh
# Linux and macOS: find a Python that fits, and let it install. Start it with: sh install.sh
cd "$(dirname "$0")" || exit 1
for python in python3.14 python3.13 python3.12 python3.11 python3 python; do
    here='import json, sys; sys.exit(not any(key.endswith(" %d.%d" % sys.version_info[:2]) for key in json.load(open("bundle.json"))["requirements"]))'
    if "$python" -c "$here" 2>/dev/null; then
        exec "$python" install.py "$@"
    fi
done
echo "No Python here fits this bundle: it needs one of these, and nothing else:" >&2
sed -n 's/^  *"\(.*\)": \[.*/  \1/p' bundle.json >&2
exit 1
