"""CSAF documents (VEX): what they say about products that are images, packages, or packages in an image.

Source: OASIS "Common Security Advisory Framework", versions 2.0 and 2.1: product tree, product status, VEX profile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen
from portus_scanners.merge import read_purl

from ..suppressions import Says
from .imported import RuleCollector, string_items
from .vex import Names, VexCollector, members_of, parts_of, string_of

CSAF = "a CSAF document"

_STATUSES = {
    "known_not_affected": Says.HARMLESS,
    "fixed": Says.FIXED,
    "first_fixed": Says.FIXED,
    "known_affected": Says.HARMFUL,
    "first_affected": Says.HARMFUL,
    "last_affected": Says.HARMFUL,
    "under_investigation": Says.HARMFUL,
}
_OF_ANY_PRODUCT = {"vendor", "product_family", "product_name"}
"""The branches that say no more of a product than its package URL does."""
_MOST_DEEP = 100


@frozen
class _Product:
    """What a product's id stands for."""

    names: Names = ()
    inside: Names | None = None
    """The names of the part that is meant; None for all of it."""
    unclear: str = ""
    """Why its names mean more than the product."""


def read_csaf(document: Mapping[str, Any], collector: RuleCollector) -> None:
    """Collect what a document says of vulnerabilities."""
    head = members_of(document.get("document"))
    tracking = members_of(head.get("tracking"))
    publisher = string_of(members_of(head.get("publisher")).get("name"))
    vex = VexCollector(collector, publisher, string_of(tracking.get("current_release_date")))
    tree = members_of(document.get("product_tree"))
    products = dict(_products(tree))
    groups = {
        string_of(group.get("group_id")): set(string_items(group.get("product_ids")))
        for group in map(members_of, parts_of(tree.get("product_groups")))
    }
    for number, entry in enumerate(map(members_of, parts_of(document.get("vulnerabilities")))):
        _read_vulnerability(f"$.vulnerabilities[{number}]", entry, products, groups, vex)
    vex.finish()


def _read_vulnerability(
    path: str,
    entry: Mapping[str, Any],
    products: Mapping[str, _Product],
    groups: Mapping[str, set[str]],
    vex: VexCollector,
) -> None:
    name = _name_of(entry)
    for status, ids in members_of(entry.get("product_status")).items():
        says = _STATUSES.get(status)
        if says is None:
            continue
        place = f"{path}.product_status.{status}"
        if says is Says.HARMFUL:
            vex.leave_out(place, name, f"it is {status.replace('_', ' ')}")
        for product_id in string_items(ids):
            product = products.get(product_id, _Product(unclear="it is not in the product tree"))
            reason = _reason(entry, product_id, groups)
            if not name:
                vex.leave_out(place, product_id, "it has neither a CVE nor one other id")
            elif says is Says.HARMFUL:
                # where it is unclear what may be harmed, all that it may be is
                whole = product.names or product.inside or ()
                vex.add(place, name, whole, product.inside if product.names else None, says, reason)
            elif product.unclear:
                vex.leave_out(place, f"{name} in {product_id}", product.unclear)
            elif says is Says.HARMLESS and not reason:
                vex.leave_out(place, f"{name} in {product_id}", "it does not say why it is not affected")
            else:
                vex.add(place, name, product.names, product.inside, says, reason or status)


def _name_of(entry: Mapping[str, Any]) -> str:
    """Return the CVE, or the one other id."""
    ids = [string_of(members_of(one).get("text")) for one in parts_of(entry.get("ids"))]
    return string_of(entry.get("cve")) or (ids[0] if len(ids) == 1 else "")


def _reason(entry: Mapping[str, Any], product_id: str, groups: Mapping[str, set[str]]) -> str:
    """Return the flags and the impact that the entry states for a product."""

    def is_about(part: Mapping[str, Any]) -> bool:
        named = set(string_items(part.get("product_ids")))
        return product_id in named.union(*(groups.get(one, set()) for one in string_items(part.get("group_ids"))))

    flags = [string_of(one.get("label")) for one in map(members_of, parts_of(entry.get("flags"))) if is_about(one)]
    threats = [
        string_of(one.get("details"))
        for one in map(members_of, parts_of(entry.get("threats")))
        if one.get("category") == "impact" and is_about(one)
    ]
    return ": ".join(filter(None, (*flags, *threats)))


def _products(tree: Mapping[str, Any]) -> Iterator[tuple[str, _Product]]:
    """Yield the products of a product tree by their ids."""
    plain = dict(_listed(tree))
    yield from plain.items()
    for one in map(members_of, parts_of(tree.get("relationships"))):
        whole = plain.get(string_of(one.get("relates_to_product_reference")))
        part = plain.get(string_of(one.get("product_reference")))
        full = members_of(one.get("full_product_name"))
        if whole is None or part is None:
            product = _Product(unclear="it is a part of a part")
        else:
            own = _identified(full, ()).names
            unclear = whole.unclear or part.unclear or ("it has a package URL of its own" if own else "")
            product = _Product(whole.names, part.names, unclear)
        yield string_of(full.get("product_id")), product


def _listed(tree: Mapping[str, Any]) -> Iterator[tuple[str, _Product]]:
    for full in map(members_of, parts_of(tree.get("full_product_names"))):
        yield string_of(full.get("product_id")), _identified(full, ())
    waiting: list[tuple[Mapping[str, Any], tuple[str, ...]]] = [
        (members_of(branch), ()) for branch in parts_of(tree.get("branches"))
    ]
    while waiting:
        branch, above = waiting.pop()
        path = (*above, string_of(branch.get("category")))
        if product := members_of(branch.get("product")):
            yield string_of(product.get("product_id")), _identified(product, path)
        if len(path) < _MOST_DEEP:
            waiting.extend((members_of(one), path) for one in parts_of(branch.get("branches")))


def _identified(product: Mapping[str, Any], path: tuple[str, ...]) -> _Product:
    """Return what a product is, by its package URL and the branches that it is in."""
    helper = members_of(product.get("product_identification_helper"))
    purls = list(dict.fromkeys(filter(None, (string_of(helper.get("purl")), *string_items(helper.get("purls"))))))
    if len(purls) != 1:
        return _Product(unclear="it has no package URL" if not purls else "it has several package URLs")
    purl = read_purl(purls[0])
    said = set(path) - _OF_ANY_PRODUCT
    if purl and purl.version:
        said -= {"product_version"}
    if purl and purl.qualifier("arch"):
        said -= {"architecture"}
    unclear = f"its {sorted(said)[0].replace('_', ' ')} is not in its package URL" if said else ""
    return _Product((purls[0],), None, unclear)
