"""Answers to requests that the page does not accept."""

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Scope

from segmentation.i18n import Text, preferred_language


class Refusal(Exception):
    """Raised when a request is not accepted.

    Args:
        status: HTTP status of the answer.
        text: the reason and the way out, for the visitor.
    """

    def __init__(self, status: int, text: Text) -> None:
        super().__init__(text.en)
        self.status = status
        self.text = text

    def response(self, scope: Scope, *, plain: bool) -> Response:
        """The answer in the visitor's language.

        Args:
            scope: the refused request.
            plain: answer with the text alone, as the page shows it for an upload; otherwise with
                JSON, of which the page shows `detail`.
        """
        accepted = Headers(scope=scope).get("accept-language", "")
        text = self.text.in_language(preferred_language(accepted))
        # The rest of a body that is late, or of unknown length, would be taken for the next request
        # on the connection.
        headers = {"connection": "close"} if self.status in (408, 411) else None
        if plain:
            return PlainTextResponse(text, self.status, headers)
        return JSONResponse({"detail": text}, self.status, headers)
