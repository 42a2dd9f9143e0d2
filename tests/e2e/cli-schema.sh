#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 60
# Holds docs/schema/vm.schema.json to the table of documents that tests/unit/test_config_schema.c
# holds the program to: what is valid passes the schema, what is invalid doesn't, and what only the
# program can know ("beyond") passes.
cd "$(dirname "$0")/../.." || exit 2
exec python3 - <<'PYTHON'
import json
import sys

import jsonschema

with open("docs/schema/vm.schema.json", encoding="utf-8") as file:
    schema = json.load(file)
with open("tests/unit/data/config/cases.json", encoding="utf-8") as file:
    cases = json.load(file)

jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
wrong = 0
for case in cases:
    errors = list(validator.iter_errors(case["document"]))
    if bool(errors) != (case["verdict"] == "invalid"):
        says = errors[0].message if errors else "fine"
        print(f'{case["case"]}: is {case["verdict"]}, but the schema says: {says}', file=sys.stderr)
        wrong += 1
print("not ok" if wrong or not cases else "ok", "the schema judges as the program does")
sys.exit(1 if wrong or not cases else 0)
PYTHON
