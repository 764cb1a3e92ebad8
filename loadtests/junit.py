"""The verdict for a build server: one test case a check."""

from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from loadtests.verdict import Run


def write_junit(run: Run, path: Path) -> None:
    suite = Element(
        "testsuite",
        name=f"load {run.shape.name}",
        tests=str(len(run.checks)),
        failures=str(len(run.reasons)),
        errors="0",
        skipped="0",
        time=f"{run.measured.seconds:.3f}",
    )
    properties = SubElement(suite, "properties")
    for name, value in _properties(run).items():
        SubElement(properties, "property", name=name, value=value)
    for check in run.checks:
        case = SubElement(suite, "testcase", classname=f"loadtests.{check.kind}", name=check.name, time="0")
        if check.holds:
            SubElement(case, "system-out").text = check.detail
        else:
            SubElement(case, "failure", message=check.detail).text = f"{check.name}: {check.detail}"
    suites = Element("testsuites")
    suites.append(suite)
    indent(suites)
    ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)


def _properties(run: Run) -> dict[str, str]:
    told = run.instructions
    wanted = {"rate": f"{told.rate:g}", "users": f"{told.users}", "seed": f"{told.seed}"}
    return wanted | ({"fault": run.fault.name} if run.fault else {})
