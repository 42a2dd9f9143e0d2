#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 60
# Holds docs/schema/*.schema.json to the tables of documents that tests/unit/test_config_schema.c
# holds the program to: what is valid passes the schema, what is invalid doesn't, and what only the
# program can know ("beyond") passes.
cd "$(dirname "$0")/../.." || exit 2
exec python3 - <<'PYTHON'
import glob
import json
import sys

import jsonschema

wrong = 0
for subject, name in (("vm", "cases"), ("board", "boards")):
    with open(f"docs/schema/{subject}.schema.json", encoding="utf-8") as file:
        schema = json.load(file)
    with open(f"tests/unit/data/config/{name}.json", encoding="utf-8") as file:
        cases = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    before = wrong
    for case in cases:
        errors = list(validator.iter_errors(case["document"]))
        if bool(errors) != (case["verdict"] == "invalid"):
            says = errors[0].message if errors else "fine"
            print(f'{case["case"]}: is {case["verdict"]}, but the schema says: {says}', file=sys.stderr)
            wrong += 1
    bad = wrong != before or not cases
    print("not ok" if bad else "ok", f"the schema of a {subject} judges as the program does")
for board in glob.glob("metal/board/*.json"):
    with open(board, encoding="utf-8") as file:
        errors = list(validator.iter_errors(json.load(file)))
    wrong += bool(errors)
    print("not ok" if errors else "ok", f"{board}, which comes with Hull, is a valid board")
sys.exit(1 if wrong else 0)
PYTHON
