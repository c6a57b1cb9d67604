"""Validates a JSON file against an OCI schema: validate_schema.py SCHEMA JSON."""
import json
import pathlib
import sys

import jsonschema


def main() -> None:
    schema_path = pathlib.Path(sys.argv[1]).resolve()
    schema = json.loads(schema_path.read_text())
    document = json.loads(pathlib.Path(sys.argv[2]).read_text())
    resolver = jsonschema.RefResolver(base_uri=schema_path.as_uri(), referrer=schema)
    validator = jsonschema.Draft4Validator(schema, resolver=resolver)
    errors = list(validator.iter_errors(document))
    for error in errors:
        print("/".join(str(part) for part in error.absolute_path), error.message, sep=": ")
    sys.exit(1 if errors else 0)


main()
