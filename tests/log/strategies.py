"""Messages about the log, for tests of the wire."""

from __future__ import annotations

from hypothesis import strategies as st
from sluis_protocol import log_messages as plain
from sluis_protocol.signed import SignedMessage


def sized(size: int) -> st.SearchStrategy[bytes]:
    """Bytes of that size."""
    return st.binary(min_size=size, max_size=size)


OINS = st.from_regex(r"[0-9]{20}", fullmatch=True)
SIZES = st.integers(0, 2**62)
SOME = st.integers(1, 2**62)
TEXT = st.text("abc\n 123", min_size=1, max_size=60)
LINE = st.text("abc 123", min_size=1, max_size=40)
PROOF = st.lists(sized(32), max_size=5).map(tuple)
SIGNED = st.builds(SignedMessage, st.binary(min_size=1, max_size=80), sized(64))
MEMBERS = st.sets(OINS, max_size=4).flatmap(
    lambda oins: st.tuples(
        *(st.builds(plain.MemberUsage, st.just(oin), st.integers(1, 2**53), st.integers(1, 99)) for oin in sorted(oins))
    )
)
STRATEGIES: dict[type, st.SearchStrategy[object]] = {
    plain.CheckpointRequest: st.builds(plain.CheckpointRequest, sized(16)),
    plain.LogCheckpoint: st.builds(plain.LogCheckpoint, sized(16), TEXT),
    plain.ConsistencyRequest: st.builds(plain.ConsistencyRequest, SOME, SOME),
    plain.LogConsistency: st.builds(plain.LogConsistency, SOME, SOME, PROOF),
    plain.InclusionRequest: st.builds(plain.InclusionRequest, LINE, sized(32), SOME),
    plain.LogInclusion: st.builds(plain.LogInclusion, LINE, sized(32), SOME)
    | st.builds(plain.LogInclusion, LINE, sized(32), SOME, TEXT, SIZES, PROOF),
    plain.LeavesRequest: st.builds(plain.LeavesRequest, SIZES, st.integers(1, 1024)),
    plain.LeafList: st.builds(plain.LeafList, st.lists(TEXT, max_size=3).map(tuple)),
    plain.Cosignature: st.builds(plain.Cosignature, SOME, LINE),
    plain.Cosigned: st.builds(plain.Cosigned, st.just("") | TEXT, st.lists(TEXT, max_size=3).map(tuple)),
    plain.Receipt: st.builds(plain.Receipt, LINE, sized(32)),
    plain.Usage: st.builds(plain.Usage, LINE, MEMBERS),
    plain.UsageRequest: st.builds(plain.UsageRequest, LINE),
    plain.UsageList: st.builds(plain.UsageList, st.lists(SIGNED, max_size=3).map(tuple)),
}
MAY_BE_EMPTY = (plain.LeafList, plain.Cosigned, plain.UsageList)
