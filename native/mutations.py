"""Plant one deliberate bug after the other, and show that the tests catch it: `python -m native.mutations`.

Each bug goes into a copy of the sources. Then the interval test runs for the fields that the bug is in, and, if that
finds nothing, the module is built and compared with libsodium (`differential`). A bug that nothing catches is a hole
in the tests: exit status 1.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from native import build

ROOT = Path(__file__).resolve().parent.parent
ELEMENTS = 4_000
FIELDS = ("portable", "avx2", "ifma")


@dataclass(frozen=True, slots=True)
class Bug:
    """What is wrong, in which file, and how it gets there. `backend`: which one shows it ("": any)."""

    what: str
    file: str
    right: str
    wrong: str
    backend: str = ""


BUGS = (
    Bug("19 is 18 in the carry", "field_ifma.h", "c[4], v_set1(19)", "c[4], v_set1(18)", "ifma"),
    Bug("a difference adds too little", "field_ifma.h", "MASK51 - 18) << 10", "MASK51 - 18) << 7", "ifma"),
    Bug("a sum is not carried", "field_ifma.h", "fe fe_add(fe a, fe b) { return fe_carry(fw_add(fw_from(a), fw_from(b))); }",
        "fe fe_add(fe a, fe b) { for (int i = 0; i < 5; i++) a.l[i] = v_add(a.l[i], b.l[i]); return a; }", "ifma"),
    Bug("high halves count once", "field_ifma.h", "lo[k + 1] = v_add(hi[k], hi[k]);", "lo[k + 1] = hi[k];", "ifma"),
    Bug("a square forgets a product", "field_ifma.h", "DO(2, 4, a), DO(3, 4, a)", "DO(2, 4, a)", "ifma"),
    Bug("the last carry is missing", "field_avx2.h", "    CARRY(0);\n    for", "    for", "avx2"),
    Bug("a carry in the middle is missing", "field_avx2.h", "    CARRY(4);\n    CARRY(8);", "    CARRY(8);", "avx2"),
    Bug("a difference adds too little", "field_avx2.h", "P_LIMB(i) << 36", "P_LIMB(i) << 31", "avx2"),
    Bug("odd limbs count once", "field_avx2.h", "(i) % 2 && (j) % 2 ? twice[i] : a.l[i],", "a.l[i],", "avx2"),
    Bug("a pair loses its high bits", "field_avx2.h", "v_shr(from[i], 26)", "v_and(v_shr(from[i], 26), v_set1(0xffffff))", "avx2"),
    Bug("a carry is dropped", "field_portable.h", "v_add(w_low51(r1), v_shr(first, 51))", "w_low51(r1)", "portable"),
    Bug("a difference adds too little", "field_portable.h", "MASK51 - 18) << 2", "MASK51 - 18) << 1", "portable"),
    Bug("the fold is not by 19", "field_portable.h", "c3 = v_times19(b[3])", "c3 = b[3]", "portable"),
    Bug("the last words are not selected", "lanes_portable.h", "i < words / 2;", "i < words / 2 - 1;", "portable"),
    Bug("p is not recognised as zero", "field.h", "v_add(l[0], v_set1(19))", "v_add(l[0], v_set1(18))"),
    Bug("p is not taken away", "field.h", "l[0] = v_add(l[0], v_times19(q));", ""),
    Bug("a root may be negative", "field.h", "root[k] = fe_abs(", "root[k] = ("),
    Bug("a root forgets sqrt(-1)", "field.h", "vm_or(flipped, flipped_i)", "flipped"),
    Bug("bit 254 is lost in storing", "field.h", "limbs[4][lane] << 12", "(limbs[4][lane] & ~(1ull << 50)) << 12"),
    Bug("y = 0 is taken for a point", "curve.h", "vm_not(vm_or(fe_is_negative(r[k].t), fe_is_zero(r[k].y)))",
        "vm_not(fe_is_negative(r[k].t))"),
    Bug("a negative t is taken for a point", "curve.h", "vm_not(vm_or(fe_is_negative(r[k].t), fe_is_zero(r[k].y)))",
        "vm_not(fe_is_zero(r[k].y))"),
    Bug("no root is needed to decode", "curve.h", "good[k] = vm_and(good[k], vm_not(", "good[k] = (vm_not("),
    Bug("the identity spoils its lane's inverse", "curve.h",
        "r->product = fe_select(r->identity, fe_const(ONE), r->product);", ""),
    Bug("the identity is not encoded as zero", "curve.h", "return fe_select(p->identity, fe_const(ZERO), s);", "return s;"),
    Bug("the table ends before 8", "curve.h", "j <= 8; j++", "j < 8; j++"),
    Bug("a negative digit keeps its td2", "curve.h", "a->z2,\n                    fe_negate_if(m, a->td2)}", "a->z2,\n                    a->td2}"),
    Bug("a power of the comb is short of a doubling", "curve.h", "            double_four_times(&power);",
        "            point_double(&power, &power, 1);"),
    Bug("a multiple of the comb keeps its z", "curve.h", "mul(multiple[j].t, z)}", "multiple[j].t}"),
    Bug("a digit of zero is no identity", "curve.h", "words[5] = v_select(none, v_set1(1), words[5]);", ""),
    Bug("a digit of zero finds an entry", "lanes_ifma.h", "_mm512_maskz_permutexvar_epi64(p.any, ",
        "_mm512_permutexvar_epi64(", "ifma"),
    Bug("the last four entries are not read", "lanes_avx2.h", "v_select(p.upper, upper, lower)", "lower", "avx2"),
    Bug("the last two entries are not read", "lanes_portable.h", " | (e[3] & p.is[3])", "", "portable"),
    Bug("the encoding does not rotate", "curve.h", "fe e = fe_select(rotate, p->g, p->e)", "fe e = p->e"),
    Bug("a map forgets its sign", "curve.h", "fe_neg(fe_abs(mul(root[k], t[k])))", "fe_abs(mul(root[k], t[k]))"),
    Bug("a magnitude is one off", "digits.h", "(digit ^ minus) - minus", "(digit ^ minus)"),
    Bug("a carry at 9 instead of 8", "digits.h", "(nibble + 8) >> 4", "(nibble + 6) >> 4"),
    Bug("the last digit leaves a carry", "digits.h", "last ? 0 : (nibble", "(nibble"),
    Bug("bit 255 of a scalar is in its last digit", "digits.h", "(last ? 7 : 15)", "15"),
    Bug("no bucket for -128", "msm.h", "magnitude = BUCKETS - 1;", "magnitude = BUCKETS - 2;"),
    Bug("a bucket short a window", "msm.h", "#define BUCKETS 129", "#define BUCKETS 128"),
    Bug("a negative digit keeps its td2 in a bucket", "curve.h", "a->y_minus_x),\n                    fe_negate_if(m, a->td2)}",
        "a->y_minus_x),\n                    a->td2}"),
    Bug("a full waiting list is forgotten", "msm.h", "if (++s->count == WAITING) sum_waiting(s);",
        "if (++s->count == WAITING) s->count = 0;"),
    Bug("what waits at the end is forgotten", "msm.h", "    sum_waiting(s);\n    for", "    for"),
    Bug("seven doublings between windows", "msm.h", "        double_four_times(&total);\n        double_four_times(&total);",
        "        double_four_times(&total);"),
    Bug("a sum is not reduced", "scalar.c", "    return once_less(&sum);", "    return sum;"),
    Bug("bit 255 of a scalar counts", "scalar.c", "    a.w[3] &= ~(uint64_t)0 >> 1;\n", ""),
    Bug("half of an odd number", "scalar.c", "0 - (a.w[0] & 1)", "0"),
    Bug("a lane that is done goes on", "sha512.h", "v_select(more, state[i], before_block[i])", "state[i]"),
    Bug("a block too few for the length", "sha512.h", "(240 - t->length % 128) % 128 + 8", "(248 - t->length % 128) % 128"),
    Bug("a negative encoding is taken", "steps.h", "!(w[0] & 1) && ", ""),
    Bug("bit 255 of an encoding is ignored", "steps.h", "!(w[3] >> 63) && ", ""),
    Bug("p and more is taken", "steps.h", "w[0] < 0xffffffffffffffed", "1"),
    Bug("an index counts from its chunk", "steps.h", "            *bad += (long)at;\n        else\n", "            ;\n        else\n"),
    Bug("a proof's two factors are one", "steps.h", "factors[2 * holder + 1]", "factors[2 * holder]"),
    Bug("weights forget their index", "steps.h", "(unsigned)(how->first + index + lane)", "(unsigned)(how->first + index)"),
    Bug("blinds are put on twice", "steps.h", "comb_of_key(&w->powers, key, 1)", "comb_of_key(&w->powers, key, 0)"),
    Bug("a negative key keeps its t", "steps.h", "p.x = fe_neg(p.x), p.t = fe_neg(p.t)", "p.x = fe_neg(p.x)"),
    Bug("sums stand where others do", "steps.h", "memcpy(sums + at / LANES * sizeof(point), total", "memcpy(sums, total"),
    Bug("a key that is none is taken", "steps.h", "if (load(&p, same[0], LANES) >= 0) return NO_KEY;",
        "load(&p, same[0], LANES);"),
)  # fmt: skip


def caught(bug: Bug, copy: Path, backends: list[str]) -> str:
    """What catches the bug; "" if nothing does."""
    source = copy / "native" / "src" / bug.file
    text = source.read_text("utf-8")
    if bug.right not in text:
        raise SystemExit(f"{bug.file} has no {bug.right!r} any more")
    source.write_text(text.replace(bug.right, bug.wrong, 1), "utf-8")
    try:
        return _interval(bug, copy) or _differential(bug, copy, backends)
    finally:
        source.write_text(text, "utf-8")


def _interval(bug: Bug, copy: Path) -> str:
    if bug.file not in ("field.h", "curve.h", "msm.h") and not bug.file.startswith("field_"):
        return ""
    folder, program = copy / "native", copy / "interval"
    for field in (bug.backend,) if bug.backend else FIELDS:
        command = [
            os.environ.get("CC") or "cc",
            "-std=gnu11",
            "-O0",
            "-w",
            f"-I{folder / 'tests'}",
            f"-I{folder / 'src'}",
        ]
        command += [f'-DFIELD="field_{field}.h"', str(folder / "tests" / "interval.c"), "-o", str(program)]
        subprocess.run(command, check=True)
        done = subprocess.run([program], capture_output=True, text=True, check=False)
        if done.returncode:
            return f"the interval test: {done.stdout.strip()}"
    return ""


def _differential(bug: Bug, copy: Path, backends: list[str]) -> str:
    backend = bug.backend or backends[0]
    if backend not in backends:
        return f"(not tried: this CPU can't run {backend})"
    build.build(copy / "protocol" / "sluis_protocol", sources=copy / "native" / "src", only=[backend])
    command = [sys.executable, "-m", "native.differential", "--elements", str(ELEMENTS), "--seed", "1", "--first"]
    path = os.pathsep.join((str(copy / "protocol"), str(copy)))
    done = subprocess.run(
        command, cwd=copy, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return ""
    words = done.stderr.strip().splitlines()
    return f"comparison: {words[-1]}" if words else "comparison: the process ended"


def main() -> int:
    """All bugs, or those whose description contains the argument."""
    parser = argparse.ArgumentParser(description="Does every deliberate bug get caught?")
    parser.add_argument("which", nargs="?", default="", help="only bugs with these words, or in this file")
    which: str = parser.parse_args().which
    from sluis_protocol import group

    module, problem = group.native_module()
    if module is None:
        raise SystemExit(problem)
    missed = 0
    bugs = [bug for bug in BUGS if which in f"{bug.file}: {bug.what}"]
    with tempfile.TemporaryDirectory(prefix="sluis-mutations-") as name:
        copy = Path(name)
        for folder in ("native", "protocol"):
            shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        for bug in bugs:
            by = caught(bug, copy, module.names())
            missed += not by
            print(f"{bug.file}: {bug.what}\n    {by or 'NOT CAUGHT'}", flush=True)
    print(f"{len(bugs)} bugs, {missed} not caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
