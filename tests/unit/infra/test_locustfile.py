"""infra/load/locustfile.py: Locust is no dependency of Roxy, so that what can be known without it is known here."""

from __future__ import annotations

import ast
import re

from api.app import create_app
from connectors.journal.memory import MemoryJournal
from connectors.session_log.memory import MemorySessionLog
from infra.bench.load_plan import MIX
from infra.environment import PROJECT
from schemas.settings import Settings

FILE = PROJECT / "infra/load/locustfile.py"


def test_its_paths_are_the_apis(tmp_path: object) -> None:
    """Each is in the OpenAPI document; what comes by a link is named as its route."""
    app = create_app(settings=Settings(state_dir=tmp_path), journal=MemoryJournal(), session_log=MemorySessionLog())
    used = {path.replace("{{", "{").replace("}}", "}") for path in re.findall(r'"(/v1/[^" ]+)', FILE.read_text())}

    assert set() == used - set(app.openapi()["paths"])
    assert {"/v1/sessions", "/v1/documents"} < used


def test_its_day_is_that_of_the_bench() -> None:
    """The same shares of each kind of work."""
    shares = {
        node.name.removeprefix("give_"): decorator.args[0].value
        for node in ast.walk(ast.parse(FILE.read_text()))
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and isinstance(decorator.args[0], ast.Constant)
    }

    assert MIX == shares


def test_what_it_asks_is_there() -> None:
    """The sample questions, from the project's folder."""
    (questions,) = re.findall(r'QUESTIONS = "(.+)"', FILE.read_text())

    assert (PROJECT / questions).exists()
