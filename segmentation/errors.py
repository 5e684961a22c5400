"""The errors of Koutu, as one tree.

KoutuError
├── PhotoError (ValueError)           a file cannot be used as a photo
│   └── PhotoTooLarge                 the photo exceeds a limit on bytes, pixels, sides or frames
├── ChoiceError (ValueError)          an object, background or option does not exist
├── RateExceeded (RuntimeError)       a client has sent more requests than it may
├── ModelError (RuntimeError)         a model folder cannot be used
│   ├── ModelNotFound                 there is no model of this name
│   ├── ModelDamaged                  a file is missing, cut short or altered
│   └── FetchFailed                   the Hugging Face Hub did not deliver a file
│       └── EntryMissing              neither the repository nor the cache has the file
├── EngineError (RuntimeError)        an inference engine failed
│   ├── EngineUnavailable             this host lacks a device, driver, package or artifact
│   └── InferenceFailed               the engine started, but a run failed
├── AddressUnavailable (RuntimeError)  the page cannot listen on an address or port
├── StorageFull (RuntimeError)        there is no room for a file, or the disk is read-only
└── ConversionError (RuntimeError)    an artifact could not be made (raised by `convert` alone)

Each error carries its message in both languages. Errors of libraries are translated where they
enter, and stay attached as `__cause__`.
"""

from typing import Self

from segmentation.i18n import Language, Text


class KoutuError(Exception):
    """Base class of all errors that are shown to people.

    Args:
        en: what happened and what to do, in English, on one line.
        zh: the same in Chinese.
    """

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.text = Text(en=en, zh=zh)

    @classmethod
    def from_text(cls, text: Text) -> Self:
        """Make an error of a message that already is a `Text`."""
        return cls(text.en, text.zh)

    def in_language(self, language: Language) -> str:
        """Return the message for a reader of `language`."""
        return self.text.in_language(language)


class PhotoError(KoutuError, ValueError):
    """Raised when a file cannot be used as a photo."""


class PhotoTooLarge(PhotoError):
    """Raised when a photo exceeds a limit, or the memory that is left."""


class ChoiceError(KoutuError, ValueError):
    """Raised when a requested object, background or option does not exist."""


class RateExceeded(KoutuError, RuntimeError):
    """Raised, before any work is done, when a client sends more requests than it may."""


class ModelError(KoutuError, RuntimeError):
    """Raised when a model folder cannot be used, for example for an unknown card schema."""


class ModelNotFound(ModelError):
    """Raised when neither a bundled model nor a folder has the requested name."""


class ModelDamaged(ModelError):
    """Raised when a file of a model is missing, cut short or altered."""


class FetchFailed(ModelError):
    """Raised when a file could not be fetched from the Hugging Face Hub."""


class EntryMissing(FetchFailed):
    """Raised when neither the repository, as far as it can be reached, nor the cache has a file."""


class EngineError(KoutuError, RuntimeError):
    """Raised when an inference engine fails."""


class EngineUnavailable(EngineError):
    """Raised when this host lacks the device, driver, package or artifact that an engine needs."""


class InferenceFailed(EngineError):
    """Raised when an engine has started but a run fails."""


class AddressUnavailable(KoutuError, RuntimeError):
    """Raised when the page cannot listen on an address or port."""


class StorageFull(KoutuError, RuntimeError):
    """Raised when an upload or a result cannot be stored: no room, or a read-only disk."""


class ConversionError(KoutuError, RuntimeError):
    """Raised by `convert` when an artifact could not be made; no partial file is left."""
