"""Finding out how much of a chain Clair knows, with few questions.

What Clair knows of a chain is always its lower part: it refuses a layer whose parent it does not know, and a DELETE
takes all layers with it that are built on the one deleted. Names stand for whole chains, so nobody else can have
stored one on another parent. This is what makes a binary search right.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from .client import ClairClient
from .layers import ChainLink
from .sharing import Shared


async def count_known(client: ClairClient, chain: Sequence[ChainLink], shared: Shared) -> int:
    """Return how many layers, from the base up, Clair knows of a chain whose top it does not know.

    At most ``ceil(log2(layers))`` questions are asked: none where the next layer above those that are remembered is
    being posted for another image, and the first one as near to the remembered layers as that allows, since it is
    there that a new image most often differs.

    Args:
        client: The Clair.
        chain: The image's layers, base first.
        shared: What is remembered; it learns the answer.

    Raises:
        ScannerUnavailableError: Clair can't be reached or is out of order.
        ScannerError: Clair refused in another way.
    """
    least, most = _count_remembered(chain, shared), len(chain) - 1
    questions = most.bit_length()
    while least < most and chain[least].name not in shared.posts:
        step = max(1, most - least + 1 - 2 ** (questions - 1))
        asked = chain[least + step - 1].name
        if await shared.probes.run(asked, partial(client.knows, asked)):
            least += step
        else:
            most = least + step - 1
        questions -= 1
    shared.known.add(link.name for link in chain[:least])
    return least


def _count_remembered(chain: Sequence[ChainLink], shared: Shared) -> int:
    """Return how many layers Clair knows as far as is remembered: the uppermost counts for all below it."""
    return next((link.number for link in reversed(chain[:-1]) if link.name in shared.known), 0)
