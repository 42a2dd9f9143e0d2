#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Holds docs/schema/vm.schema.json to the table of documents that tests/unit/test_config_schema.c
# holds the program to: what is valid passes the schema, what is invalid doesn't, and what only the
# program can know ("beyond") passes. Needs the package python3-jsonschema.
import json
import os
import sys

import jsonschema

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
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
        print(f'{case["case"]}: is {case["verdict"]}, but the schema says: '
              f'{errors[0].message if errors else "fine"}')
        wrong += 1
print(f"{len(cases)} documents, {wrong} judged differently")
sys.exit(1 if wrong or not cases else 0)
