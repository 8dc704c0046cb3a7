import pytest

from prices import ARTICLES, base_price, dearest, stock_value

MONTHS = range(1, 37)


@pytest.mark.parametrize("month", MONTHS)
def test_month(month):
    assert stock_value(month) == ARTICLES * base_price(month)
    assert dearest(month) == base_price(month)
