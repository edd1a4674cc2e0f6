"""A parser of messages that forgives what no sender should be forgiven: whatever a careless reader downstream could take for a header is one.

A bare CR ends a line, as CRLF and LF do; a name may hold white space, control characters and anything else but a colon; a malformed line
ends nothing. Only the first empty line ends the header, and a line that begins with white space belongs to the one before it.
"""

import re
import unicodedata


def head(raw):
    """The bytes before the first empty line, whichever line ends it has."""
    return re.split(rb"(?:\r\n|\r|\n)(?:\r\n|\r|\n)", raw.replace(b"\r\n", b"\n"), maxsplit=1)[0]


def fields(raw):
    """(name, value) of everything in the message `raw` that could be read as a header; names as fold() makes them."""
    found = []
    for line in re.split(r"[\r\n]", head(raw).decode("latin-1")):
        if line[:1] in (" ", "\t") and found:
            found[-1][1] += " " + line.strip()
        elif ":" in line:
            name, value = line.split(":", 1)
            found.append([fold(name), value.strip()])
    return [tuple(field) for field in found]


def fold(name):
    """Lower case, without white space, control and invisible characters, wide letters as plain ones."""
    try:
        name = name.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        pass
    plain = unicodedata.normalize("NFKC", name)
    return "".join(c for c in plain if not c.isspace() and unicodedata.category(c)[0] != "C").casefold()
