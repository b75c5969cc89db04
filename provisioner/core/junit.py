"""Readiness reports in JUnit's XML, for CI systems that show such."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from provisioner.core.findings import Finding, Status
from provisioner.core.visible import visible

_AS = {Status.FAIL: "failure", Status.UNKNOWN: "error", Status.WARN: "system-out"}


def junit(reports: Mapping[str, Sequence[Finding]]) -> str:
    """One suite a subject, one case a finding; doubt is an error, a warning a passing case's output."""
    root = ET.Element("testsuites", name="dns verify")
    for subject, findings in reports.items():
        count = {name: str(sum(each.status is s for each in findings)) for s, name in _AS.items()}
        suite = ET.SubElement(
            root,
            "testsuite",
            name=subject,
            tests=str(len(findings)),
            failures=count["failure"],
            errors=count["error"],
        )
        for finding in findings:
            name = " ".join(filter(None, [finding.id, finding.subject, finding.server]))
            case = ET.SubElement(suite, "testcase", classname=subject, name=visible(name))
            if finding.status in _AS:
                told = ET.SubElement(case, _AS[finding.status])
                told.text = visible("\n".join(filter(None, [finding.seen, finding.fix])))
                if finding.status is not Status.WARN:
                    told.set("message", visible(finding.seen))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
