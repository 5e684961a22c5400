"""The language that the address of a page asks for."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from segmentation.i18n import LANGUAGES

HEADER = b"accept-language"


def with_page_language(scope: Scope) -> Scope:
    """Put the language of a page's address (`?lang=zh`) in place of the browser's languages.

    Events carry the query of the page they come from; other requests name that page as referrer.

    Args:
        scope: an HTTP request.

    Returns:
        The request, with another Accept-Language header if its page's address names a language.
    """
    queries = scope.get("query_string", b"").decode("latin-1"), _referrer_query(scope)
    chosen = (parse_qs(query).get("lang", [""])[0] for query in queries)
    language = next((name for name in chosen if name in LANGUAGES), None)
    if language is None:
        return scope
    headers: list[Any] = [item for item in scope["headers"] if item[0] != HEADER]
    return {**scope, "headers": [*headers, (HEADER, language.encode())]}


def _referrer_query(scope: Scope) -> str:
    try:
        return urlsplit(Headers(scope=scope).get("referer", "")).query
    except ValueError:  # a malformed address
        return ""
