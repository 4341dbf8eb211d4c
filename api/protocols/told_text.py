"""An answer's text as it was told to a client that cannot take anything back. Used by every renderer.

An attempt that begins anew makes pieces void that are told already. If it says the same again, which most do, nothing is told twice; if it
says something else, the client has to be told so in its protocol's own way.
"""

from __future__ import annotations


class ToldText:
    """What holds by the log, and what of it was told."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self.text = ""  #: what holds
        self.told = ""

    def resume(self, at: int) -> None:
        """An attempt begins: the pieces at `at` and after are void."""
        if at < len(self._pieces):
            del self._pieces[at:]
            self.text = "".join(self._pieces)

    def add(self, piece: str) -> str | None:
        """What is to be told now; None if the text has become another one than was told."""
        self._pieces.append(piece)
        self.text += piece
        return self._rest()

    def end(self, text: str) -> str | None:
        """The same, for the whole text, which the answer's last record holds."""
        self.text = text
        return self._rest() if len(self.told) <= len(text) else None

    def begin_again(self) -> str:
        """The text is told from its beginning."""
        self.told = self.text
        return self.text

    def _rest(self) -> str | None:
        if self.told.startswith(self.text):
            return ""
        if not self.text.startswith(self.told):
            return None
        rest = self.text[len(self.told) :]
        self.told = self.text
        return rest
