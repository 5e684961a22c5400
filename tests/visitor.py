"""A Gradio page without a browser: what it would send, sent by hand, so that it can also lie."""

import json
import secrets
from types import TracebackType
from typing import Any, Self

import httpx

# Generous: a test fails by what it finds, never by a slow machine.
SECONDS = 120.0


class Refused(Exception):
    """The server did not take the request; `status` and `text` say how it put that."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"{response.status_code} {response.text[:200]}")
        self.status = response.status_code
        self.text = response.text


class Failed(Exception):
    """A handler raised; the message is what the visitor reads, None if that is nothing."""


class Visitor:
    """One visitor's session, with the values of the components as his page would hold them.

    Args:
        address: of the page.
        language: what his browser asks for.

    Attributes:
        config: the page as the server described it.
        values: of the components, by id; those the server has not set yet are the defaults.
    """

    def __init__(self, address: str, language: str = "en") -> None:
        self.http = httpx.Client(
            base_url=address, timeout=SECONDS, headers={"Accept-Language": language}
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
        """The first event that a handler of this name answers."""
        return next(d for d in self.config["dependencies"] if d["api_name"] == name)

    def upload(self, name: str, data: bytes, field: str = "files") -> dict[str, Any]:
        """Send a file; what the page says of it afterwards.

        Raises:
            Refused: the server did not take it.
        """
        response = self.http.post("/gradio_api/upload", files={field: (name, data)})
        if not response.is_success:
            raise Refused(response)
        return file_data(response.json()[0])

    def fetch(self, file: dict[str, Any]) -> bytes:
        """The bytes of a file that the server offers."""
        response = self.http.get(f"/gradio_api/file={file['path']}")
        if not response.is_success:
            raise Refused(response)
        return response.content

    def ask(self, dependency: dict[str, Any], data: list[Any], event: Any = None) -> list[Any]:
        """Send one event with these inputs and wait for what it puts out.

        Raises:
            Refused: it did not get into the queue.
            Failed: its handler raised.
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
        """Put an event into the queue and do not wait.

        Raises:
            Refused: it did not get in.
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
        """Send an event with the values of the page, keep what comes, and go on to what follows.

        Returns:
            How many events that were.
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
            if (d["trigger_after"] == dependency["id"] and not d["trigger_only_on_failure"])
            or any(target in d["targets"] for target in changed)
        ]
        return 1 + sum(self.fire(next_) for next_ in following)

    def component(self, **props: Any) -> int:
        """The id of the first component with these properties."""
        return next(
            component["id"]
            for component in self.config["components"]
            if all(component["props"].get(key) == value for key, value in props.items())
        )

    def input_of(self, dependency: dict[str, Any], kind: str) -> int:
        """The id of an event's input that is a component of this type."""
        components = {item["id"]: item["type"] for item in self.config["components"]}
        return next(int(id_) for id_ in dependency["inputs"] if components[id_] == kind)

    def open(self, name: str, data: bytes) -> int:
        """Upload a photo and open it, as dropping it on the page does; how many events it took."""
        opening = self.handler("open_photo")
        self.values[self.input_of(opening, "image")] = self.upload(name, data)
        return self.fire(opening)


def file_data(path: str, **more: Any) -> dict[str, Any]:
    """A file as a component's value."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}
