"""Amounts as they are said, in both languages; and what only looks like one."""

from __future__ import annotations

import pytest

from actions.shopping.amounts import Amount, amount_of


@pytest.mark.parametrize(
    ("said", "quantity", "unit", "name"),
    [
        ("three hammers", 3, "each", "hammers"),
        ("1 lemon", 1, "each", "lemon"),
        ("twenty-five plates", 25, "each", "plates"),
        ("twenty five plates", 25, "each", "plates"),
        ("a couple of lemons", 2, "each", "lemons"),
        ("a hundred paper cups", 100, "each", "paper cups"),
        ("2x milk", 2, "each", "milk"),
        ("two 2 liter bottles of coke", 2, "each", "2 liter bottles of coke"),
        ("2 liters of milk", 2, "liter", "milk"),
        ("2 Litres milk", 2, "liter", "milk"),
        ("two liter of milk", 2, "liter", "milk"),
        ("1,5 liters of milk", 1.5, "liter", "milk"),
        ("one point five liters of milk", 1.5, "liter", "milk"),
        ("500g flour", 500, "gram", "flour"),
        ("2 kg of rice", 2, "kilogram", "rice"),
        ("half a pound of butter", 0.5, "pound", "butter"),
        ("½ pound of ham", 0.5, "pound", "ham"),
        ("1½ pounds of ham", 1.5, "pound", "ham"),
        ("1 1/2 cups of sugar", 1.5, "cup", "sugar"),
        ("one and a half pounds of ground beef", 1.5, "pound", "ground beef"),
        ("2 fl oz of vanilla", 2, "fluid_ounce", "vanilla"),
        ("half a dozen eggs", 0.5, "dozen", "eggs"),
        ("two dozen eggs", 2, "dozen", "eggs"),
        ("a loaf of bread", 1, "loaf", "bread"),
        ("two cans tuna", 2, "can", "tuna"),
        ("6 packs of beer", 6, "pack", "beer"),
        ("two pieces of cake", 2, "piece", "cake"),
        ("one can opener", 1, "each", "can opener"),
        ("一斤苹果", 1, "jin", "苹果"),
        ("两盒牛奶", 2, "box", "牛奶"),
        ("兩盒牛奶", 2, "box", "牛奶"),
        ("一斤半苹果", 1.5, "jin", "苹果"),
        ("半斤猪肉", 0.5, "jin", "猪肉"),
        ("半只鸡", 0.5, "each", "鸡"),
        ("三两白酒", 3, "liang", "白酒"),
        ("十二个鸡蛋", 12, "each", "鸡蛋"),
        ("二十五个饺子", 25, "each", "饺子"),
        ("一百二十个饺子", 120, "each", "饺子"),
        ("两打鸡蛋", 2, "dozen", "鸡蛋"),
        ("一千克面粉", 1, "kilogram", "面粉"),
        ("０．５升牛奶", 0.5, "liter", "牛奶"),
        ("苹果两斤", 2, "jin", "苹果"),
        ("牛奶 2盒", 2, "box", "牛奶"),
        ("2 瓶 可乐", 2, "bottle", "可乐"),
        ("3瓶coke", 3, "bottle", "coke"),
    ],
)
def test_quantity_unit_and_name(said: str, quantity: float, unit: str, name: str) -> None:
    amount = amount_of(said)
    assert (amount.quantity, amount.unit, amount.name) == (quantity, unit, name)


@pytest.mark.parametrize(
    "said",
    [
        "milk", "a few lemons", "half and half", "9 volt battery", "100 watt bulb", "four person tent", "2 x 4 lumber",
        "two by four", "two percent milk", "seven up", "3 musketeers", "501 jeans", "iphone 15", "six pack of beer",
        "2 liter bottle of coke", "16 ounce steak", "5 pound bag of flour", "a pound cake", "a cup holder", "2", "1/2",
        "0 lemons", "0 liters of milk", "", "鸡蛋", "几个苹果", "两三个苹果", "三四个苹果", "一两个苹果", "六瓶装可乐",
        "四件套", "三只松鼠", "三杯鸡", "五花肉", "三明治", "百香果", "维生素B12片", "三分糖奶茶", "两", "半",
    ],
)  # fmt: skip
def test_what_only_looks_like_an_amount_is_part_of_the_name(said: str) -> None:
    # "a cup holder" and "a pound cake" are one thing each; the name keeps all that tells what it is
    amount = amount_of(said)
    assert amount.quantity is None
    assert amount.name == said


@pytest.mark.parametrize(
    "said", ["9" * 10_000, "½" * 500, "1/" * 300, "一" * 10_000, "\ud800 milk", "2 " * 5000, "١ milk"]
)
def test_nothing_that_is_said_breaks_it(said: str) -> None:
    assert isinstance(amount_of(said), Amount)


@pytest.mark.parametrize(
    ("said", "quantity", "written"),
    [
        ("two lemons", 5, "5 lemons"),
        ("a loaf of bread", 2, "2 loaves of bread"),
        ("a dozen eggs", 2.5, "2.5 dozen eggs"),
        ("500g flour", 1000, "1000 g of flour"),
        ("two 2 liter bottles of coke", 3, "3 x 2 liter bottles of coke"),
        ("两盒牛奶", 3, "3盒牛奶"),
    ],
)
def test_more_of_the_same_in_words(said: str, quantity: float, written: str) -> None:
    assert amount_of(said).written(quantity) == written
