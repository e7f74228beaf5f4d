"""The log's calls: what is asked of the coordinator about its log, each done in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from sluis_protocol.log_messages import (
    CheckpointRequest,
    ConsistencyRequest,
    Cosignature,
    Cosigned,
    InclusionRequest,
    LeafList,
    LeavesRequest,
    UsageList,
    UsageRequest,
)
from sluis_protocol.messages import Empty
from sluis_protocol.signed import SignedMessage
from sluis_protocol.wire import methods
from sluis_protocol.wire.methods import Method

from . import log, usage
from .calls import OneAnswer
from .coordinator import Coordinator


class LogService:
    """Answers for one coordinator."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator

    def calls(self) -> Mapping[Method, OneAnswer]:
        """What answers which call."""
        return {
            methods.GET_CHECKPOINT: self._checkpoint,
            methods.GET_CONSISTENCY: self._consistency,
            methods.GET_INCLUSION: self._inclusion,
            methods.GET_LEAVES: self._leaves,
            methods.COSIGN: self._cosign,
            methods.GET_COSIGNED: self._cosigned,
            methods.REPORT_USAGE: self._report,
            methods.GET_USAGE: self._usage,
        }

    async def _checkpoint(self, _oin: str, request: CheckpointRequest) -> SignedMessage:
        return await asyncio.to_thread(log.checkpoint, self._coordinator, request.nonce)

    async def _consistency(self, _oin: str, request: ConsistencyRequest) -> SignedMessage:
        return await asyncio.to_thread(log.consistency, self._coordinator, request)

    async def _inclusion(self, oin: str, request: InclusionRequest) -> SignedMessage:
        return await asyncio.to_thread(log.inclusion, self._coordinator, oin, request)

    async def _leaves(self, _oin: str, request: LeavesRequest) -> LeafList:
        return await asyncio.to_thread(log.leaves, self._coordinator, request)

    async def _cosign(self, oin: str, said: Cosignature) -> Empty:
        await asyncio.to_thread(log.cosign, self._coordinator, oin, said)
        return Empty()

    async def _cosigned(self, _oin: str, _request: Empty) -> Cosigned:
        return await asyncio.to_thread(log.cosigned, self._coordinator)

    async def _report(self, oin: str, message: SignedMessage) -> Empty:
        await asyncio.to_thread(usage.report, self._coordinator, oin, message)
        return Empty()

    async def _usage(self, _oin: str, request: UsageRequest) -> UsageList:
        return await asyncio.to_thread(usage.of_round, self._coordinator, request.round_id)
