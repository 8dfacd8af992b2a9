"""Reads junit.xml with junitparser; prints the counts and what was said as JSON."""
import json
import sys

from junitparser import JUnitXml

document = JUnitXml.fromfile(sys.argv[1])
said = [[case.name, result.message] for suite in document for case in suite for result in case.result]
counted = {"tests": document.tests, "failures": document.failures, "errors": document.errors, "skipped": document.skipped}
document.update_statistics()
again = {"tests": document.tests, "failures": document.failures, "errors": document.errors, "skipped": document.skipped}
assert counted == again, f"the attributes say {counted}, the cases {again}"
print(json.dumps({**counted, "said": said}))
