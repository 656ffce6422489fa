"""Every document that `schema` prints, by its arguments."""

from __future__ import annotations

from typing import Any, get_args

from retry_contract.contract.bundle import bundle, bundle_either, flatten, flatten_either
from retry_contract.contract.catalogue import Kind, catalogue
from retry_contract.contract.openapi import openapi

KINDS: tuple[Kind, ...] = get_args(Kind)

BUNDLES: dict[tuple[str, Kind], dict[str, Any]] = {
    (name, kind): bundle(contract, kind) for name, contract in catalogue().items() for kind in KINDS
} | {("either", kind): bundle_either(catalogue(), kind) for kind in KINDS}

FLAT: dict[tuple[str, Kind], dict[str, Any]] = {
    (name, kind): flatten(contract, kind)
    for name, contract in catalogue().items()
    for kind in KINDS
} | {("either", kind): flatten_either(catalogue(), kind) for kind in KINDS}

OPENAPI: dict[str, dict[str, Any]] = {
    name: openapi(contract) for name, contract in catalogue().items()
}

EXPORTS: dict[str, dict[str, Any]] = {
    **{" ".join(key): schema for key, schema in BUNDLES.items()},
    **{" ".join((*key, "flat")): schema for key, schema in FLAT.items()},
    **{f"{name} openapi": document for name, document in OPENAPI.items()},
}
