"""The rules of the layout, read from the source: who may import whom, and what no module may do.

A part that is not in the tables fails, so a new one is a decision and not an accident. Imports inside functions count.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
_OURS = ("connector", "mappings", "webhooks")
_LONGEST_FILE, _LONGEST_FUNCTION = 400, 60
_NO_NAMES = {"utils", "helpers", "manager", "common", "base"}

# Part -> the parts that it may import. `usecases.receive_message` means that one module only.
MAY_IMPORT: dict[str, set[str]] = {
    "connector": set(),
    "errors": set(),
    "logs": set(),
    "domain": {"errors"},
    "ports": {"domain", "errors", "ports_sweeps"},
    "ports_payments": {"domain"},
    "ports_identity": {"errors"},
    "ports_mail": set(),
    "ports_sweeps": set(),
    "ports_signing": {"domain"},
    "engine": {"errors"},
    "config": {
        *(
            "config_billing",
            "config_cash",
            "config_database",
            "config_faults",
            "config_login",
            "config_mail",
            "config_order_forms",
            "config_payments",
            "config_secrets",
            "config_stigg",
        ),
        "errors",
    },
    "config_billing": set(),
    "config_cash": {"config_billing"},
    "config_database": {"config_billing"},
    "config_faults": {"errors"},
    "config_login": {"config_billing"},
    "config_mail": {"config_billing"},
    "config_order_forms": {"config_billing"},
    "config_payments": {"config_billing"},
    "config_stigg": {"config_billing"},
    "config_secrets": {"config_faults", "errors"},
    "store": {"domain", "errors", "logs"},
    "adapters": {
        *("connector", "domain", "errors", "logs"),
        *("ports", "ports_mail", "ports_payments", "ports_sweeps"),
        *("connector", "domain", "errors", "logs", "ports", "ports_identity", "ports_mail", "ports_payments"),
        "ports_signing",
    },
    "documents": {"domain", "errors"},
    "order_forms": {"connector", "domain", "errors"},
    "statements": {"domain", "errors"},
    "usecases": {
        *("documents", "domain", "errors", "logs", "order_forms", "ports", "ports_mail"),
        *("ports_payments", "ports_sweeps", "statements", "store"),
        *("documents", "domain", "errors", "logs", "order_forms", "ports", "ports_identity", "ports_mail"),
        *("ports_payments", "ports_signing", "statements", "store"),
    },
    "services": {
        *("config", "domain", "ports", "ports_identity", "ports_mail", "ports_payments", "ports_signing"),
        *("statements", "store", "usecases"),
    },
    "problems": {"errors", "logs"},
    "mappings": {"domain", "errors", "ports"},
    "webhooks": {
        *("domain", "errors", "logs", "ports", "problems", "services"),
        *(
            "usecases.receive_access_hint",
            "usecases.receive_envelope",
            "usecases.receive_message",
            "usecases.receive_payment_event",
        ),
        "usecases.limit_callers",
    },
    "web": {
        *("connector", "domain", "errors", "logs", "problems", "services", "usecases"),
        *("store.order_rows", "store.queries", "store.queries_cash", "store.queries_contracts"),
        *("store.queries_dashboard",),
        *(
            "store.differences",
            "store.platform_plans",
            "store.queries_access",
            "store.queries_operations",
            "store.queries_orders",
            "store.queries_invoices",
            "store.queries_payments",
            "store.queries_queue",
        ),
    },
    "heartbeat": {"logs", "ports", "store"},
    "jobs": {"engine", "errors", "heartbeat", "logs", "services", "store", "usecases"},
    "app": {"config", "documents", "errors", "problems", "services", "web", "webhooks"},
    "finance": {"config_billing", "domain"},
    "cashier": {"config", "config_cash", "domain", "statements"},
    "signing": {
        *(
            "adapters",
            "ports",
            "ports_signing",
            "config",
            "config_faults",
            "config_order_forms",
            "config_secrets",
            "domain",
            "errors",
        ),
        *("order_forms", "usecases"),
    },
    "assuming": {"config", "config_secrets", "domain", "mappings"},
    "mailing": {"adapters", "config", "ports_mail"},
    "paying": {
        *("adapters", "config", "config_faults", "config_payments", "config_secrets"),
        *("errors", "ports", "ports_payments", "store"),
    },
    "granting": {
        *("adapters", "config", "config_faults", "config_secrets"),
        *("domain", "errors", "ports", "store"),
    },
    "granting_embedded": {"adapters", "config", "domain", "ports", "store"},
    "orgs": {"adapters", "assuming", "config", "domain", "mappings", "ports"},
    "validation": {
        *("adapters", "config", "config_billing", "config_faults", "config_secrets", "domain", "errors", "finance"),
        *("granting", "mappings", "paying", "signing"),
    },
    "bootstrap": {
        *(
            "adapters",
            "assuming",
            "cashier",
            "config",
            "config_billing",
            "documents",
            "finance",
            "domain",
            "engine",
            "errors",
            "jobs",
            "logs",
            "orgs",
        ),
        *("connector", "granting", "granting_embedded", "mailing", "mappings", "paying"),
        *("ports", "services", "signing", "store", "usecases"),
    },
    "server": {"app", "bootstrap", "config", "engine", "errors", "jobs", "logs", "services"},
    # The stand-in for Salesforce knows nothing of the product: the product meets it only over HTTP.
    "sandbox": set(),
    "demo": {"bootstrap", "config", "domain", "errors", "sandbox", "services", "store", "usecases"},
    "commands": {
        *("bootstrap", "config", "connector", "domain", "engine", "errors", "jobs", "logs", "mappings", "ports"),
        *("sandbox", "server", "services", "store", "usecases", "validation"),
    },
    "__main__": {"commands", "connector", "demo"},
}

# A library of others -> the parts that may use it; so each can be changed in one place.
MAY_USE: dict[str, set[str]] = {
    "alembic": {"store"},
    "apscheduler": {"jobs"},
    "argon2": {"usecases"},
    "authlib": {"adapters"},
    "asn1crypto": {"order_forms"},
    "babel": {"documents"},
    "bai2": {"statements"},
    "cryptography": {"signing"},
    "click": {"__main__", "commands", "demo"},
    "dbos": {"engine"},
    "defusedxml": {"order_forms", "sandbox", "webhooks"},
    "flask": {"app", "problems", "sandbox", "services", "web", "webhooks"},
    "flask_wtf": {"app", "web"},
    "gunicorn": {"server"},
    "httpx": {"adapters"},
    "jinja2": {"app", "documents"},
    "joserfc": {"adapters"},
    "jwt": {"adapters", "sandbox"},
    "lxml": {"documents", "statements"},
    "mt940": {"statements"},
    "markupsafe": {"web", "documents"},
    "prometheus_client": {"web", "webhooks"},
    "psycopg": {"store"},
    "pydantic": {
        "config",
        "config_billing",
        "config_cash",
        "config_database",
        "config_faults",
        "config_login",
        "config_mail",
        "config_order_forms",
        "config_payments",
        "config_stigg",
        "config_secrets",
        "mappings",
        "order_forms",
        "paying",
        "signing",
        "store",
        "validation",
        "web",
    },
    "pyhanko": {"order_forms"},
    "pyhanko_certvalidator": {"order_forms"},
    "pypdf": {"documents", "order_forms"},
    "pypdfium2": {"order_forms"},
    "requests": {"adapters", "demo", "sandbox"},
    "segno": {"documents"},
    "simple_salesforce": {"adapters"},
    "sqlalchemy": {"store"},
    "structlog": {"logs"},
    "stigg": {"adapters"},
    "tenacity": {"adapters"},
    "urllib3": {"adapters"},
    "werkzeug": {"app", "problems", "web", "webhooks"},
    "xhtml2pdf": {"documents"},
}

# Where "now" may be read: the clock itself, the scheduler's first run, and the sandbox's own clock.
_MAY_READ_THE_TIME = {"connector.adapters.clock", "connector.jobs", "connector.sandbox.clock"}
_CLOCK_CALLS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time")}


@dataclass(frozen=True, slots=True)
class Module:
    """One source file: its dotted name, its part of the layout, and its tree."""

    name: str
    part: str
    path: Path
    tree: ast.Module


@cache
def modules() -> tuple[Module, ...]:
    """Every module that we ship."""
    return tuple(_module(path) for top in _OURS for path in sorted((ROOT / top).rglob("*.py")))


def _module(path: Path) -> Module:
    names = path.relative_to(ROOT).with_suffix("").parts
    names = names[:-1] if names[-1] == "__init__" else names
    return Module(".".join(names), _part(".".join(names)), path, ast.parse(path.read_text(encoding="utf-8")))


def _part(name: str) -> str:
    """connector.store.orders -> store; mappings.signed -> mappings; connector -> connector."""
    names = name.split(".")
    return names[1] if names[0] == "connector" and len(names) > 1 else names[0]


def _imported(module: Module) -> Iterator[str]:
    """The full name of everything that a module imports, wherever in it."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.name} imports relatively"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def _module_names() -> frozenset[str]:
    return frozenset(module.name for module in modules())


def _is_allowed(module: Module, name: str) -> bool:
    allowed = MAY_IMPORT[module.part]
    if name.partition(".")[0] != "connector":
        return _part(name) in allowed | {module.part}
    rest = name.removeprefix("connector.").split(".")
    if name.rpartition(".")[0] == "connector" and name not in _module_names():
        # `from connector import __version__` takes a name of the package itself.
        return "connector" in allowed
    return rest[0] in allowed | {module.part} or ".".join(rest[:2]) in allowed


def _names(found: list[str]) -> str:
    return "\n".join(found)


def test_every_part_is_in_the_table() -> None:
    parts = {module.part for module in modules()}

    assert parts <= set(MAY_IMPORT), f"not in MAY_IMPORT: {sorted(parts - set(MAY_IMPORT))}"


def test_nobody_imports_what_the_table_does_not_allow() -> None:
    found = [
        f"{module.name} imports {name}"
        for module in modules()
        for name in _imported(module)
        if name.partition(".")[0] in _OURS and not _is_allowed(module, name)
    ]

    assert not found, _names(found)


def test_every_library_is_used_only_where_the_table_allows_it() -> None:
    found = [
        f"{module.name} imports {name}"
        for module in modules()
        for name in _imported(module)
        if (top := name.partition(".")[0]) not in _OURS
        and top not in sys.stdlib_module_names
        and module.part not in MAY_USE.get(top, set())
    ]

    assert not found, _names(found)


def test_the_core_uses_the_standard_library_alone() -> None:
    assert not [library for library, parts in MAY_USE.items() if parts & {"domain", "errors", "ports"}]


def test_nobody_imports_the_tests_or_the_benchmarks() -> None:
    found = [
        f"{module.name} imports {name}"
        for module in modules()
        for name in _imported(module)
        if name.partition(".")[0] in ("tests", "benchmarks")
    ]

    assert not found, _names(found)


def test_the_table_itself_has_no_circle() -> None:
    left = {part: {name.partition(".")[0] for name in allowed} for part, allowed in MAY_IMPORT.items()}

    while left:
        free = {part for part, allowed in left.items() if not allowed & set(left)}
        assert free, f"a circle among {sorted(left)}"
        left = {part: allowed for part, allowed in left.items() if part not in free}


@pytest.mark.parametrize("part", ["domain", "mappings"])
def test_money_never_meets_a_float(part: str) -> None:
    found = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        if module.part == part
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float")
        or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and _divides_integers(node))
    ]

    assert not found, _names(found)


def _divides_integers(node: ast.BinOp) -> bool:
    return all(isinstance(side, ast.Constant) and isinstance(side.value, int) for side in (node.left, node.right))


def test_the_time_is_read_by_the_clock_alone() -> None:
    found = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        if module.name not in _MAY_READ_THE_TIME
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in _CLOCK_CALLS
    ]

    assert not found, _names(found)


def test_every_module_says_what_it_is_for() -> None:
    found = [module.name for module in modules() if not (ast.get_docstring(module.tree) or "").strip()]

    assert not found, _names(found)


def test_every_public_function_and_class_says_what_it_does() -> None:
    found = [
        f"{module.name}.{node.name}"
        for module in modules()
        if ".migrations." not in module.name
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]

    assert not found, _names(found)


def test_no_file_is_too_long() -> None:
    lengths = {module.name: len(module.path.read_text(encoding="utf-8").splitlines()) for module in modules()}
    found = [f"{name}: {length} lines" for name, length in lengths.items() if length > _LONGEST_FILE]

    assert not found, _names(found)


def test_no_function_is_too_long() -> None:
    found = [
        f"{module.name}.{node.name}: {length} lines"
        for module in modules()
        if ".migrations." not in module.name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > _LONGEST_FUNCTION
    ]

    assert not found, _names(found)


def test_no_module_has_a_name_that_says_nothing() -> None:
    found = [module.name for module in modules() if set(module.name.split(".")) & _NO_NAMES]

    assert not found, _names(found)


def test_importing_a_module_opens_nothing() -> None:
    """A module may define things; opening files, connections or threads at import is somebody's surprise later."""
    openers = {"open", "create_engine", "connect", "Thread", "Session", "getenv", "Database"}
    found = [
        f"{module.name}:{node.lineno} calls {called}"
        for module in modules()
        for statement in module.tree.body
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.If)
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and (called := _called(node)) in openers
    ]

    assert not found, _names(found)


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def test_the_rules_notice_a_forbidden_import() -> None:
    source = "def late():\n    from connector.store import orders\n"
    module = Module("connector.domain.sly", "domain", ROOT, ast.parse(source))

    assert [name for name in _imported(module) if not _is_allowed(module, name)] == ["connector.store.orders"]
