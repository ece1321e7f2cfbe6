"""Stems of English words, by the published Porter algorithm (Snowball's `english`)."""

from __future__ import annotations

import re

from local_aws.athena.errors import QueryFailed

_SPECIAL = {
    "skis": "ski", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "idly": "idl", "gently": "gentl",
    "ugly": "ugli", "early": "earli", "only": "onli", "singly": "singl", "sky": "sky", "news": "news",
    "howe": "howe", "atlas": "atlas", "cosmos": "cosmos", "bias": "bias", "andes": "andes",
}  # fmt: skip
_KEPT = {"inning", "outing", "canning", "herring", "earring", "proceed", "exceed", "succeed"}
_SECOND = {
    "ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "abli": "able", "entli": "ent",
    "ization": "ize", "izer": "ize", "ation": "ate", "ator": "ate", "alism": "al", "aliti": "al", "alli": "al",
    "fulness": "ful", "ousli": "ous", "ousness": "ous", "iveness": "ive", "iviti": "ive", "biliti": "ble",
    "bli": "ble", "ogi": "og", "fulli": "ful", "lessli": "less", "li": "",
}  # fmt: skip
_THIRD = {
    "tional": "tion", "ational": "ate", "alize": "al", "icate": "ic", "iciti": "ic", "ical": "ic", "ful": "",
    "ness": "", "ative": "",
}  # fmt: skip
_FOURTH = [
    "ement", "ance", "ence", "able", "ible", "ment", "ant", "ent", "ism", "ate", "iti", "ous", "ive", "ize", "ion",
    "al", "er", "ic",
]  # fmt: skip


def stem(word: str, language: str) -> str:
    """Return the stem of a word.

    Raises:
        QueryFailed: NOT_SUPPORTED for any language but English.
    """
    if language != "en":
        raise QueryFailed(f"NOT_SUPPORTED: word_stem knows the language 'en' here; given is {language!r}")
    return _english(word)


def _regions(word: str) -> tuple[int, int]:
    first = next((len(p) for p in ("gener", "commun", "arsen") if word.startswith(p)), None)
    if first is None:
        found = re.search(r"[aeiouy][^aeiouy]", word)
        first = found.end() if found else len(word)
    found = re.search(r"[aeiouy][^aeiouy]", word[first:])
    return first, first + found.end() if found else len(word)


def _is_short(word: str) -> bool:
    return re.search(r"(^[aeiouy][^aeiouy]$|[^aeiouy][aeiouy][^aeiouywxY]$)", word) is not None


def _english(word: str) -> str:
    if len(word) <= 2:
        return word
    if word in _SPECIAL:
        return _SPECIAL[word]
    word = re.sub(r"(^|[aeiouy])y", r"\1Y", word.lstrip("'"))
    first, second = _regions(word)
    word = _plural(re.sub(r"('s'|'s|')$", "", word))
    if word in _KEPT:
        return word
    word = _past(word, first)
    word = re.sub(r"(?<=.)([^aeiouy])[yY]$", r"\1i", word)
    word = _replaced(word, _SECOND, first, second)
    word = _replaced(word, _THIRD, first, second)
    return _last(_cut(word, second), first, second).lower()


def _plural(word: str) -> str:
    if word.endswith("sses"):
        return word[:-2]
    if word.endswith(("ied", "ies")):
        return word[:-2] if len(word) > 4 else word[:-1]
    if word.endswith(("us", "ss")) or not word.endswith("s"):
        return word
    return word[:-1] if re.search(r"[aeiouy]", word[:-2]) else word


def _past(word: str, first: int) -> str:
    for ending in ("eedly", "eed"):
        if word.endswith(ending):
            return word[: -len(ending)] + "ee" if len(word) - len(ending) >= first else word
    for ending in ("ingly", "edly", "ing", "ed"):
        if word.endswith(ending):
            base = word[: -len(ending)]
            if not re.search(r"[aeiouy]", base):
                return word
            if base.endswith(("at", "bl", "iz")):
                return base + "e"
            if re.search(r"(bb|dd|ff|gg|mm|nn|pp|rr|tt)$", base):
                return base[:-1]
            return base + "e" if _is_short(base) and first >= len(base) else base
    return word


def _replaced(word: str, table: dict[str, str], first: int, second: int) -> str:
    for ending in sorted(table, key=len, reverse=True):
        if not word.endswith(ending):
            continue
        base = word[: -len(ending)]
        allowed = len(base) >= first
        if ending == "ogi":
            allowed = allowed and base.endswith("l")
        elif ending == "li":
            allowed = allowed and base[-1:] in tuple("cdeghkmnrt")
        elif ending == "ative":
            allowed = len(base) >= second
        return base + table[ending] if allowed else word
    return word


def _cut(word: str, second: int) -> str:
    for ending in _FOURTH:
        if word.endswith(ending):
            base = word[: -len(ending)]
            if len(base) < second or (ending == "ion" and base[-1:] not in ("s", "t")):
                return word
            return base
    return word


def _last(word: str, first: int, second: int) -> str:
    if word.endswith("e") and (len(word) > second or (len(word) > first and not _is_short(word[:-1]))):
        return word[:-1]
    if word.endswith("ll") and len(word) > second:
        return word[:-1]
    return word
