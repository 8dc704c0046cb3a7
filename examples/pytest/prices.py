"""What a shop's articles cost, month by month."""

from array import array
from functools import lru_cache

ARTICLES = 1_500_000


def base_price(month):
    """The price that every article opens a month with, in cents."""
    return 1000 + 5 * month


@lru_cache(maxsize=None)
def prices(month):
    """The price of every article in a month: 12 MB.

    The cache has no bound and nobody clears it: this is the leak.
    """
    return array("q", [base_price(month)]) * ARTICLES


def stock_value(month):
    """The price of one piece of everything."""
    return sum(prices(month))


def dearest(month):
    return max(prices(month))
