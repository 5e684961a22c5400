"""Everything that can go wrong, as one tree.

KoutuError
├── PhotoError (ValueError)           a file that cannot be used as a photo
│   └── PhotoTooLarge                 beyond the limits on bytes, pixels or sides
├── ChoiceError (ValueError)          an object, background or option that does not exist
├── RateExceeded (RuntimeError)       a visitor who asks for more than his share
├── ModelError (RuntimeError)         a model folder that cannot be used
│   ├── ModelNotFound                 no such model here
│   ├── ModelDamaged                  a file is missing, cut short or altered
│   └── FetchFailed                   the Hub did not give it
│       └── EntryMissing              neither the repository nor the cache has the file
├── EngineError (RuntimeError)        a run-time that does not do its work
│   ├── EngineUnavailable             this host lacks the device, driver, package or artifact
│   └── InferenceFailed               it started, but a photo did not come through
├── StorageFull (RuntimeError)             what was sent or made cannot be kept here now
└── ConversionError (RuntimeError)    an artifact could not be made (raised by `convert` alone)

Each carries its sentence in both languages; outer faults are translated where they enter.
"""

from segmentation.i18n import Language, Text


class KoutuError(Exception):
    """The base of all errors meant to be read by a person.

    Args:
        en: what happened and what to do, in English, on one line.
        zh: the same in Chinese.
    """

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.text = Text(en=en, zh=zh)

    def in_language(self, language: Language) -> str:
        """The sentence for a reader of `language`."""
        return self.text.in_language(language)


class PhotoError(KoutuError, ValueError):
    """Raised when a file cannot be used as a photo."""


class PhotoTooLarge(PhotoError):
    """Raised, before any pixel is decoded, when a photo is beyond the limits."""


class ChoiceError(KoutuError, ValueError):
    """Raised when an object, background or option is asked for that does not exist."""


class RateExceeded(KoutuError, RuntimeError):
    """Raised, before any work is done, when a visitor asks for more than his share."""


class ModelError(KoutuError, RuntimeError):
    """Raised when a model folder cannot be used, for example for an unknown card schema."""


class ModelNotFound(ModelError):
    """Raised when neither a bundled model nor a folder has the name asked for."""


class ModelDamaged(ModelError):
    """Raised when a file of a model is missing, cut short or altered."""


class FetchFailed(ModelError):
    """Raised when a repository's files could not be had from the Hugging Face Hub."""


class EntryMissing(FetchFailed):
    """Raised when a file is neither in the repository, as far as it can be asked, nor cached."""


class EngineError(KoutuError, RuntimeError):
    """Raised when a run-time does not do its work."""


class EngineUnavailable(EngineError):
    """Raised when this host lacks the device, driver, package or artifact an engine needs."""


class InferenceFailed(EngineError):
    """Raised when a started engine could not bring a photo through."""


class StorageFull(KoutuError, RuntimeError):
    """Raised when what a visitor sent or made cannot be kept: no room, or a folder to read only."""


class ConversionError(KoutuError, RuntimeError):
    """Raised by `convert` when an artifact could not be made; nothing half-written stays."""
