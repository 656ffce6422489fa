"""Consumers as integrators write them: the same reply, read by many libraries."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, NamedTuple, TypedDict

import attrs
import cattrs
import dacite
import jsonschema
import marshmallow
import msgspec
import pydantic

Payload = dict[str, Any]


class Tuple(NamedTuple):
    createdAt: str
    updatedAt: str
    id: str
    recipient: str
    values: dict[str, str]
    fullMessage: str
    latestStatus: str
    templateBodyId: str
    campaignId: str


FIELDS = Tuple._fields
TYPES: dict[str, Any] = {name: dict[str, str] if name == "values" else str for name in FIELDS}

REQUIRED: dict[str, Any] = {name: (kind, ...) for name, kind in TYPES.items()}

Plain = pydantic.create_model("Plain", **REQUIRED)
Forbidding = pydantic.create_model("Forbidding", __base__=Plain, __cls_kwargs__={"extra": "forbid"})
Data = dataclasses.make_dataclass("Data", TYPES.items())
Attrs = attrs.make_class("Attrs", {name: attrs.field(type=Any) for name in FIELDS})
Struct = msgspec.defstruct("Struct", [(name, Any) for name in FIELDS])
StrictStruct = msgspec.defstruct(
    "StrictStruct", [(name, Any) for name in FIELDS], forbid_unknown_fields=True
)


class Typed(TypedDict):
    id: str
    latestStatus: str


Schema = marshmallow.Schema.from_dict({name: marshmallow.fields.Raw() for name in FIELDS})
CLOSED = {
    "type": "object",
    "required": list(FIELDS),
    "properties": dict.fromkeys(FIELDS, True),
    "additionalProperties": False,
}
CHECKER = jsonschema.Draft202012Validator(CLOSED)
FORBIDDING = cattrs.Converter(forbid_extra_keys=True)


def pydantic_plain(reply: Payload) -> Any:
    return Plain.model_validate(reply)


def pydantic_forbid(reply: Payload) -> Any:
    return Forbidding.model_validate(reply)


def dataclass_keywords(reply: Payload) -> Any:
    return Data(**reply)


def namedtuple_keywords(reply: Payload) -> Any:
    return Tuple(**reply)


def attrs_keywords(reply: Payload) -> Any:
    return Attrs(**reply)


def marshmallow_default(reply: Payload) -> Any:
    return Schema().load(reply)


def marshmallow_exclude(reply: Payload) -> Any:
    return Schema(unknown=marshmallow.EXCLUDE).load(reply)


def msgspec_plain(body: bytes) -> Any:
    return msgspec.json.decode(body, type=Struct)


def msgspec_forbid(body: bytes) -> Any:
    return msgspec.json.decode(body, type=StrictStruct)


def cattrs_plain(reply: Payload) -> Any:
    return cattrs.structure(reply, Data)


def cattrs_forbid(reply: Payload) -> Any:
    return FORBIDDING.structure(reply, Data)


def dacite_plain(reply: Payload) -> Any:
    return dacite.from_dict(Data, reply)


def dacite_strict(reply: Payload) -> Any:
    return dacite.from_dict(Data, reply, config=dacite.Config(strict=True))


def typed_dict(reply: Typed) -> Any:
    return {"id": reply["id"], "status": reply["latestStatus"]}


def jsonschema_closed(reply: Payload) -> Any:
    CHECKER.validate(reply)
    return reply


def exact_key_set(reply: Payload) -> Any:
    if set(reply) != set(FIELDS):
        raise ValueError(f"another reply than the documented one: {sorted(set(reply))}")
    return reply["id"]


def substring(body: str) -> Any:
    creator = body.partition('"creatorId":"')[2].partition('"')[0]
    return {"id": json.loads(body)["id"], "creator": creator or None}


def position(reply: Payload) -> Any:
    members = list(reply.values())
    return {"id": members[2], "status": members[6]}


def unpacking(reply: Payload) -> Any:
    _, _, message, _, _, _, _, _, campaign = reply.values()
    return message, campaign


def last_member(reply: Payload) -> Any:
    *_, campaign = reply.values()
    return {"campaign": campaign}


def required_creator(reply: Payload) -> Any:
    return {"id": reply["id"], "creator": reply["creatorId"]}


def whole_text(body: str) -> Any:
    return body
