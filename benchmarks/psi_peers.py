"""One party (spu) or both (openmined-psi) of a two-party PSI, run by `pairwise_psi` in an environment of its own.

    python psi_peers.py openmined
    python psi_peers.py ecdh | rr22 RANK PORT PORT

Reads jobs as JSON lines from standard input and answers each with a JSON line: CPU seconds (user and system, of all
threads and children) and the size of the intersection. Importing the wheel and connecting to the other party come
before the first job, so they are in no figure. It imports nothing of Sluis.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Job = dict[str, Any]
FALSE_POSITIVES = 1e-9  # of openmined-psi's set-up message; the raw form that is used here has none


def openmined() -> Callable[[Job], int]:
    """ECDH on P-256: client and server in this process, every message serialised and parsed as it would be sent."""
    from private_set_intersection import python as psi

    def run(job: Job) -> int:
        ours, theirs = (Path(job[name]).read_text().split()[1:] for name in ("ours", "theirs"))
        client, server = psi.client.CreateWithNewKey(True), psi.server.CreateWithNewKey(True)
        request, response, setup = psi.Request(), psi.Response(), psi.ServerSetup()
        prepared = server.CreateSetupMessage(FALSE_POSITIVES, len(ours), theirs, psi.DataStructure.RAW)
        setup.ParseFromString(prepared.SerializeToString())
        request.ParseFromString(client.CreateRequest(ours).SerializeToString())
        response.ParseFromString(server.ProcessRequest(request).SerializeToString())
        return len(client.GetIntersection(setup, response))

    return run


def spu(protocol: str, rank: int, ports: list[int]) -> Callable[[Job], int]:
    """One of two parties on loopback; both learn the intersection.

    All runs go over one connection: with a new one for each, spu 0.9.5 hangs now and then.
    """
    from spu import psi
    from spu.libspu import link

    conf = psi.PsiProtocolConfig(receiver_rank=0, broadcast_result=True)
    if protocol == "ecdh":
        conf.protocol = psi.PsiProtocol.PROTOCOL_ECDH
        conf.ecdh_params = psi.EcdhParams(curve=psi.EllipticCurveType.CURVE_25519)
    else:
        conf.protocol = psi.PsiProtocol.PROTOCOL_RR22
    desc = link.Desc()
    for party, port in enumerate(ports):
        desc.add_party(f"party{party}", f"127.0.0.1:{port}")
    context = link.create_brpc(desc, rank)

    def run(job: Job) -> int:
        report = psi.psi_execute(
            psi.PsiExecuteConfig(
                protocol_conf=conf,
                input_params=psi.InputParams(path=job["ours"], selected_keys=["key"], keys_unique=True),
                output_params=psi.OutputParams(path=job["output"], disable_alignment=True),
            ),
            context,
        )
        return int(report.intersection_count)

    return run


def cpu_seconds() -> float:
    """What this process and the children it has waited for have used so far."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    """Answer jobs until standard input ends."""
    # The wheels write their logs to standard output; the answers keep it for themselves.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    kind, *numbers = sys.argv[1:]
    run = openmined() if kind == "openmined" else spu(kind, int(numbers[0]), [int(port) for port in numbers[1:]])
    for line in sys.stdin:
        before = cpu_seconds()
        shared = run(json.loads(line))
        print(json.dumps({"cpu": cpu_seconds() - before, "shared": shared}), file=answers, flush=True)


if __name__ == "__main__":
    main()
