"""Cleaning: a question without what is not part of it: signs nobody sees, courtesies, quotation marks around it, Markdown. Pure.

What may be a name comes out as it went in: a word with a sign inside (`linger.ms`, `/etc/hosts`, `E_404`, `acks=all`), or between backticks.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"(?:[^\s`]|`[^`\n]+`)+|\S+")
_NAME = re.compile(r"`|\w[^\w\s]+\w|[/\\$<>{}=\d]")
_UNSEEN = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad]")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_BLOCK_MARK = re.compile(r"^\s*(?:>\s*|#{1,6}\s+|[-*+]\s+|\d{1,2}\.\s+)+", re.MULTILINE)
_EMPHASIS = re.compile(r"(?P<name>`[^`\n]+`)|\*\*(?=\S)(?P<text>[^*\n]+?)(?<=\S)\*\*")
_AROUND = re.compile(r"""["“„«']([^"“„«'»”]+)["”“»']([?!.]?)""")
_REPEATED = re.compile(r"([,;:…!])\1+|[!?]{2,}|\.{2,}")

_HAIL = (
    r"(?:hi|hey|hello|hallo|good (?:morning|afternoon|evening)|dear \w+|excuse me|sorry|great|perfect|cool|interesting|i see|got it|"
    r"(?:ok(?:ay)?,? |great,? )?(?:many thanks|thanks|thank you|thx)(?: a lot| so much| very much)?)(?: there| roxy| all| everyone)?"
)
_FILLER = r"(?:(?:please|pls|um+|ok(?:ay)? so|hey|hi) |(?:ok(?:ay)?|so|well|um+|please)\s*[,:–-] )"
_TELL = r"(?:tell(?:ing)? (?:me|us)|explain(?:ing)? to (?:me|us)|let (?:me|us) know|know)"
_ASK = (
    rf"(?:(?:can|could|would|will) (?:you|somebody|someone|anybody|anyone) (?:please |kindly )?{_TELL}|"
    r"(?:please |kindly )?(?:tell|explain to) (?:me|us)|"
    rf"i(?:'d| would) like {_TELL.replace('know', 'to know')}|(?:do you|does anyone|does anybody) (?:happen to )?know|"
    r"i(?:'m| am| was) (?:just )?wondering(?: if you (?:can|could) tell me)?|(?:a )?quick question)[,:–-]? "
)
#: Courtesies go only where a question is left behind them: one that begins like one.
_ASKS = r"(?=(?:what|which|who|whom|whose|when|where|why|how|if|whether|is|are|does|do|did|can|could|should|the difference)\b \S)"
_OPENING = re.compile(rf"^(?:{_HAIL}\s*[,!.:–-]+ |{_FILLER})*(?:{_ASK}{_ASKS})?(?=\S+ \S|(?:why|how|when|where|who)\b)", re.IGNORECASE)
_CLOSING = re.compile(r"[,.!?\s]+(?:please|pls|(?:many )?thanks(?: in advance| a lot)?|thank you(?: very much)?|thx)[.!?\s]*$", re.IGNORECASE)


@lru_cache(maxsize=256)  # asked for by several stages
def cleaned(asked: str) -> str:
    """The question. Of one that is nothing but marks, the text as it came."""
    seen = _CONTROL.sub(" ", _UNSEEN.sub("", asked))
    words = " ".join(_plain(word) for word in _WORD.findall(_unmarked(seen)))
    return _without_courtesies(words) or asked.strip()


def _without_courtesies(text: str) -> str:
    return _CLOSING.sub(lambda closing: "?" if "?" in closing[0] else "", _OPENING.sub("", text))


def _unmarked(text: str) -> str:
    """Without Markdown, and without quotation marks around all of it."""
    plain = _EMPHASIS.sub(lambda found: found["name"] or found["text"], _BLOCK_MARK.sub("", text)).strip()
    around = _AROUND.fullmatch(plain)
    return f"{around[1]}{around[2]}" if around else plain


def _plain(word: str) -> str:
    """In the usual form of its letters, with each sign behind it once; a name as it is."""
    if word.isalnum() and word.isascii():
        return word
    if _NAME.search(word):
        return word
    return _REPEATED.sub(_once, unicodedata.normalize("NFKC", word))


def _once(signs: re.Match[str]) -> str:
    return "…" if signs[0][0] in ".…" else "?" if "?" in signs[0] else signs[0][0]
