"""The language that the address of a page asks for."""

import pytest
from starlette.datastructures import Headers

from segmentation.page.server.language import with_page_language


def languages(query: str, **headers: str) -> str | None:
    """Return the Accept-Language header that a request has behind the middleware."""
    given = {"accept-language": "en-GB", **headers}
    scope = {
        "type": "http",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }
    return Headers(scope=with_page_language(scope)).get("accept-language")


def test_the_address_of_an_event_replaces_the_browsers_language() -> None:
    assert languages("lang=zh&session_hash=1") == "zh"


def test_another_request_names_its_page_as_referrer() -> None:
    assert languages("", referer="https://example.com/studio/?lang=zh") == "zh"


@pytest.mark.parametrize("query", ["", "lang=", "lang=fr", "lang=zh%0d%0aX: 1", "%ff=%ff"])
def test_an_address_without_a_known_language_keeps_the_browsers(query: str) -> None:
    assert languages(query) == "en-GB"


def test_a_malformed_referrer_keeps_the_browsers_language() -> None:
    assert languages("", referer="http://[half?lang=zh") == "en-GB"
