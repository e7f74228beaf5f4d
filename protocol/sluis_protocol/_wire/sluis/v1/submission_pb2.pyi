from . import common_pb2 as _common_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SubmissionPart(_message.Message):
    __slots__ = ("manifest", "rows")
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    manifest: _common_pb2.SignedMessage
    rows: bytes
    def __init__(self, manifest: _Optional[_Union[_common_pb2.SignedMessage, _Mapping]] = ..., rows: _Optional[bytes] = ...) -> None: ...

class Manifest(_message.Message):
    __slots__ = ("purpose", "slots", "families", "persons", "commitment")
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    FAMILIES_FIELD_NUMBER: _ClassVar[int]
    PERSONS_FIELD_NUMBER: _ClassVar[int]
    COMMITMENT_FIELD_NUMBER: _ClassVar[int]
    purpose: str
    slots: int
    families: int
    persons: int
    commitment: bytes
    def __init__(self, purpose: _Optional[str] = ..., slots: _Optional[int] = ..., families: _Optional[int] = ..., persons: _Optional[int] = ..., commitment: _Optional[bytes] = ...) -> None: ...
