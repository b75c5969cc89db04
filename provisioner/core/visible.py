"""Text of others, safe to show: what controls terminals, breaks XML or turns directions is spelled out."""

from __future__ import annotations

import re

# Controls of ASCII and Latin-1 but tab and line end; what turns the direction or has no width (joiners, which
# names may have, apart); halves of surrogate pairs, and what is no character (XML 1.0 2.2, UTS 55 3.1).
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """The text with what is not seen in it spelled out: an ESC as `\\x1b`."""
    return _HIDDEN.sub(_spelled, text)


def _spelled(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")
