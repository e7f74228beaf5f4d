"""Secrets: compared in constant time, and in no `repr`, so in no log, traceback or crash dump either."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import Field, dataclass, fields, is_dataclass

import sluis_board
import sluis_coordinator
import sluis_covenant
import sluis_node
import sluis_protocol
import sluis_runtime

from ..shared import ROOT

PACKAGES = (sluis_protocol, sluis_runtime, sluis_node, sluis_coordinator, sluis_covenant, sluis_board)
SECRET = re.compile(
    r"(^|_)(mac|hmac|secret|secrets|token|tokens|password|passphrase|opening_bytes|openings|seed|blinds?|nonce|csrf|"
    r"storage_key|confirm_key|cookie|session_id)($|_)"
)
# Comparisons that look like one of secrets and are none, by file and text.
HARMLESS = {
    ("node/sluis_node/vault.py", "len(storage_key) != STORAGE_KEY_BYTES"),
    ("protocol/sluis_protocol/masks.py", "len(secret) != SECRET_BYTES"),
    ("runtime/sluis_runtime/keyfiles.py", "len(key) != STORAGE_KEY_BYTES"),
    (
        "node/sluis_node/transparency/watch.py",
        "said.nonce != nonce",
    ),  # known to both
    ("protocol/sluis_protocol/oprf.py", "secret != bytes(SCALAR_BYTES)"),  # zero, which no key is (RFC 9497, 3.2.1)
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for folder in package.__path__:
            for path in sorted(ROOT.joinpath(folder).rglob("*.py")):
                if "_wire" not in path.parts:
                    yield str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"))


def names_in(node: ast.expr) -> Iterator[str]:
    """What an operand is called: a variable, an attribute, or the function whose result it is."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Call):
        yield from names_in(node.func)
    elif isinstance(node, ast.Subscript):
        yield from names_in(node.value)
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            yield node.slice.value


def test_secrets_are_compared_in_constant_time() -> None:
    found = {
        (name, ast.unparse(node))
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and any(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops)
        and any(SECRET.search(called.lower()) for side in (node.left, *node.comparators) for called in names_in(side))
    }
    assert found == HARMLESS, "use hmac.compare_digest, or say in HARMLESS why it is no secret"


def dataclasses() -> Iterator[type]:
    for package in PACKAGES:
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if "._wire" in module.name or ".migrations" in module.name:
                continue
            for kind in vars(importlib.import_module(module.name)).values():
                if isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == module.name:
                    yield kind


# Bytes that may be seen, by their fields' names: hashes, ids, public keys, and what is on the wire or a board for all.
PUBLIC = {
    "announcement", "board_key", "candidate_id", "commitment", "commitments", "composites", "contributors",
    "covenant_hash", "digest", "elements", "enrolment", "follows", "handshake", "handshake_id", "hash", "head", "id",
    "key", "opening", "parent_span_id", "previous", "proof", "proof_sha256", "public", "request_sha256", "roster",
    "rule_set_sha256", "said", "span_id", "trace_id", "transcript", "JointKey.shares", "Ceremony.nonce",
    "Publication.nonce", "Appended.nodes", "Appended.peaks", "Checkpoint.root", "CheckpointRequest.nonce",
    "LogCheckpoint.nonce", "Weighing.domain", "Weighing.seed",
}  # fmt: skip


def test_no_repr_has_a_secret() -> None:
    """Every field of bytes, and every one that is named like a secret, is left out of the `repr` or known as public."""
    shown = {
        f"{kind.__module__}.{kind.__name__}.{field.name}"
        for kind in dataclasses()
        for field in fields(kind)
        if field.repr and _may_be_secret(field) and not {field.name, f"{kind.__name__}.{field.name}"} & PUBLIC
    }
    assert not shown


def _may_be_secret(field: Field[object]) -> bool:
    kind = str(field.type)
    return ("bytes" in kind and "Callable" not in kind) or bool(SECRET.search(field.name))


def test_the_walk_finds_what_is_wrong() -> None:
    @dataclass
    class Careless:
        share: bytes

    assert [one.name for one in fields(Careless) if one.repr and _may_be_secret(one) and one.name not in PUBLIC] == [
        "share"
    ]
    assert len(list(dataclasses())) > 150


def test_a_program_leaves_no_core_dump() -> None:
    """Its memory holds keys."""
    code = (
        "import resource; from sluis_runtime.program import Program; app = Program(); app.command('a')(lambda: print("
    )
    code += "resource.getrlimit(resource.RLIMIT_CORE))); app.command('b')(print); app()"
    said = subprocess.run([sys.executable, "-c", code, "a"], capture_output=True, check=True, text=True).stdout
    assert said.strip() == "(0, 0)"
