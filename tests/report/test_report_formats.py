"""Numbers as people read them, where one way of writing them ends and the next begins."""

import pytest

from reglab.report import formats


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (formats.p_value(0.001), "0.001"),
        (formats.p_value(0.00099), "<0.001"),
        (formats.p_value(0.0316), "0.032"),
        (formats.p_value(None), "–"),
        (formats.probability(0.0099), "<1\u00a0%"),
        (formats.probability(0.01), "1\u00a0%"),
        (formats.probability(0.706), "71\u00a0%"),
        (formats.probability(0.99), "99\u00a0%"),
        (formats.probability(0.991), ">99\u00a0%"),
        (formats.probability(None), "–"),
        (formats.value(0.1234, "test_accuracy"), "12.3\u00a0%"),
        (formats.value(0.1234, "test_nll"), "0.123"),
        (formats.value(None, "test_accuracy"), "–"),
        (formats.value(None, "test_nll"), "–"),
        (formats.amount(0.0251, "test_accuracy"), "+2.5"),
        (formats.amount(0.5, "test_nll"), "+0.500"),
        (formats.amount(-0.5, "test_nll"), "−0.500"),
        (formats.amount(0.0, "test_nll"), "0"),
        (formats.amount(None, "test_nll"), "–"),
        (formats.amount(float("inf"), "test_nll"), "–"),
        (formats.fixed(0.25, 1, sign="+"), "+0.2"),
        (formats.fixed(0.04, 1, sign="+"), "0.0"),
        (formats.fixed(-0.04, 1), "0.0"),
        (formats.percent(0.12345), "12.3"),
        (formats.percent(0.5, 0), "50"),
        (formats.points(0.12345, 2), "+12.35"),
        (formats.points(None), "–"),
        (formats.significant(99_999.0), "99,999"),
        (formats.significant(100_000.0), "1.00 × 10⁵"),
        (formats.significant(100_000), "100,000"),
        (formats.significant(0.001), "0.00100"),
        (formats.significant(0.000999), "9.99 × 10⁻⁴"),
        (formats.significant(-0.000999), "−9.99 × 10⁻⁴"),
        (formats.significant(12.345, 2), "12"),
        (formats.significant(1234.5), "1,230"),
        (formats.significant(None), "–"),
        (formats.prefixed(999.0), "999"),
        (formats.prefixed(1000.0), "1.00\u00a0k"),
        (formats.prefixed(2.5e6), "2.50\u00a0M"),
        (formats.prefixed(1e15), "1.00\u00a0P"),
        (formats.prefixed(12.34), "12.3"),
        (formats.prefixed(None), "–"),
        (formats.readable("-1e-05"), "−1 × 10⁻⁵"),
        (formats.readable("1e+20 and 0x1e-05"), "10²⁰ and 0x1e-05"),
        (formats.setting("adam"), "adam"),
        (formats.setting(None), "none"),
        (formats.setting(False), "no"),
        (formats.setting((0.5, "l1")), "[0.5, l1]"),
        (formats.setting({"a": 1, "b": {"c": 2}}), "a 1, b c 2"),
    ],
)
def test_a_number_is_written_so(shown, wanted):
    assert shown == wanted
