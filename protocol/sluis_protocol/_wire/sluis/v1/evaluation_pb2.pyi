from . import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EvaluationRequest(_message.Message):
    __slots__ = ("purpose", "quorum", "elements")
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    QUORUM_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    purpose: str
    quorum: _containers.RepeatedScalarFieldContainer[int]
    elements: bytes
    def __init__(self, purpose: _Optional[str] = ..., quorum: _Optional[_Iterable[int]] = ..., elements: _Optional[bytes] = ...) -> None: ...

class EvaluationAnswer(_message.Message):
    __slots__ = ("request_sha256", "index", "elements", "proof", "composites")
    REQUEST_SHA256_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    COMPOSITES_FIELD_NUMBER: _ClassVar[int]
    request_sha256: bytes
    index: int
    elements: bytes
    proof: bytes
    composites: bytes
    def __init__(self, request_sha256: _Optional[bytes] = ..., index: _Optional[int] = ..., elements: _Optional[bytes] = ..., proof: _Optional[bytes] = ..., composites: _Optional[bytes] = ...) -> None: ...

class HolderAnswer(_message.Message):
    __slots__ = ("index", "answer", "refusal")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    index: int
    answer: _common_pb2.SignedMessage
    refusal: _common_pb2.Refusal
    def __init__(self, index: _Optional[int] = ..., answer: _Optional[_Union[_common_pb2.SignedMessage, _Mapping]] = ..., refusal: _Optional[_Union[_common_pb2.Refusal, _Mapping]] = ...) -> None: ...

class HolderTask(_message.Message):
    __slots__ = ("task_id", "request", "traceparent")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    task_id: int
    request: _common_pb2.SignedMessage
    traceparent: str
    def __init__(self, task_id: _Optional[int] = ..., request: _Optional[_Union[_common_pb2.SignedMessage, _Mapping]] = ..., traceparent: _Optional[str] = ...) -> None: ...

class HolderResult(_message.Message):
    __slots__ = ("task_id", "answer", "refusal")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    task_id: int
    answer: _common_pb2.SignedMessage
    refusal: _common_pb2.Refusal
    def __init__(self, task_id: _Optional[int] = ..., answer: _Optional[_Union[_common_pb2.SignedMessage, _Mapping]] = ..., refusal: _Optional[_Union[_common_pb2.Refusal, _Mapping]] = ...) -> None: ...
