"""A client of a Gradio page without a browser, which can also send invalid requests."""

import json
import secrets
import ssl
from types import TracebackType
from typing import Any, Self

import httpx

# Long enough for a slow machine.
SECONDS = 120.0
# For clients of http: reading the certificates of https takes 30 ms of processor time.
WITHOUT_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Refused(Exception):
    """Raised when the server refuses a request; has its `status` and `text`."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"{response.status_code} {response.text[:200]}")
        self.status = response.status_code
        self.text = response.text


class Failed(Exception):
    """Raised when a handler fails; the message is the one that the visitor reads, or None."""


class Visitor:
    """A visitor's session, with the values of the components as their page would hold them.

    Args:
        address: the address of the page.
        language: the Accept-Language of the browser.

    Attributes:
        config: the page's config, as the server sent it.
        values: the values of the components by id; the defaults until the server sets them.
    """

    def __init__(self, address: str, language: str = "en") -> None:
        self.http = httpx.Client(
            base_url=address,
            timeout=SECONDS,
            headers={"Accept-Language": language},
            verify=WITHOUT_CERTIFICATES,
        )
        self.session = secrets.token_hex(8)
        self.config: dict[str, Any] = self.http.get("/config").raise_for_status().json()
        self.values: dict[int, Any] = {
            component["id"]: component["props"].get("value")
            for component in self.config["components"]
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()

    def handler(self, name: str) -> dict[str, Any]:
        """Return the first event of the handler with this name."""
        return next(
            dependency
            for dependency in self.config["dependencies"]
            if dependency["api_name"] == name
        )

    def upload(self, name: str, data: bytes, field: str = "files") -> dict[str, Any]:
        """Upload a file. Returns it as a component's value.

        Raises:
            Refused: the server refuses it.
        """
        response = self.http.post("/gradio_api/upload", files={field: (name, data)})
        if not response.is_success:
            raise Refused(response)
        return file_data(response.json()[0])

    def fetch(self, file: dict[str, Any]) -> bytes:
        """Return the bytes of a file that the server offers.

        Raises:
            Refused: the server refuses it.
        """
        response = self.http.get(f"/gradio_api/file={file['path']}")
        if not response.is_success:
            raise Refused(response)
        return response.content

    def ask(self, dependency: dict[str, Any], data: list[Any], event: Any = None) -> list[Any]:
        """Send an event with these inputs and return its outputs.

        Raises:
            Refused: the queue does not accept it.
            Failed: its handler raises.
        """
        outputs: list[Any] = self._complete(dependency, data, event)["data"]
        return outputs

    def _complete(
        self, dependency: dict[str, Any], data: list[Any], event: Any = None
    ) -> dict[str, Any]:
        self.join(dependency, data, event)
        query = {"session_hash": self.session}
        with self.http.stream("GET", "/gradio_api/queue/data", params=query) as stream:
            for line in stream.iter_lines():
                if not line.startswith("data:"):
                    continue
                message = json.loads(line.removeprefix("data:"))
                if message["msg"] == "process_completed":
                    output: dict[str, Any] = message["output"]
                    if not message["success"]:
                        raise Failed(output.get("error"))
                    return output
                if message["msg"] == "unexpected_error":
                    raise Failed(message["message"])
        raise AssertionError("the server closed the stream without an answer")

    def join(self, dependency: dict[str, Any], data: list[Any], event: Any = None) -> None:
        """Put an event into the queue without waiting for its outputs.

        Raises:
            Refused: the queue does not accept it.
        """
        body = {
            "data": data,
            "event_data": event,
            "fn_index": dependency["id"],
            "trigger_id": None,
            "session_hash": self.session,
        }
        response = self.http.post("/gradio_api/queue/join", json=body)
        if not response.is_success:
            raise Refused(response)

    def fire(self, dependency: dict[str, Any], event: Any = None) -> int:
        """Send an event with the values of the page, keep its outputs, and send its successors.

        Returns:
            The number of events sent.
        """
        data = [self.values.get(id_) for id_ in dependency["inputs"]]
        completed = self._complete(dependency, data, event)
        for id_, output in zip(dependency["outputs"], completed["data"], strict=True):
            if isinstance(output, dict) and output.get("__type__") == "update":
                if "value" in output:
                    self.values[id_] = output["value"]
            else:
                self.values[id_] = output
        changed = [[id_, "change"] for id_ in completed["changed_state_ids"]]
        following = [
            d
            for d in self.config["dependencies"]
            if d["backend_fn"]  # others only cancel events, in the browser
            and (
                (d["trigger_after"] == dependency["id"] and not d["trigger_only_on_failure"])
                or any(target in d["targets"] for target in changed)
            )
        ]
        return 1 + sum(self.fire(next_) for next_ in following)

    def component(self, **props: Any) -> int:
        """Return the id of the first component with these properties."""
        return next(
            component["id"]
            for component in self.config["components"]
            if all(component["props"].get(key) == value for key, value in props.items())
        )

    def input_of(self, dependency: dict[str, Any], kind: str) -> int:
        """Return the id of the first input of an event that is a component of this type."""
        components = {item["id"]: item["type"] for item in self.config["components"]}
        return next(int(id_) for id_ in dependency["inputs"] if components[id_] == kind)

    def open(self, name: str, data: bytes) -> int:
        """Upload and open a photo, as dropping it on the page does.

        Returns:
            The number of events sent.
        """
        opening = self.handler("open_photo")
        self.values[self.input_of(opening, "uploadbutton")] = self.upload(name, data)
        return self.fire(opening)


def file_data(path: str, **more: Any) -> dict[str, Any]:
    """Return a file as a component's value."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}
