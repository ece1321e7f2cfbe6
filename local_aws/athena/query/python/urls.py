"""The parts of a URL."""

from __future__ import annotations

from urllib.parse import SplitResult, quote_plus, unquote, unquote_plus, urlsplit

from local_aws.athena.query.python.failing import bad


def _split(url: str) -> SplitResult | None:
    if any(c in url for c in ' \t\n<>"{}|\\^`'):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
        return parts
    except ValueError:
        return None


def protocol(url: str) -> str | None:
    found = _split(url)
    return None if found is None else url[: len(found.scheme)]


def host(url: str) -> str | None:
    found = _split(url)
    if found is None:
        return None
    name = found.netloc.rpartition("@")[2].partition(":")[0] if "[" not in found.netloc else found.hostname
    return name or ""


def port(url: str) -> int | None:
    found = _split(url)
    return None if found is None else found.port


def path(url: str) -> str | None:
    found = _split(url)
    return None if found is None else unquote(found.path)


def query(url: str) -> str | None:
    found = _split(url)
    return None if found is None else unquote(found.query)


def fragment(url: str) -> str | None:
    found = _split(url)
    return None if found is None else unquote(found.fragment)


def parameter(url: str, name: str) -> str | None:
    found = _split(url)
    if found is None:
        return None
    for part in found.query.split("&"):
        key, _, value = part.partition("=")
        if unquote(key) == name and part:
            return unquote(value)
    return None


def encode(text: str) -> str:
    return quote_plus(text, safe="*-._").replace("~", "%7E")


def decode(text: str) -> str:
    try:
        return unquote_plus(text, errors="strict")
    except UnicodeDecodeError as error:
        raise bad(f"Illegal characters in '{text}'") from error
