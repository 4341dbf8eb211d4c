"""Personal data: what patterns and checksums find of it in texts, replaced by its kind. By presidio, without a model.

Names of people and places are not found: no pattern fits them. Links and dates stay, for answers live on them.
"""

from __future__ import annotations

from collections import Counter
from importlib.util import find_spec
from typing import Any

from schemas.errors import MissingExtra
from streams.exports.row import Row

_LANGUAGE = "en"  # of the words round a number that make it more likely a phone's; the patterns themselves are of no language
_LEAST_SCORE = 0.3  # below it, every long number is a bank account
DETECTORS = (
    "CreditCardRecognizer",
    "CryptoRecognizer",
    "EmailRecognizer",
    "IbanRecognizer",
    "IpRecognizer",
    "MacAddressRecognizer",
    "PhoneRecognizer",
    "UsSsnRecognizer",
)


class Scrubber:
    """Counts what it takes away, by kind. Raises MissingExtra."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._analyzer, self._anonymizer = _engines()

    def scrubbed(self, row: Row) -> Row:
        """The same row with other texts."""
        return row._replace(prompt=self.text(row.prompt), texts=tuple(map(self.text, row.texts)))

    def text(self, text: str) -> str:
        """`Write to <EMAIL_ADDRESS>`."""
        found = self._analyzer.analyze(text, language=_LANGUAGE, score_threshold=_LEAST_SCORE)
        if not found:
            return text
        scrubbed = self._anonymizer.anonymize(text, found)
        self.counts.update(each.entity_type for each in scrubbed.items)
        return str(scrubbed.text)


def _engines() -> tuple[Any, Any]:
    if find_spec("presidio_analyzer") is None or find_spec("presidio_anonymizer") is None:
        raise MissingExtra("--pii scrub asks for presidio, which is not installed.", remedy="Install the extra `export` of roxy.")
    import tldextract.tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry, predefined_recognizers
    from presidio_analyzer.nlp_engine import NoOpNlpEngine
    from presidio_anonymizer import AnonymizerEngine

    # Addresses are checked by the list of public suffixes that came with the package: it would be fetched over the network.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    registry = RecognizerRegistry(recognizers=[getattr(predefined_recognizers, name)() for name in DETECTORS], supported_languages=[_LANGUAGE])
    no_model = NoOpNlpEngine(models=[{"lang_code": _LANGUAGE, "model_name": "noop"}])
    return AnalyzerEngine(registry=registry, nlp_engine=no_model, supported_languages=[_LANGUAGE]), AnonymizerEngine()
