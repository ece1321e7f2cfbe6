"""Synonyms and filler words in names and addresses."""

from __future__ import annotations

LITTLE_WORDS = ("the", "a", "an", "and", "of")

SHORT = {
    long: short
    for short, longs in {
        "ave": "avenue av avn aves",
        "blvd": "boulevard blv bvd boul",
        "rd": "road",
        "dr": "drive drv",
        "ln": "lane",
        "pl": "place",
        "sq": "square",
        "ct": "court",
        "hwy": "highway",
        "pkwy": "parkway",
        "tce": "terrace ter",
        "cres": "crescent",
        "st": "street str strasse sts saint",
        "mt": "mount",
        "ft": "fort",
        "ste": "suite",
        "apt": "apartment",
        "bldg": "building",
        "n": "north",
        "s": "south",
        "e": "east",
        "w": "west",
        "1": "first",
        "2": "second",
        "3": "third",
        "4": "fourth",
        "5": "fifth",
        "6": "sixth",
        "7": "seventh",
        "8": "eighth",
        "9": "ninth",
        "10": "tenth",
    }.items()
    for long in longs.split()
}
"""Words with several spellings in addresses -> one of the spellings."""
