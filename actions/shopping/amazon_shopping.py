"""The action of `amazon_shopping`: puts a product on the shopping list and sends the owner a link to Amazon's search,
or that of another shop. A link to a filled cart would need a product's number (ASIN), and so a choice that nobody made.
"""

from __future__ import annotations

from collections.abc import Sequence

from actions.base import Request
from actions.shopping.shopping_list import PRODUCTS, Wanted
from actions.shopping.shops import Shopping, wanted_of


class AmazonShopping(Shopping):
    """Never orders, never pays."""

    name = "amazon_shopping"
    kind = PRODUCTS
    usual = "Amazon"

    def wanted(self, request: Request) -> Sequence[Wanted]:
        return wanted_of([request.call.args["product"]])
