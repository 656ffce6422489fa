"""Consumers as integrators write them: the same response, read by many libraries."""

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


def pydantic_plain(response: Payload) -> Any:
    return Plain.model_validate(response)


def pydantic_forbid(response: Payload) -> Any:
    return Forbidding.model_validate(response)


def dataclass_keywords(response: Payload) -> Any:
    return Data(**response)


def namedtuple_keywords(response: Payload) -> Any:
    return Tuple(**response)


def attrs_keywords(response: Payload) -> Any:
    return Attrs(**response)


def marshmallow_default(response: Payload) -> Any:
    return Schema().load(response)


def marshmallow_exclude(response: Payload) -> Any:
    return Schema(unknown=marshmallow.EXCLUDE).load(response)


def msgspec_plain(body: bytes) -> Any:
    return msgspec.json.decode(body, type=Struct)


def msgspec_forbid(body: bytes) -> Any:
    return msgspec.json.decode(body, type=StrictStruct)


def cattrs_plain(response: Payload) -> Any:
    return cattrs.structure(response, Data)


def cattrs_forbid(response: Payload) -> Any:
    return FORBIDDING.structure(response, Data)


def dacite_plain(response: Payload) -> Any:
    return dacite.from_dict(Data, response)


def dacite_strict(response: Payload) -> Any:
    return dacite.from_dict(Data, response, config=dacite.Config(strict=True))


def typed_dict(response: Typed) -> Any:
    return {"id": response["id"], "status": response["latestStatus"]}


def jsonschema_closed(response: Payload) -> Any:
    CHECKER.validate(response)
    return response


def exact_key_set(response: Payload) -> Any:
    if set(response) != set(FIELDS):
        raise ValueError(f"another response than the documented one: {sorted(set(response))}")
    return response["id"]


def substring(body: str) -> Any:
    creator = body.partition('"creatorId":"')[2].partition('"')[0]
    return {"id": json.loads(body)["id"], "creator": creator or None}


def position(response: Payload) -> Any:
    members = list(response.values())
    return {"id": members[2], "status": members[6]}


def unpacking(response: Payload) -> Any:
    _, _, message, _, _, _, _, _, campaign = response.values()
    return message, campaign


def last_member(response: Payload) -> Any:
    *_, campaign = response.values()
    return {"campaign": campaign}


def required_creator(response: Payload) -> Any:
    return {"id": response["id"], "creator": response["creatorId"]}


def whole_text(body: str) -> Any:
    return body
