"""The form of an upload, read by the parser that Gradio reads it with."""

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from segmentation.i18n import Text
from segmentation.image.photo import Limits
from segmentation.page.server.http.refusal import Refusal

# A batch comes in one request. Gradio itself accepts a thousand files in one.
MAX_FILES = Limits().batch_photos

TOO_MANY_FILES = Text(
    f"More than {MAX_FILES} files at once. Upload them in several batches.",
    f"一次不能超过 {MAX_FILES} 个文件，请分批上传。",
)
NOT_A_FORM = Text(
    "An upload is a multipart form. Send each file as a part with a file name.",
    "上传须为 multipart 表单，每个文件各为一个带文件名的部分。",
)


class UploadForm:
    """Counts the files of a form while it arrives, and refuses fields that are not files.

    Gradio keeps a part without a file name in memory, whatever its size.

    Args:
        content_type: the header of the request.

    Attributes:
        file_count: number of files that began.

    Raises:
        Refusal: 400, the request is not a form.
    """

    def __init__(self, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data":
            raise Refusal(400, NOT_A_FORM)
        self.file_count = 0
        self._name = b""
        self._value = b""
        self._disposition = b""
        try:
            self._parser = MultipartParser(
                options.get(b"boundary", b""),
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._add_name,
                    "on_header_value": self._add_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                },
            )
        except FormParserError as error:
            raise Refusal(400, NOT_A_FORM) from error

    def count(self, body: bytes) -> None:
        """Read a part of the body.

        Raises:
            Refusal: 400 for a field that is not a file or a damaged form, 413 for too many files.
        """
        try:
            self._parser.write(body)
        except FormParserError as error:
            raise Refusal(400, NOT_A_FORM) from error

    def _begin_part(self) -> None:
        self._disposition = b""

    def _add_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        if not {b"name", b"filename"} <= options.keys():
            raise Refusal(400, NOT_A_FORM)
        self.file_count += 1
        if self.file_count > MAX_FILES:
            raise Refusal(413, TOO_MANY_FILES)
